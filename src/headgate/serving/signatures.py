"""Requests signed as AWS's clients sign them (Signature Version 4), with secrets of ours.

Source: AWS, "Create a signed AWS API request". What is signed: method, path, query, the signed headers, and the body by
its digest. Everything cheap is asked first; the body is digested only for a key that there is, signed for now.

A signature may be used again within its quarter of an hour, as AWS allows too: it carries no nonce, and two equal
requests of one second have equal signatures. A prediction changes nothing, and its limits count every time.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from urllib.parse import quote

from headgate.errors import Unauthenticated
from headgate.records import AccessKey
from headgate.serving.request_headers import shown

ALGORITHM = b"AWS4-HMAC-SHA256"
SERVICE = "sagemaker"
SKEW_SECONDS = 15 * 60
MOST_BYTES = 2048
# headers that clients sign and nobody here would read otherwise
HEADERS = (
    "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent", "x-amz-target",
    "amz-sdk-invocation-id", "amz-sdk-request", "accept-encoding", "content-md5", "date",
)  # fmt: skip
# what must be signed where it is sent: it says what is asked
MEANT = ("x-amz-", "x-amzn-", "headgate-", "content-type", "content-encoding")
_FORM = re.compile(
    rb"AWS4-HMAC-SHA256 +Credential=([A-Za-z0-9]{1,128})/(\d{8})/([a-z0-9-]{1,64})/([a-z0-9-]{1,64})/aws4_request, *"
    rb"SignedHeaders=([a-z0-9;-]{1,1024}), *Signature=([0-9a-f]{64})",
    re.ASCII,
)
_MOMENT = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
# how AWS names the reasons, for those of its clients that branch on them
INVALID, UNKNOWN, EXPIRED = "InvalidSignatureException", "UnrecognizedClientException", "ExpiredTokenException"
INCOMPLETE, MISSING = "IncompleteSignatureException", "MissingAuthenticationTokenException"


class Signed(Protocol):
    """A request that may carry a signature."""

    method: bytes
    target: bytes
    headers: dict[str, bytes]
    body: bytes | bytearray
    signer: AccessKey | None  # whose signature was found good


class Credential(NamedTuple):
    """What the header `Authorization` says."""

    key_id: str
    date: str
    region: str
    service: str
    names: tuple[str, ...]  # of the signed headers
    signature: str

    @property
    def scope(self) -> str:
        """For what the signing key was made."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def read_credential(authorization: bytes) -> Credential:
    """What a signature claims; raises `Unauthenticated` for what is none, or none for this service."""
    form = _FORM.fullmatch(authorization) if len(authorization) <= MOST_BYTES else None
    if form is None:
        raise refused(
            INCOMPLETE, "Expected `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`."
        )
    key_id, date, region, service, names, signature = (group.decode() for group in form.groups())
    if service != SERVICE:
        raise refused(INVALID, f"Credential should be scoped to the service {SERVICE!r}, got {service!r}.")
    return Credential(key_id, date, region, service, tuple(names.split(";")), signature)


def verify(request: Signed, claimed: Credential, secret: str, now: float) -> None:
    """Raises `Unauthenticated` unless the request carries what the holder of the secret signed lately."""
    moment = _moment(request.headers, claimed, now)
    _check_names(request.headers, claimed.names)
    digest = hashlib.sha256(request.body).hexdigest()
    told = request.headers.get("x-amz-content-sha256", digest.encode())
    if told != digest.encode():
        raise refused(INVALID, f"Expected X-Amz-Content-Sha256 to be the body's digest, got {shown(told)}.")
    text = "\n".join((ALGORITHM.decode(), moment, claimed.scope, _digest(canonical(request, claimed.names, digest))))
    expected = hmac.new(_signing_key(secret, claimed), text.encode(), "sha256").hexdigest()
    if not hmac.compare_digest(expected, claimed.signature):
        raise refused(
            INVALID,
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )


def canonical(request: Signed, names: tuple[str, ...], digest: str) -> str:
    """The one spelling of a request that both sides sign."""
    path, _, query = request.target.decode("latin-1").partition("?")
    pairs = sorted((name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair))
    lines = [f"{name}:{' '.join(request.headers[name].decode('utf-8', 'replace').split())}\n" for name in names]
    parts = (
        request.method.decode("latin-1"),
        quote(path, safe="/~"),
        "&".join(f"{name}={value}" for name, value in pairs),
        "".join(lines),
        ";".join(names),
        digest,
    )
    return "\n".join(parts)


def refused(reason: str, message: str) -> Unauthenticated:
    """With AWS's name of the reason."""
    return Unauthenticated(message, detail=[{"aws": reason}])


def _moment(headers: Mapping[str, bytes], claimed: Credential, now: float) -> str:
    """When it was signed, within what clocks may differ by."""
    moment = headers.get("x-amz-date", b"").decode("latin-1")
    if not _MOMENT.fullmatch(moment) or not moment.startswith(claimed.date):
        raise refused(INCOMPLETE, "Expected X-Amz-Date, a time on the day of the credential.")
    try:
        signed = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise refused(INCOMPLETE, "Expected X-Amz-Date, a time that there is.") from None
    if abs(now - signed) > SKEW_SECONDS:
        here = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        raise refused(
            INVALID,
            f"Signature expired or not yet current: signed at {moment}, and it is {here} here. "
            f"They may differ by {SKEW_SECONDS // 60} minutes: set the clock.",
        )
    return moment


def _check_names(headers: Mapping[str, bytes], names: tuple[str, ...]) -> None:
    if list(names) != sorted(set(names)):
        raise refused(INCOMPLETE, "Expected SignedHeaders in order, each once.")
    if unread := [name for name in names if name not in headers]:
        raise refused(INCOMPLETE, f"The header {unread[0]!r} is signed, and was not sent or is none that is read here.")
    wanted = {"host", "x-amz-date", *(name for name in headers if name.startswith(MEANT))}
    if missing := sorted(wanted.difference(names)):
        raise refused(INCOMPLETE, f"The header {missing[0]!r} must be signed.")


def _signing_key(secret: str, claimed: Credential) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in claimed.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
