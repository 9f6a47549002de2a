"""What the fuzzers of the decoders share: a contract, bodies to begin from, and what must hold for any bytes.

Run by itself it is the coverage-guided fuzzer of one decoder: `python -m tests.serving.fuzzing csv -max_total_time=10`.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from tests.serving.tables import parquet, stream

from headgate.errors import HeadgateError
from headgate.records import Column, Signature
from headgate.serving.contract import Contract
from headgate.serving.formats.format import Decode
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


def read(decode: Decode, body: bytes) -> float:
    """Decode: rows that make a batch or a refusal, within the budget. The seconds of CPU that it took."""
    begun = time.process_time()
    try:
        rows = decode(body)
    except HeadgateError as error:
        assert error.status in REFUSALS, error
    else:
        assert CONTRACT.assemble([rows]).rows == rows.count
    seconds = time.process_time() - begun
    assert seconds <= SLACK * BUDGET_SECONDS * max(1.0, len(body) / 100_000), (seconds, len(body))
    return seconds


def main() -> None:
    """Fuzz until the time is up; libFuzzer's exit status tells what was found."""
    import atheris

    with atheris.instrument_imports(include=["headgate.serving"]):
        decode = load_format(sys.argv[1]).decoder(CONTRACT)
    atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda body: read(decode, body) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
