"""Compressed bodies: what is read, and that nothing is read past the endpoint's limit."""

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.worker_process import WorkerProcess

from headgate.errors import HeadgateError, Malformed, TooLarge, UnsupportedType
from headgate.home import Home
from headgate.records import EndpointSpec, Limits
from headgate.serving.encodings import MEMBERS, Expand, expander
from headgate.testing.bundles import build_bundle, publish, route_table

BODY = b'{"instances": [[1, 2, 3]]}'
ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZip": gzip.compress,
    "gzip, two members": lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:]),
    "gzip, many members": lambda body: gzip.compress(body) + gzip.compress(b"") * (MEMBERS - 1),
    "deflate": zlib.compress,
    "identity": bytes,
}


def expand_as(encoding: bytes) -> Expand:
    found = expander(encoding)
    assert found is not None
    return found


@pytest.mark.parametrize("encoding", ENCODE)
def test_encodings_that_are_read(worker: WorkerProcess, encoding: str) -> None:
    plain = worker.predict(BODY).json
    said = encoding.partition(",")[0]
    answer = worker.predict(ENCODE[encoding](BODY), Content_Encoding=said)
    assert (answer.status, answer.json["probabilities"]) == (200, plain["probabilities"])
    table = worker.predict(
        ENCODE[encoding](b"age,income,balance\n1,2,3\n"), Content_Encoding=said, Content_Type="text/csv"
    )
    assert table.json["probabilities"] == plain["probabilities"]


REFUSED: dict[str, tuple[str, bytes, int]] = {
    "truncated": ("gzip", gzip.compress(BODY)[:-1], 400),
    "cut in the data": ("gzip", gzip.compress(BODY)[:15], 400),
    "empty": ("gzip", b"", 400),
    "not compressed": ("gzip", BODY, 400),
    "another encoding": ("gzip", zlib.compress(BODY), 400),
    "raw deflate": ("deflate", zlib.compress(BODY)[2:-4], 400),
    "wrong checksum": ("gzip", gzip.compress(BODY)[:-8] + b"\0" * 8, 400),
    "bytes behind": ("gzip", gzip.compress(BODY) + b"x", 400),
    "two members, the second one damaged": ("gzip", gzip.compress(BODY) + gzip.compress(b" ")[:-1] + b"x", 400),
    "two members, the second one cut": ("gzip", gzip.compress(BODY) + gzip.compress(b" ")[:-1], 400),
    "bytes behind in zlib": ("deflate", zlib.compress(BODY) + zlib.compress(b" "), 400),
    "members without end": ("gzip", gzip.compress(BODY) + gzip.compress(b"") * MEMBERS, 400),
    "compressed twice, said once": ("gzip", gzip.compress(gzip.compress(BODY)), 400),
    "twice": ("gzip, gzip", gzip.compress(gzip.compress(BODY)), 415),
    "a hundred times": (", ".join(["gzip"] * 100), gzip.compress(BODY), 415),
    "identity too": ("gzip, identity", gzip.compress(BODY), 415),
    "brotli": ("br", BODY, 415),
    "zstd": ("zstd", BODY, 415),
    "unknown": ("smoke", BODY, 415),
    "nothing": ("", BODY, 415),
    "bomb": ("gzip", gzip.compress(bytes(100_000_000), 9), 413),
    "bomb in zlib": ("deflate", zlib.compress(bytes(100_000_000), 9), 413),
}


@pytest.mark.parametrize("name", REFUSED)
def test_encodings_that_are_refused(worker: WorkerProcess, name: str) -> None:
    encoding, body, status = REFUSED[name]
    answer = worker.predict(body, Content_Encoding=encoding)
    code = {400: "MALFORMED", 413: "TOO_LARGE", 415: "UNSUPPORTED_TYPE"}[status]
    assert (answer.status, answer.json["code"]) == (status, code), answer
    assert worker.predict(BODY).status == 200


def test_the_header_twice_is_an_encoding_twice(worker: WorkerProcess) -> None:
    body = gzip.compress(BODY)
    head = (
        f"POST /v1/endpoints/fraud/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with worker.wire() as wire:
        assert wire.send(head.encode() + body).response().status == 415


def test_the_limit_counts_what_the_body_becomes(home: Home, start: Callable[..., WorkerProcess]) -> None:
    spec = EndpointSpec(limits=msgspec.structs.replace(Limits(), max_body_bytes=200_000))
    publish(home, route_table(build_bundle(home.cache), spec=spec))
    worker = start(home)
    fits = BODY + b" " * (200_000 - len(BODY))
    assert worker.predict(gzip.compress(fits), Content_Encoding="gzip").status == 200
    assert worker.predict(gzip.compress(fits + b" "), Content_Encoding="gzip").status == 413
    assert worker.predict(fits).status == 200


def test_answers_of_one_connection_stay_in_order(worker: WorkerProcess) -> None:
    """What is read in a thread must not be overtaken by what is read at once."""
    packed = gzip.compress(b'{"instances": [[1, 2]]}' + b" " * 500_000)
    plain = b'{"instances": [[3, 4]]}'
    head = "POST /v1/endpoints/price/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    pair = f"{head}Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode() + packed
    pair += f"{head}Content-Length: {len(plain)}\r\n\r\n".encode() + plain
    with worker.wire() as wire:
        wire.send(pair * 5)
        assert [wire.response().json["predictions"] for _ in range(10)] == [[2001.0], [4003.0]] * 5


@pytest.mark.parametrize("members", [1, 100])
def test_a_bomb_is_never_unpacked(members: int) -> None:
    bomb = gzip.compress(bytes(100_000_000 // members), 9) * members
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            expand_as(b"gzip")(bomb, 1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@settings(deadline=None)
@given(st.lists(st.binary(max_size=90_000), min_size=1, max_size=4), st.sampled_from([0, 9]))
def test_members_stand_one_after_the_other(contents: list[bytes], level: int) -> None:
    whole = b"".join(contents)
    packed = b"".join(gzip.compress(content, level) for content in contents)
    assert expand_as(b"gzip")(packed, len(whole)) == whole
    if whole:
        with pytest.raises(TooLarge):
            expand_as(b"gzip")(packed, len(whole) - 1)
    with pytest.raises(Malformed):
        expand_as(b"gzip")(packed[:-1], len(whole))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_what_was_compressed_comes_back(content: bytes) -> None:
    assert expand_as(b"gzip")(gzip.compress(content), 200) == content
    assert expand_as(b"deflate")(zlib.compress(content), len(content)) == content
    if content:
        with pytest.raises(TooLarge):
            expand_as(b"gzip")(gzip.compress(content), len(content) - 1)


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"gzip", b"deflate"]), st.integers(0, 9))
def test_any_bytes_are_read_or_refused(garbage: bytes, encoding: bytes, keep: int) -> None:
    packed = ENCODE[encoding.decode()](b"abc")
    for body in (garbage, packed[:keep] + garbage, packed + garbage):
        with contextlib.suppress(Malformed, TooLarge):
            assert len(expand_as(encoding)(body, 1000)) <= 1000


@settings(deadline=None)
@given(st.binary(max_size=30))
def test_any_name_of_an_encoding_is_known_or_refused(name: bytes) -> None:
    try:
        expander(name)
    except HeadgateError as error:
        assert isinstance(error, UnsupportedType)
