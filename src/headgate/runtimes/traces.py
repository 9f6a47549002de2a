"""Whose traces the rows belong to that a model is answering: for a model's own code in a host, as `headgate.traces()`.

One call of a model answers rows of several callers, so there is no trace of the call: each caller's rows have their
own, and whoever sent no `traceparent` has none.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class RowsTrace(NamedTuple):
    """The trace of the rows from start to before stop, as W3C Trace Context writes it."""

    start: int
    stop: int
    traceparent: str  # its span is the prediction's: the parent of what the model does
    tracestate: str = ""


_current: ContextVar[Sequence[RowsTrace]] = ContextVar("headgate_traces", default=())


def traces() -> Sequence[RowsTrace]:
    """The traces of the batch that `predict` is answering just now, in the order of its rows; often none."""
    return _current.get()


@contextmanager
def within(found: Sequence[RowsTrace]) -> Iterator[None]:
    """What is called inside sees these."""
    before = _current.set(found)
    try:
        yield
    finally:
        _current.reset(before)
