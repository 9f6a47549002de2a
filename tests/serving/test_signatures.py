"""Signed requests: what botocore signs is taken, and nothing else."""

import hashlib
import time
from dataclasses import dataclass, field, replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.signing import SUBKEY, signed
from tests.serving.test_access import key, table

from headgate.derived_secrets import signing_secret, signing_subkey
from headgate.errors import Forbidden, Unauthenticated
from headgate.records import AccessKey, AccessTable
from headgate.serving.access import Access
from headgate.serving.signatures import SKEW_SECONDS

TARGET, BODY = "/endpoints/fraud/invocations?b=2&a=1%20x", b'{"inputs": [[1]]}'


@dataclass
class Request:
    """As a worker has read it."""

    headers: dict[str, bytes]
    method: bytes = b"POST"
    target: bytes = TARGET.encode()
    body: bytes | bytearray = BODY
    signer: AccessKey | None = field(default=None)


def request(key_id: str = "good", secret: str = "", service: str = "sagemaker", **headers: str) -> Request:
    found = signed(key_id, "POST", TARGET, BODY, secret=secret, service=service, **headers)
    lower = {name.replace("_", "-").lower(): value.encode() for name, value in found.items()}
    return Request({"host": b"localhost", **lower})


class Clock:
    """Set by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(clock: Clock) -> Access:
    access = Access(required=True, clock=clock)
    access.apply(with_signing(table(1, key("good", "shop/staging"), key("late", "*", expires_at=clock.now - 1))))
    return access


def with_signing(table: AccessTable) -> AccessTable:
    return msgspec.structs.replace(table, signing=SUBKEY.hex())


def caller(access: Access, asked: Request) -> AccessKey | None:
    return access.caller(asked.headers.get("authorization"), asked)


def reason(access: Access, asked: Request) -> str:
    with pytest.raises(Unauthenticated) as caught:
        caller(access, asked)
    assert asked.signer is None
    return str(caught.value.detail[0]["aws"])


def test_who_signed_it_is_the_caller(access: Access) -> None:
    asked = request(Content_Type="application/json", X_Amzn_SageMaker_Inference_Id="a  b")
    found = caller(access, asked)
    assert found is not None
    assert found.id == "good"
    access.admit(asked.headers, "shop/staging", asked)
    with pytest.raises(Forbidden):
        access.admit(asked.headers, "shop/production", asked)


def test_what_the_wrong_secret_signed_is_refused(access: Access) -> None:
    assert reason(access, request(secret="x" * 40)) == "InvalidSignatureException"
    other = signing_secret(signing_subkey(SUBKEY), "good")
    assert reason(access, request(secret=other)) == "InvalidSignatureException"
    assert reason(access, request(secret=signing_secret(SUBKEY, "late"))) == "InvalidSignatureException"


def test_unknown_revoked_and_expired_keys(access: Access) -> None:
    assert reason(access, request("nobody")) == "UnrecognizedClientException"
    assert reason(access, request("late")) == "ExpiredTokenException"
    access.apply(with_signing(table(2)))
    assert reason(access, request()) == "UnrecognizedClientException"


def test_without_a_subkey_no_signature_is_taken(access: Access) -> None:
    access.apply(table(2, key("good", "*")))
    assert reason(access, request()) == "UnrecognizedClientException"
    # nor one with the secret that an empty subkey would give
    assert reason(access, request(secret=signing_secret(b"", "good"))) == "UnrecognizedClientException"


@pytest.mark.parametrize(
    "change",
    [
        {"body": BODY + b" "},
        {"body": b""},
        {"method": b"PUT"},
        {"target": TARGET.replace("fraud", "other").encode()},
        {"target": TARGET.replace("1", "3").encode()},
        {"target": TARGET.partition("?")[0].encode()},
    ],
)
def test_what_was_changed_is_refused(access: Access, change: dict[str, bytes]) -> None:
    asked: Request = replace(request(), **change)  # type: ignore[arg-type]  # one field of that kind each
    assert reason(access, asked) == "InvalidSignatureException"


def test_headers_that_say_what_is_asked_must_be_signed(access: Access) -> None:
    asked = request(X_Amzn_SageMaker_Inference_Id="mine")
    asked.headers["x-amzn-sagemaker-inference-id"] = b"yours"
    assert reason(access, asked) == "InvalidSignatureException"
    for name in ("x-amzn-sagemaker-target-variant", "headgate-priority", "headgate-variant", "content-type"):
        asked = request()
        asked.headers[name] = b"high"
        assert reason(access, asked) == "IncompleteSignatureException"
    asked = request(Content_Type="text/csv")
    del asked.headers["content-type"]
    assert reason(access, asked) == "IncompleteSignatureException"


def test_the_digest_of_the_body_cannot_be_left_out(access: Access) -> None:
    for told in ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", hashlib.sha256(b"other").hexdigest()):
        assert reason(access, request(X_Amz_Content_Sha256=told)) == "InvalidSignatureException"
    assert caller(access, request(X_Amz_Content_Sha256=hashlib.sha256(BODY).hexdigest())) is not None


def test_it_is_good_for_a_quarter_of_an_hour(access: Access, clock: Clock) -> None:
    begun = clock.now
    for offset in (SKEW_SECONDS - 5, 5 - SKEW_SECONDS):
        clock.now = begun + offset
        assert caller(access, request()) is not None
    for offset in (SKEW_SECONDS + 5, -5 - SKEW_SECONDS):
        clock.now = begun + offset
        assert reason(access, request()) == "InvalidSignatureException"


def test_signatures_for_other_services_are_refused(access: Access) -> None:
    assert reason(access, request(service="s3")) == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Signature=", b"Signature=f"),
        (b"Signature=", b"Sig="),
        (b"/aws4_request", b"/aws5_request"),
        (b"host;", b""),
        (b"host;", b"host;host;"),
        (b"host;", b"host;unsent;"),
        (b"SignedHeaders=", b"SignedHeaders=;"),
        (b"x-amz-date,", b","),
        (b"Credential=good/20", b"Credential=good/19"),
        (b"Credential=good", b"Credential=" + b"g" * 4000),
    ],
)
def test_what_is_no_signature(access: Access, old: bytes, new: bytes) -> None:
    asked = request()
    assert old in asked.headers["authorization"]
    asked.headers["authorization"] = asked.headers["authorization"].replace(old, new)
    assert reason(access, asked) in ("IncompleteSignatureException", "InvalidSignatureException")


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_damage_is_refused(data: st.DataObject) -> None:
    access = Access(required=True)
    access.apply(with_signing(table(1, key("good", "*"))))
    asked = request(Content_Type="application/json")
    name = data.draw(st.sampled_from(["authorization", "x-amz-date", "host", "content-type"]))
    value = asked.headers[name]
    place = data.draw(st.integers(0, len(value) - 1))
    piece = data.draw(st.binary(max_size=3).filter(lambda piece: piece.strip() != value[place : place + 1].strip()))
    damaged = value[:place] + piece + value[place + 1 :]
    asked.headers[name] = damaged
    if b" ".join(damaged.split()) != b" ".join(value.split()):
        with pytest.raises(Unauthenticated):
            caller(access, asked)


def test_nobody_needs_a_right_signature_where_no_key_is_needed() -> None:
    assert caller(Access(required=False), request(secret="wrong")) is None
