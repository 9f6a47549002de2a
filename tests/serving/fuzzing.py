"""What the fuzzers of the decoders share: a contract, bodies to begin from, and what must hold for any bytes.

Run by itself it is the coverage-guided fuzzer of one decoder: `python -m tests.serving.fuzzing csv -max_total_time=10`.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import pyarrow as pa
from tests.serving.tables import parquet, stream

from headgate.errors import HeadgateError
from headgate.records import Column, Signature
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.registry import DIALECTS, load_dialect
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
FILE = Contract(Signature(inputs=(Column(name="file", dtype="bytes"),)), 10_000)
IMAGE = Contract(Signature(inputs=(Column(name="image", dtype="float32", shape=(2, 2)),)), 10_000)


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


def _document(**content: Any) -> bytes:
    return json.dumps(content).encode()


def _oip(count: int) -> bytes:
    rows = [row | {"n": 3} for row in _rows(count)]
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


def _as_instances(count: int) -> bytes:
    return _document(instances=_rows(count))


def _as_columns(count: int) -> bytes:
    rows = _rows(count)
    return _document(inputs={name: [row[name] for row in rows] for name in rows[0]}, signature_name="predictions")


def _as_missing(count: int) -> bytes:
    """NaN, as Python writes what is missing."""
    rows = [row | {"n": math.nan} for row in _rows(count)]
    return _document(dataframe_split={"columns": list(rows[0]), "data": [list(row.values()) for row in rows]})


def _as_event(count: int) -> bytes:
    return _document(specversion="1.0", id="1", source="here", type="ask", data={"instances": _rows(count)})


def _as_form(count: int) -> bytes:
    row = json.dumps([_rows(count)[0]] * count)
    return f'--edge\r\nContent-Disposition: form-data; name="data"\r\n\r\n{row}\r\n--edge--\r\n'.encode()


def _as_pairs(count: int) -> bytes:
    return b"more=1&data=" + quote_plus(json.dumps(_rows(count))).encode()


def _as_headless(count: int) -> bytes:
    return b'1.5,3,"a:b",2026-01-02T03:04:05Z\r\n' * count


def _as_features(count: int) -> bytes:
    return b'{"features": [1.5, 3, "a:b", "2026-01-02T03:04:05Z"]}\n' * count


def _typed(content_type: bytes) -> Callable[[Decode], Decode]:
    """Reads bodies that are called so."""

    def typed(decode: Decode) -> Decode:
        def read(body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
            return decode(body, {"content-type": content_type})

        return read

    return typed


_JSON = _typed(b"application/json")
# the decoders of the dialects, by a name that begins with that of the dialect
SPOKEN = {
    "oip": Spoken(_oip),
    "oip-numbers": Spoken(_oip_numbers, NUMBERS),
    "oip-binary": Spoken(_oip_binary, CONTRACT, _with_length),
    "tfs": Spoken(_as_instances),
    "tfs-columns": Spoken(_as_columns),
    "tfs-numbers": Spoken(lambda count: _document(instances=[[1.5, -2, 3e5]] * count), NUMBERS),
    "tfs-bytes": Spoken(lambda count: _document(instances=[{"b64": "AP8="}] * count), FILE),
    "tfs-image": Spoken(lambda count: _document(instances=[[[1.5, 2], [3, 4]]] * count), IMAGE),
    "tfs-examples": Spoken(lambda count: _document(examples=_rows(count), context={"n": 4})),
    "kserve": Spoken(_as_instances),
    "kserve-event": Spoken(_as_event, CONTRACT, _typed(b"application/cloudevents+json")),
    "mlflow": Spoken(lambda count: _document(dataframe_records=_rows(count)), CONTRACT, _JSON),
    "mlflow-split": Spoken(_as_missing, CONTRACT, _JSON),
    "torchserve": Spoken(lambda count: json.dumps(_rows(count)).encode()),
    "torchserve-form": Spoken(_as_form, CONTRACT, _typed(b"multipart/form-data; boundary=edge")),
    "torchserve-pairs": Spoken(_as_pairs, CONTRACT, _typed(b"application/x-www-form-urlencoded")),
    "torchserve-file": Spoken(lambda count: json.dumps(["AP8="] * count).encode(), FILE),
    "vertex": Spoken(_as_instances),
    "azureml": Spoken(lambda count: _document(data=_rows(count))),
    "sagemaker": Spoken(_as_instances),
    "sagemaker-csv": Spoken(_as_headless, CONTRACT, _typed(b"text/csv")),
    "sagemaker-lines": Spoken(_as_features, CONTRACT, _typed(b"application/jsonlines")),
    "sagemaker-runtime": Spoken(lambda count: _document(inputs=_rows(count))),
}


def dialect_of(name: str) -> str:
    """Of which dialect something is tried."""
    return name if name in DIALECTS else name.partition("-")[0]


def subject(name: str) -> Subject:
    """A format, or what is tried of a dialect; imported only now, so that atheris sees the import."""
    if name not in SPOKEN:
        return Subject(SAMPLES[name], load_format(name).decoder(CONTRACT))
    sample, contract, given = SPOKEN[name]
    return Subject(sample, given(load_dialect(dialect_of(name)).decoder(contract)), contract)


def hostile(sample: bytes) -> dict[str, bytes]:
    """Bodies of 100 kB that decoders of JSON have fallen for, some of them made of a good one."""
    fields = sample.partition(b'"')[0] + b'"'
    twice = sample.replace(b'"x"', b'"x": 1, "x"', 1).replace(b"[1.5, -2", b'[{"a": 1, "a": 2}, -2', 1)
    return {
        "deep lists": b"[" * 50_000 + b"]" * 50_000,
        "deep objects": b'{"instances":' * 7_000 + b"1" + b"}" * 7_000,
        "deep rows": b'{"instances":' + b"[" * 900 + b"]" * 900 + b"}",
        "deep rows with NaN": b'{"instances":[NaN,' + b"[" * 40_000 + b"]" * 40_000 + b"]}",
        "many deep rows": b'{"inputs":[' + b",".join([b"[" * 300 + b"]" * 300] * 160) + b"]}",
        "deep bytes": b'{"instances":[' + b'[{"b64":"AA=="},' * 900 + b"1" + b"]" * 900 + b"]}",
        "huge whole number": b'{"instances":[[1,' + b"9" * 99_000 + b"]]}",
        "huge whole number with NaN": b'{"instances":[[NaN,' + b"9" * 99_000 + b"]]}",
        "huge numbers": b'{"instances":[' + b",".join([b"[1e999,2,3]"] * 8_000) + b"]}",
        "many digits": b'{"instances":[[0.' + b"9" * 99_000 + b",1,2]]}",
        "infinity": sample.replace(b"1.5", b"Infinity"),
        "nothing is a number": sample.replace(b"1.5", b"NaN"),
        "same key again": b'{"instances":1,' + b'"instances":[],' * 6_000 + b'"inputs":[]}',
        "key twice": twice,
        "many keys": b"{" + b",".join(b'"k%d":%d' % (place, place) for place in range(7_000)) + b"}",
        "many empty rows": b'{"instances":[' + b",".join([b"{}"] * 30_000) + b"]}",
        "many rows of one": b'{"instances":[' + b",".join([b"[1]"] * 25_000) + b"]}",
        "escapes": b'{"instances":["' + rb"\u00e9" * 16_000 + b'"]}',
        "colons in text": b'{"instances":["' + b'\\":' * 25_000 + b'"]}',
        "half of a letter": sample.replace(b"1.5", b"NaN").replace(b'"x"', b'"\\ud800"'),
        "quotes with NaN": b'[NaN,"' + b'\\"' * 50_000,
        "open texts with NaN": b"[NaN," + b'"\\' * 50_000,
        "cut escape": fields + b"\\" * 99_999,
        "boundaries": b"--edge\r\n" * 12_000,
        "pairs": b"&data=" * 16_000,
        "percents": b"data=" + b"%" * 99_000,
    }  # fmt: skip


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
