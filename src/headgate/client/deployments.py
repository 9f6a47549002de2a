"""Deployments: starting a rollout, watching it, and going back."""

from collections.abc import Callable, Mapping
from typing import Any

from headgate.client.connection import Connection, segment
from headgate.client.document import Document, Documents
from headgate.clock import Clock, SystemClock
from headgate.errors import DeadlineExceeded, NotFound, Refused

LIVE = "promoted"
PAUSE = 0.1  # seconds between two looks at a rollout
DEADLINE = 600.0

Watcher = Callable[[Document], None]


class Deployments:
    """`client.deployments`."""

    def __init__(self, connection: Connection, clock: Clock | None = None) -> None:
        self._connection = connection
        self._clock = clock or SystemClock()

    def start(
        self,
        version: str,
        endpoint: str,
        *,
        environment: str | None = None,
        project: str | None = None,
        strategy: str = "all-at-once",
        force: bool = False,
        reason: str = "",
    ) -> Document:
        """Begin to move an endpoint to a version; raises `Refused` when a gate says no."""
        body = {
            "version": version, "endpoint": endpoint, "environment": environment, "project": project,
            "strategy": strategy, "force": force, "reason": reason,
        }  # fmt: skip
        given = {name: value for name, value in body.items() if value is not None}
        rollout: Document = self._connection.change("POST", "/deployments", given)
        return rollout

    def rollout(self, endpoint: str) -> Document:
        """The newest rollout of the endpoint."""
        found: Document = self._connection.get(f"/endpoints/{segment(endpoint)}/rollout")
        return found

    def history(self, endpoint: str, *, limit: int | None = None) -> Documents:
        """Every rollout of the endpoint, newest first."""
        return list(self._connection.pages(f"/endpoints/{segment(endpoint)}/rollouts", limit))

    def roll_back(self, endpoint: str, reason: str) -> Document:
        """Leave the newest rollout for what was live before it."""
        path = f"/endpoints/{segment(endpoint)}/rollback"
        rollout: Document = self._connection.change("POST", path, {"reason": reason})
        return rollout

    def wait(self, rollout: Document, *, timeout: float | None = None, progress: Watcher | None = None) -> Document:
        """Look until the rollout has ended; `progress` is called with it whenever its state is another.

        Raises `Refused` with the evidence when it did not go live, `DeadlineExceeded` after `timeout` seconds.
        """
        deadline = self._clock.monotonic() + (DEADLINE if timeout is None else timeout)
        seen = None
        while True:
            if progress and rollout["state"] != seen:
                progress(rollout)
            seen = rollout["state"]
            if rollout["terminal"]:
                return rollout
            if self._clock.monotonic() >= deadline:
                raise DeadlineExceeded(
                    f"The rollout of {rollout['to']} to {rollout['endpoint']} is still {seen}. It goes on; "
                    f"watch it with `headgate rollout show {rollout['endpoint']}`."
                )
            self._clock.sleep(PAUSE)
            rollout = self._again(rollout)

    def wait_until_live(
        self, rollout: Document, *, timeout: float | None = None, progress: Watcher | None = None
    ) -> Document:
        """As `wait`, and raises `Refused` with the evidence when the rollout ended otherwise than live."""
        ended = self.wait(rollout, timeout=timeout, progress=progress)
        if ended["state"] != LIVE:
            raise Refused(
                f"Expected {ended['to']} to go live on {ended['endpoint']}, the rollout ended as {ended['state']}: "
                f"{(ended.get('reason') or 'no reason was given').removesuffix('.')}. "
                f"See `headgate rollout show {ended['endpoint']}`.",
                detail=[item for item in ended.get("evidence") or () if isinstance(item, dict) and _tells_more(item)],
            )
        return ended

    def _again(self, rollout: Document) -> Document:
        newest = self.rollout(rollout["endpoint"])
        if newest["id"] == rollout["id"]:
            return newest
        for older in self.history(rollout["endpoint"]):
            if older["id"] == rollout["id"]:
                return older
        raise NotFound(f"Rollout {rollout['id']} of {rollout['endpoint']} is gone. See `headgate audit list`.")


def _tells_more(evidence: Mapping[str, Any]) -> bool:
    """Whether it says more of a failure than the reason does: not the gates that let it begin, nor the reason again."""
    return evidence.get("kind") not in ("table", "gate") and not evidence.get("failures")
