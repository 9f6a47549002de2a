"""What a request that waits for a model, the way to that model, and the model's answer are to each other."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from headgate.errors import HeadgateError
from headgate.runtimes.batch import Batch
from headgate.runtimes.runtime import Outputs


class Answer:
    """What a model said to the rows of some callers, in their order."""

    __slots__ = ("begun", "inputs", "outputs", "seconds", "written")

    def __init__(self, inputs: Batch, outputs: Outputs, begun: float, seconds: float) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.begun = begun  # time.monotonic() when the model was called
        self.seconds = seconds  # that the call took; 0 where the model was not asked
        # what an encoder has made of all rows, for the callers that follow
        self.written: dict[object, Any] = {}


class Caller(Protocol):
    """One request that waits for its answer."""

    exchange: Any  # its HTTP side: what is asked of it here are id, beginning and trace
    rows: Any  # for the model
    count: int  # of the rows
    priority: int  # its class, and when it began: see `priority.py`
    since: float
    deadline: float  # seconds of time.monotonic()
    done: int  # the status, once it needs no answer any more

    def deliver(self, answer: Answer, start: int, stop: int) -> None:
        """Take the answer to one's own rows, which are those from start to before stop."""
        ...

    def fail(self, error: HeadgateError) -> None:
        """Take the reason why there is none. Only the first of all deliver and fail counts."""
        ...


@runtime_checkable
class PartCaller(Protocol):
    """One request that takes its answer in parts."""

    def part(self, outputs: Outputs) -> None:
        """Take what comes next."""
        ...


# what is done once all callers of an answer have it
Settle = Callable[[Answer, Sequence[Any]], None]


class Calls(Protocol):
    """The way to a variant's model."""

    @property
    def busy(self) -> bool:
        """Is anything waiting or running?"""
        ...

    def submit(self, caller: Caller) -> None:
        """Answer this caller soon; raises `Overloaded` when it would wait in vain."""
        ...

    def drop(self, caller: Caller) -> None:
        """This caller has left and is done: what has not begun is not begun any more."""
        ...

    def displace(self, priority: int) -> bool:
        """Refuse the newest caller that waits and is of a lower class than this; False when there is none."""
        ...

    def has_begun(self, caller: Caller) -> bool:
        """Is the model at work for this caller?"""
        ...


class Asking(Protocol):
    """What is being done for a request."""

    def leave(self) -> None:
        """The client has gone: do it no more."""
        ...

    def has_begun(self) -> bool:
        """Is the model at work for it?"""
        ...
