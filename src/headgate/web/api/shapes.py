"""What several nouns share: names in paths, pages, ETags, bodies with a reason."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Header, Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from headgate.errors import Malformed, PreconditionFailed
from headgate.names import validate_name
from headgate.storage.pages import Page

# marks an object in the document whose schema is that of one of our records
RECORD = "x-record"
Item = TypeVar("Item")
Shown = TypeVar("Shown")


class Shape(BaseModel):
    """A JSON object of the API; a body that holds anything else is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Listing(Shape, Generic[Shown]):
    """One page of a list."""

    items: list[Shown]
    next: str | None = Field(default=None, description="Cursor of the page that follows; null on the last one.")


class Because(Shape):
    """Why something is done."""

    reason: str = Field(min_length=1, max_length=4_000, examples=["error rate doubled after the deploy"])


def _named(what: str) -> Callable[[str], str]:
    def validate(text: str) -> str:
        return validate_name(text, what)

    return validate


def _digits(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("only digits are a number here")
    return text


def _path(what: str, example: str) -> Any:
    return Path(description=f"The {what}.", examples=[example])


ModelName = Annotated[str, AfterValidator(_named("model name")), _path("model's name", "fraud")]
EndpointName = Annotated[str, AfterValidator(_named("endpoint name")), _path("endpoint's name", "fraud")]
ActorName = Annotated[str, AfterValidator(_named("actor name")), _path("actor's name", "ann")]
AliasName = Annotated[str, AfterValidator(_named("alias")), _path("alias", "champion")]
RoleName = Annotated[str, AfterValidator(_named("role")), _path("role", "viewer")]
KeyId = Annotated[str, AfterValidator(_named("key id")), _path("key's public part", "0a1b2c3d")]
Number = Annotated[
    int, BeforeValidator(_digits), Path(ge=1, le=999_999_999, description="The version's number.", examples=[3])
]

Limit = Annotated[int, Query(ge=1, le=1_000, description="Items on one page.")]
Cursor = Annotated[str | None, Query(max_length=400, description="`next` of the page before.")]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="ETag of what was read; refused when outdated.")]


def reference_to(record: str) -> Any:
    """A JSON object that one of our records describes: `openapi.py` puts the record's schema in."""
    return Field(json_schema_extra={RECORD: record})


def seal(cursor: str | None) -> str | None:
    """A cursor as callers get it: nothing to build by hand."""
    return None if cursor is None else base64.urlsafe_b64encode(cursor.encode()).decode().rstrip("=")


def unseal(cursor: str | None) -> str | None:
    """The cursor that was sealed. Raises `Malformed`."""
    if cursor is None:
        return None
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Malformed("The cursor is not one that was given out. Leave it out to begin anew.") from error


def listing(page: Page[Item], show: Callable[[Item], Shown]) -> Listing[Shown]:
    """A page as it is sent."""
    return Listing(items=[show(item) for item in page.items], next=seal(page.next))


def page_of(items: Sequence[Item], name: Callable[[Item], str], limit: int, cursor: str | None) -> Page[Item]:
    """One page of a short list that is in memory, ordered by name."""
    after = unseal(cursor) or ""
    rest = [item for item in sorted(items, key=name) if name(item) > after]
    shown = tuple(rest[:limit])
    return Page(shown, name(shown[-1]) if len(rest) > limit else None)


def etag(revision: int) -> str:
    """A revision as an ETag."""
    return f'"{revision}"'


def expected_revision(if_match: str | None) -> int | None:
    """The revision that an `If-Match` asks for; None where it asks for none. Raises `PreconditionFailed`."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise PreconditionFailed("If-Match is no ETag that was given out. Read the thing again and use its ETag.")
    return int(text)
