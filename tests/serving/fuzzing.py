"""What the fuzzers of the decoders share: a contract, bodies to begin from, and what must hold for any bytes.

Run by itself it is the coverage-guided fuzzer of one decoder: `python -m tests.serving.fuzzing csv -max_total_time=10`.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pyarrow as pa
from tests.serving.tables import parquet, stream

from headgate.errors import HeadgateError
from headgate.records import Column, Signature
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.registry import load_dialect
from headgate.serving.formats.format import NO_HEADERS, Decode, Headers
from headgate.serving.formats.registry import load_format

# work per 100 kB of body that is promised, and by how much a busy machine may miss it
BUDGET_SECONDS, SLACK = 0.05, 10
REFUSALS = {400, 413, 422}
CONTRACT = Contract(
    Signature(
        inputs=(
            Column(name="x", dtype="float64"),
            Column(name="n", dtype="int16", nullable=True),
            Column(name="s", dtype="string", nullable=True),
            Column(name="t", dtype="datetime", nullable=True),
            Column(name="who", dtype="string", roles=("entity",)),
        )
    ),
    10_000,
    1_000_000,
)
NUMBERS = Contract(Signature(inputs=tuple(Column(name=name, dtype="float64") for name in "abc")), 10_000)


def _rows(count: int) -> list[dict[str, Any]]:
    row = {"x": 1.5, "n": 3, "s": "a:b", "t": "2026-01-02T03:04:05Z", "who": "me"}
    return [row | {"n": None if place % 2 else 3} for place in range(count)]


def _native(count: int) -> bytes:
    return json.dumps({"rows": _rows(count)}).encode()


def _csv(count: int) -> bytes:
    return b"x,n,s,t,who\r\n" + b'1.5,3,"a:b",2026-01-02T03:04:05Z,me\r\n' * count


def _ndjson(count: int) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in _rows(count))


def _table(count: int) -> Any:
    table = pa.Table.from_pylist(_rows(count))
    moments = pa.array([1_767_323_045_000_000] * count, pa.timestamp("us"))
    return table.set_column(table.column_names.index("t"), "t", moments)


# one per format of the table; a new format adds its own
SAMPLES: dict[str, Callable[[int], bytes]] = {
    "json": _native,
    "csv": _csv,
    "ndjson": _ndjson,
    "arrow": lambda count: stream(_table(count)),
    "parquet": lambda count: parquet(_table(count)),
}


class Subject(NamedTuple):
    """A body of so many rows, the decoder that reads it, the contract that it is for."""

    sample: Callable[[int], bytes]
    decode: Decode
    contract: Contract = CONTRACT


class Spoken(NamedTuple):
    """What is tried of a dialect: a body of so many rows, the contract, what gives its decoder the headers."""

    sample: Callable[[int], bytes]
    contract: Contract = CONTRACT
    given: Callable[[Decode], Decode] = lambda decode: decode


def _oip(count: int) -> bytes:
    rows = _rows(count)
    kinds = {"x": "FP64", "n": "INT16", "s": "BYTES", "t": "BYTES", "who": "BYTES"}
    inputs = [
        {"name": name, "shape": [count], "datatype": kind, "data": [row[name] for row in rows]}
        for name, kind in kinds.items()
    ]
    return json.dumps({"id": "1", "inputs": inputs, "outputs": [{"name": "y"}], "parameters": {"timeout": 1}}).encode()


def _oip_numbers(count: int) -> bytes:
    tensor = {"name": "any", "shape": [count, 3], "datatype": "FP64", "data": [1.5, -2, 3e5] * count}
    return json.dumps({"inputs": [tensor]}).encode()


def _oip_binary(count: int) -> bytes:
    """The length of the JSON in two bytes, then the body."""
    rows = _rows(count)
    blobs = {"x": ("FP64", bytes(8 * count)), "n": ("INT16", bytes(2 * count))}
    for name in ("s", "t", "who"):
        cells = [str(row[name]).encode() for row in rows]
        blobs[name] = "BYTES", b"".join(len(cell).to_bytes(4, "little") + cell for cell in cells)
    inputs = [
        {"name": name, "shape": [count], "datatype": kind, "parameters": {"binary_data_size": len(blob)}}
        for name, (kind, blob) in blobs.items()
    ]
    head = json.dumps({"inputs": inputs}).encode()
    return len(head).to_bytes(2, "little") + head + b"".join(blob for _, blob in blobs.values())


def _with_length(decode: Decode) -> Decode:
    def read(body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
        length = int.from_bytes(body[:2], "little")
        return decode(body[2:], {"inference-header-content-length": b"%d" % length})

    return read


# the decoders of the dialects, by a name that begins with that of the dialect
SPOKEN = {
    "oip": Spoken(_oip),
    "oip-numbers": Spoken(_oip_numbers, NUMBERS),
    "oip-binary": Spoken(_oip_binary, CONTRACT, _with_length),
}


def subject(name: str) -> Subject:
    """A format, or what is tried of a dialect; imported only now, so that atheris sees the import."""
    if name not in SPOKEN:
        return Subject(SAMPLES[name], load_format(name).decoder(CONTRACT))
    sample, contract, given = SPOKEN[name]
    return Subject(sample, given(load_dialect(name.partition("-")[0]).decoder(contract)), contract)


def read(decode: Decode, body: bytes, contract: Contract = CONTRACT) -> float:
    """Decode: rows that make a batch or a refusal, within the budget. The seconds of CPU that it took."""
    begun = time.process_time()
    try:
        rows = decode(body)
    except HeadgateError as error:
        assert error.status in REFUSALS, error
    else:
        assert contract.assemble([rows]).rows == rows.count
    seconds = time.process_time() - begun
    assert seconds <= SLACK * BUDGET_SECONDS * max(1.0, len(body) / 100_000), (seconds, len(body))
    return seconds


def main() -> None:
    """Fuzz until the time is up; libFuzzer's exit status tells what was found."""
    import atheris

    with atheris.instrument_imports(include=["headgate.serving"]):
        _, decode, contract = subject(sys.argv[1])
    atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda body: read(decode, body, contract) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
