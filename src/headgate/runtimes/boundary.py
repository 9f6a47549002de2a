"""The one boundary between foreign code and ours: whatever a library or an author's model raises leaves as our error.

It says what was being done and what the other side said. Our own errors pass as they are; so does what is none, as
`KeyboardInterrupt`. `SystemExit` does not: a library that gives up does not end whoever has called it.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from types import TracebackType
from typing import Any, TypeVar, cast

from headgate.errors import HeadgateError, ModelError
from headgate.runtimes.batch import Batch

Tell = Callable[[BaseException], str]
Ask = TypeVar("Ask", bound=Callable[..., Mapping[str, Any] | str])


def named(error: BaseException) -> str:
    """What was raised, and what it says."""
    return f"{type(error).__name__}: {said(error)}"


def in_a_line(error: BaseException, most: int = 300) -> str:
    """What it says, for libraries that write pages."""
    return " ".join(said(error).split())[:most]


def said(error: BaseException) -> str:
    """What it says; its own code says it, and may fail in turn."""
    with suppress(Exception):
        return str(error)
    return "(it fails to say what it is)"


class Boundary:
    """Around foreign code, by `with`. It keeps nothing of what happens inside: one serves any number of calls."""

    __slots__ = ("_passing", "_translate")

    def __init__(
        self, translate: Callable[[BaseException], HeadgateError], passing: type[HeadgateError] = HeadgateError
    ) -> None:
        self._translate = translate
        self._passing = passing

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: TracebackType | None) -> None:
        if isinstance(error, Exception | SystemExit) and not isinstance(error, self._passing):
            raise self._translate(error) from error


def foreign(failed: str, tell: Tell = named, then: str = "", passing: type[HeadgateError] = HeadgateError) -> Boundary:
    """What is raised inside leaves as a `ModelError`: what failed, why, and what to do then."""
    return Boundary(lambda error: ModelError(f"{failed}: {tell(error)}{then}"), passing)


# around a call of a model whose runtime may be anybody's
MODEL_CALL = foreign("The model failed", passing=ModelError)


def answering(failed: str = "The model failed", tell: Tell = named) -> Callable[[Ask], Ask]:
    """A model's `predict` inside the boundary: errors but `ModelError` are no answer to whoever sent the rows.

    A plain call, since it is on the way of every prediction: no text is made before something was raised.
    """

    def guard(ask: Ask) -> Ask:
        @wraps(ask)
        def guarded(model: Any, batch: Batch) -> Any:
            try:
                return ask(model, batch)
            except ModelError:
                raise
            except (Exception, SystemExit) as error:
                raise ModelError(f"{failed} on {batch.rows} rows: {tell(error)}") from error

        return cast("Ask", guarded)

    return guard
