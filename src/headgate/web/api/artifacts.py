"""Artifacts in the store: removing those that nothing refers to."""

from pydantic import Field

from headgate.registry.artifacts import GRACE_HOURS, LONGEST_GRACE_HOURS, collect
from headgate.web.api.guards import Who, guarded
from headgate.web.api.plane import Plane
from headgate.web.api.shapes import Shape

router = guarded("artifacts")


class Wish(Shape):
    dry_run: bool = Field(description="Only say what would be removed.")
    grace_hours: float = Field(
        GRACE_HOURS, ge=0, le=LONGEST_GRACE_HOURS, allow_inf_nan=False, description="Younger artifacts stay."
    )
    reason: str = Field("", max_length=2000)


class CollectionShape(Shape):
    kept: int = Field(description="Artifacts that stay.")
    removed: list[str] = Field(description="Digests; of a dry run: those that would be removed.")
    bytes: int = Field(description="Size of the removed.")
    missing: list[str] = Field(description="Digests that versions refer to and the store does not have.")


@router.post("/artifacts/collect")
def collect_artifacts(plane: Plane, caller: Who, body: Wish) -> CollectionShape:
    """Remove artifacts that no version refers to and no upload holds. Repeating it is harmless."""
    done = collect(
        plane.database,
        plane.store,
        actor=caller.actor,
        reason=body.reason,
        grace_hours=body.grace_hours,
        rehearse=body.dry_run,
    )
    return CollectionShape(kept=done.kept, removed=list(done.removed), bytes=done.bytes, missing=list(done.missing))
