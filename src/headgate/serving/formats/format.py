"""The contract of a format: bytes of a body into rows, outputs into bytes. Nothing else is in this file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from headgate.serving.contract import Contract, Rows

Array = np.ndarray[Any, Any]
# of a request, in lower case
Headers = Mapping[str, bytes]
NO_HEADERS: Headers = {}
# request id, start and stop of the caller's rows, the caller's own row ids → the body
Body = Callable[[str, int, int, Sequence[str] | None], bytes]
# outputs of all rows of a batch → the bodies of its callers; raises TypeError or ValueError for what cannot be written
Encode = Callable[[Mapping[str, Array]], Body]


class Decode(Protocol):
    """Body and headers → the validated rows; raises Malformed, SignatureMismatch or TooLarge."""

    def __call__(self, body: bytes | bytearray, headers: Headers = NO_HEADERS, /) -> Rows: ...


@dataclass(frozen=True, slots=True)
class Origin:
    """What an answer says about where it comes from."""

    endpoint: str
    version: str
    # the classes that the columns of the probabilities stand for
    classes: tuple[Any, ...] = ()
    role: str = "stable"

    @property
    def headers(self) -> dict[str, str]:
        """What the head of every answer says of it."""
        return {"Headgate-Model": self.version, "Headgate-Variant": self.role}


class Format(Protocol):
    """One way to write rows and answers."""

    name: str
    # bare media type, lower case: what `Content-Type` and `Accept` say
    media_type: str
    # what an answer's `Content-Type` says
    content_type: str
    # bodies up to this size are decoded on the event loop, larger ones in a thread
    inline_bytes: float
    # the module that reads and writes it, and the extra of Headgate that brings it; empty: none is needed
    library: str
    extra: str
    # the modules that its encoder imports when it is called
    imports: tuple[str, ...]

    def decoder(self, contract: Contract) -> Decode:
        """A decoder compiled for one contract."""
        ...

    def encoder(self, origin: Origin) -> Encode:
        """An encoder compiled for one version behind one endpoint."""
        ...
