"""Every error that Headgate raises, as one tree.

    HeadgateError                  500
    ├── Malformed                  400   the request or file cannot be read
    │   ├── InvalidName            400
    │   └── BadArchive             400
    ├── Unauthenticated            401
    ├── Forbidden                  403
    ├── NotFound                   404
    ├── MethodNotAllowed           405
    ├── ReceiptTimeout             408
    ├── Conflict                   409
    │   └── Refused                409   a rule said no: gate, lifecycle, trust
    │       ├── Untrusted          409
    │       └── EnvironmentMismatch 409
    ├── PreconditionFailed         412   If-Match no longer holds
    ├── TooLarge                   413
    ├── TargetTooLong              414
    ├── UnsupportedType            415
    ├── SignatureMismatch          422   well-formed, but not what the contract says
    ├── InvalidBody                422   well-formed, but not what this address takes
    ├── TooManyRequests            429   the caller, or all callers of an endpoint, are too fast
    ├── HeadersTooLarge            431
    ├── ModelError                 500   the model itself failed
    │   ├── ModelOutputInvalid     500
    │   └── PoisonRequest          500   ended the processes that ran it
    ├── Corrupt                    500   stored bytes are not what was stored
    ├── ClientLeft                 499   nobody is there to take the answer; only recorded
    ├── Unavailable                503   draining or not ready
    │   ├── Late                   503   a process was not there in time; another try may be
    │   ├── Overloaded             503   full, or would be late
    │   │   └── NoRoom             503   full; clients see it as Overloaded
    │   ├── Unusable               503   it says no: trying again changes nothing
    │   └── Unreachable            503   nothing answers at that address
    └── DeadlineExceeded           504

`status` is ours, not a web framework's; `code` is what clients branch on. A message says what was expected, what was
got, where, and the next step.
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class HeadgateError(Exception):
    """Something failed inside Headgate."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL"

    def __init__(
        self, message: str = "", *, detail: Sequence[dict[str, Any]] = (), retry_after: float | None = None
    ) -> None:
        super().__init__(message or (self.__class__.__doc__ or ""))
        self.detail = tuple(detail)
        self.retry_after = retry_after

    @property
    def message(self) -> str:
        """Always text that can be sent: what a model says may hold half of a character (a lone surrogate)."""
        text = str(self.args[0])
        return text if text.isascii() else text.encode(errors="backslashreplace").decode()


class Malformed(HeadgateError):
    """The request or file cannot be read."""

    status = 400
    code = "MALFORMED"


class InvalidName(Malformed):
    """The name does not match [A-Za-z0-9][A-Za-z0-9._-]{0,127}."""

    code = "INVALID_NAME"


class BadArchive(Malformed):
    """The archive is damaged or holds something an archive of ours never holds."""

    code = "BAD_ARCHIVE"


class Unauthenticated(HeadgateError):
    """No valid key was given."""

    status = 401
    code = "UNAUTHENTICATED"


class Forbidden(HeadgateError):
    """The key's roles do not allow this."""

    status = 403
    code = "FORBIDDEN"


class NotFound(HeadgateError):
    """There is no such thing."""

    status = 404
    code = "NOT_FOUND"


class MethodNotAllowed(HeadgateError):
    """This address does not take that method."""

    status = 405
    code = "METHOD_NOT_ALLOWED"


class ReceiptTimeout(HeadgateError):
    """The request did not arrive in time."""

    status = 408
    code = "RECEIPT_TIMEOUT"


class Conflict(HeadgateError):
    """The thing exists already, or was changed meanwhile."""

    status = 409
    code = "CONFLICT"


class Refused(Conflict):
    """A rule said no."""

    code = "REFUSED"


class Untrusted(Refused):
    """The bundle could run code and nobody trusted has signed it."""

    code = "UNTRUSTED"


class EnvironmentMismatch(Refused):
    """The bundle's packages do not fit this environment."""

    code = "ENVIRONMENT_MISMATCH"


class PreconditionFailed(HeadgateError):
    """The thing was changed since it was read."""

    status = 412
    code = "PRECONDITION_FAILED"


class TooLarge(HeadgateError):
    """The body or its row count is over the limit."""

    status = 413
    code = "TOO_LARGE"


class TargetTooLong(HeadgateError):
    """The request target is over the limit."""

    status = 414
    code = "TARGET_TOO_LONG"


class UnsupportedType(HeadgateError):
    """The content type or encoding is not one that is understood here."""

    status = 415
    code = "UNSUPPORTED_TYPE"


class SignatureMismatch(HeadgateError):
    """The rows are well-formed but not what the contract says; `detail` points at row and column."""

    status = 422
    code = "SIGNATURE_MISMATCH"


class InvalidBody(HeadgateError):
    """Body or parameters are well-formed but not what this address takes; `detail` points at the place."""

    status = 422
    code = "INVALID_BODY"


class TooManyRequests(HeadgateError):
    """The caller is over its rate, or asks too much at once."""

    status = 429
    code = "RATE_LIMITED"


class HeadersTooLarge(HeadgateError):
    """The request headers are over the limit."""

    status = 431
    code = "HEADERS_TOO_LARGE"


class ModelError(HeadgateError):
    """The model itself failed on a valid request."""

    status = 500
    code = "MODEL_ERROR"


class ModelOutputInvalid(ModelError):
    """The model answered NaN, a wrong shape or a wrong number of rows."""

    code = "MODEL_OUTPUT_INVALID"


class PoisonRequest(ModelError):
    """Every process that ran the model on this request died: it is not tried again."""

    code = "POISON_REQUEST"


class Corrupt(HeadgateError):
    """Stored bytes are not what was stored."""

    code = "CORRUPT"


class ClientLeft(HeadgateError):
    """The client hung up before its answer was ready. It is told to nobody, but counted and recorded."""

    status = 499
    code = "CLIENT_LEFT"


class NotSupported(HeadgateError):
    """A thing that a protocol knows and this server does not do."""

    status = 501
    code = "NOT_SUPPORTED"


class Unavailable(HeadgateError):
    """The server is draining or not ready."""

    status = 503
    code = "UNAVAILABLE"


class Overloaded(Unavailable):
    """The server is full: as much is asked as it takes at once, or an answer would come too late."""

    code = "OVERLOADED"


class NoRoom(Overloaded):
    """There is no place for this request: it may not come in, or gave its place to a more urgent one."""


class Late(Unavailable):
    """A process was not there in time, on a busy machine: another try may be."""


class Unusable(Unavailable):
    """What is needed is there and says no: trying again changes nothing, somebody has to."""


class Unreachable(Unavailable):
    """Nothing answers at that address."""

    code = "UNREACHABLE"


class DeadlineExceeded(HeadgateError):
    """The answer would have come after the deadline."""

    status = 504
    code = "DEADLINE_EXCEEDED"


def error_body(error: HeadgateError, request_id: str = "") -> dict[str, Any]:
    """The one shape in which errors travel: error, code, detail, id."""
    return {"error": error.message, "code": error.code, "detail": list(error.detail), "id": request_id}


def all_errors(root: type[HeadgateError] = HeadgateError) -> dict[str, type[HeadgateError]]:
    """Code → the class that declares it, over the whole tree, so that a client raises what the server meant."""
    found = {root.code: root} if "code" in vars(root) else {}
    for child in root.__subclasses__():
        found |= all_errors(child)
    return found
