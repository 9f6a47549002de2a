"""What the Open Inference Protocol has beyond what every dialect is asked for."""

import contextlib
import gzip
import json
import struct
import zlib
from typing import Any

import numpy as np
import pytest

from headgate.errors import HeadgateError, Malformed
from headgate.records import Column, Signature
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.datatypes import DATATYPES, datatype_of
from headgate.serving.dialects.oip import OpenInference
from headgate.serving.dialects.oip_answer import LARGEST, SMALLEST
from headgate.serving.dialects.oip_request import PLAIN, Asked, Wanted, coding_of
from headgate.serving.dialects.oip_tensors import to_bytes
from headgate.serving.formats.format import Array, Headers, Origin
from headgate.serving.formats.json import JsonFormat

ROW = {"age": 41.0, "income": 2.5, "balance": -3.0}
MATRIX = [[41.0, 2.5, -3.0], [18.0, 1e6, 0.25]]
LENGTH = "Inference-Header-Content-Length"
NUMBERS = Contract(Signature(inputs=tuple(Column(name=name, dtype="float64") for name in ROW)), 100)
MIXED = Contract(
    Signature(
        inputs=(
            Column(name="x", dtype="float32"),
            Column(name="n", dtype="int16", nullable=True),
            Column(name="s", dtype="string", nullable=True),
            Column(name="b", dtype="bytes"),
            Column(name="t", dtype="datetime"),
            Column(name="flag", dtype="bool"),
            Column(name="image", dtype="float32", shape=(2, 2)),
        )
    ),
    100,
)


def tensor(name: str, array: Array, datatype: str = "") -> tuple[dict[str, Any], bytes]:
    """What the JSON says of a binary tensor, and its bytes."""
    blob = to_bytes(array)
    told = {"name": name, "shape": list(array.shape), "datatype": datatype or datatype_of(array.dtype)}
    return told | {"parameters": {"binary_data_size": len(blob)}}, blob


def binary(*tensors: tuple[dict[str, Any], bytes], **more: Any) -> tuple[bytes, Headers]:
    """A request of binary tensors, and its headers."""
    head = json.dumps({"inputs": [told for told, _ in tensors]} | more).encode()
    return head + b"".join(blob for _, blob in tensors), {LENGTH.lower(): str(len(head)).encode()}


def as_json(**tensors: Any) -> bytes:
    """A request of JSON tensors: name → (datatype, shape, data)."""
    inputs = [
        {"name": name, "datatype": kind, "shape": shape, "data": data} for name, (kind, shape, data) in tensors.items()
    ]
    return json.dumps({"inputs": inputs}).encode()


def read(body: bytes, headers: Headers | None = None, contract: Contract = NUMBERS) -> Rows:
    return OpenInference().decoder(contract)(body, headers or {})


def cells(rows: Rows, contract: Contract = MIXED) -> dict[str, Any]:
    return {name: array.tolist() for name, array in contract.assemble([rows]).columns.items()}


def texts(*values: Any) -> Array:
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.mark.parametrize("datatype", ["FP64", "FP32"])
@pytest.mark.parametrize("data", [sum(MATRIX, []), MATRIX, [MATRIX]], ids=["flat", "nested", "deeper"])
def test_one_matrix_under_any_name(datatype: str, data: Any) -> None:
    rows = read(as_json(whatever=(datatype, [2, 3], data)))
    assert rows.count == 2
    assert NUMBERS.assemble([rows]).matrix.tolist() == MATRIX  # type: ignore[union-attr]  # one dtype
    assert rows.asked is PLAIN


@pytest.mark.parametrize("datatype", [name for name in DATATYPES if name not in ("BOOL", "BYTES", "BF16")])
def test_every_number_type_both_ways(datatype: str) -> None:
    matrix = np.array([[1, 2, 3]], DATATYPES[datatype])
    for rows in (
        read(*binary(tensor("any", matrix))),
        read(as_json(any=(datatype, [1, 3], [1, 2, 3]))),
        read(*binary(*(tensor(name, matrix[:, place]) for place, name in enumerate(ROW)))),
    ):
        assert NUMBERS.assemble([rows]).matrix.tolist() == [[1.0, 2.0, 3.0]]  # type: ignore[union-attr]  # one dtype


def test_half_precision() -> None:
    halves = np.array([[1.5, -2.0, 0.0625]], np.float32)
    brain = (halves.view(np.uint32) >> 16).astype(np.uint16)
    for array, kind in ((halves.astype(np.float16), "FP16"), (brain, "BF16")):
        rows = read(*binary(tensor("any", array, kind)))
        assert NUMBERS.assemble([rows]).matrix.tolist() == halves.tolist()  # type: ignore[union-attr]  # one dtype
    with pytest.raises(HeadgateError, match="BF16 has no form in JSON"):
        read(as_json(any=("BF16", [1, 3], [1, 2, 3])))


def test_a_table_of_all_kinds_means_the_same_in_every_form() -> None:
    native: dict[str, list[Any]] = {
        "x": [1.5, 2.5], "n": [None, 7], "s": ["a\0b", None], "b": ["AAE=", "/w=="], "flag": [True, False],
        "t": ["2026-01-02T03:04:05", "2026-01-02T03:04:06"], "image": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
    }  # fmt: skip
    wanted = cells(JsonFormat().decoder(MIXED)(json.dumps({"columns": native}).encode()))
    image = np.array(native["image"], np.float32)
    sent = binary(
        tensor("x", np.array([[1.5], [2.5]], np.float32)),
        tensor("s", texts("a\0b", "")),
        tensor("b", texts(b"\0\1", b"\xff")),
        tensor("t", texts(*native["t"])),
        tensor("flag", np.array([True, False])),
        tensor("image", image),
    )
    # what has no binary form stands in the same request as JSON: nulls
    body, headers = sent
    head = json.loads(body[: int(headers[LENGTH.lower()])])
    head["inputs"].append({"name": "n", "shape": [2], "datatype": "INT16", "data": [None, 7]})
    text = json.dumps(head).encode()
    rows = read(text + body[int(headers[LENGTH.lower()]) :], {LENGTH.lower(): str(len(text)).encode()}, MIXED)
    found = cells(rows)
    assert found.pop("s") == ["a\0b", ""]
    assert wanted.pop("s") == ["a\0b", None]
    assert str(found) == str(wanted)


def test_numbers_of_several_types_stay_arrays() -> None:
    columns = (
        Column(name="image", dtype="float32", shape=(-1, 2)),
        Column(name="n", dtype="int16"),
        Column(name="x", dtype="float64"),
    )
    contract = Contract(Signature(inputs=columns), 2)
    image = np.arange(8, dtype=np.float32).reshape(2, 2, 2)

    def sent(image: Array, n: Array, x: Array) -> Rows:
        return read(*binary(tensor("image", image), tensor("n", n), tensor("x", x)), contract)

    n, x = np.array([1, -2], np.int16), np.array([[0.5], [3.0]])
    batch = contract.assemble([sent(image, n, x), sent(image.astype(np.float64), n, np.array([1, 2]))])
    assert all(array.flags.aligned for array in batch.columns.values())
    assert [array.dtype.name for array in batch.columns.values()] == ["float32", "int16", "float64"]
    assert batch.columns["image"].tolist() == image.tolist() * 2
    assert (batch.columns["n"].tolist(), batch.columns["x"].tolist()) == ([1, -2, 1, -2], [0.5, 3.0, 1.0, 2.0])
    for wrong in (
        (np.full_like(image, np.inf), n, x), (image.astype(np.float64) * 1e300, n, x), (image[:, :, :1], n, x),
        (image, n.astype(np.int64) * 2**20, x), (image[:1], n, x), (image, n, np.full_like(x, np.nan)),
        (image[:0], n[:0], x[:0]), (np.repeat(image, 2, 0), np.repeat(n, 2), np.repeat(x, 2, 0)),
    ):  # fmt: skip
        with pytest.raises(HeadgateError) as refusal:
            sent(*wrong)
        assert refusal.value.status in (413, 422)


def test_columns_of_several_types_in_json() -> None:
    contract = Contract(Signature(inputs=(*MIXED.features[:3], Column(name="who", dtype="string", roles=()))), 100)
    given = {"x": ("FP32", [2], [1, 2.5]), "n": ("INT16", [2, 1], [None, 7]), "s": ("BYTES", [2], ["a", None])}
    rows = read(as_json(**given, who=("BYTES", [2], ["me", "you"])), contract=contract)
    assert rows.others == {"who": ["me", "you"]}
    found = cells(rows, contract)
    assert (found["x"], found["s"], found["n"][1]) == ([1.0, 2.5], ["a", None], 7.0)
    # nested, or of another number type: the same in another way
    for other in (
        {"x": ("FP32", [2, 1], [[1], [2.5]])},
        {"x": ("FP64", [2], [1, 2.5])},
        {"n": ("INT64", [2], [None, 7])},
    ):
        assert str(cells(read(as_json(**given | other), contract=contract), contract)) == str(found)
    for bad in ({"n": ("INT16", [2], [1, 2**15])}, {"s": ("BYTES", [2], ["a", 1])}, {"x": ("FP32", [2], [1, None])}):
        with pytest.raises(HeadgateError):
            read(as_json(**given | bad), contract=contract)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("INT64", [1.5, 2, 3]), ("FP64", ["1", "2", "3"]), ("FP64", [True, 1, 1]), ("UINT8", [256, 0, 0]),
        ("INT8", [-129, 0, 0]), ("BYTES", ["1", "2", "3"]), ("FP32", [1e39, 0, 0]), ("FP64", [1, 2]),
        ("FP64", [[1], 2]), ("FP64", 5), ("FP64", {}), ("FP64", [None, 1, 2]), ("BOOL", [1, 0, 1]),
        ("FP16", [1e6, 0, 0]), ("FP64", None),
        ("FP128", [1, 2, 3]),
    ],
)  # fmt: skip
def test_values_that_are_not_what_they_are_called(kind: str, data: Any) -> None:
    with pytest.raises(HeadgateError) as refusal:
        read(as_json(any=(kind, [1, 3], data)))
    assert refusal.value.status in (400, 422)


@pytest.mark.parametrize(
    "shape", [[], [3], [1, 1, 3], [3, 1], [0, 3], [1, -3], [1, 3, 1], [10**30, 3], [1] * 70, [0], [10**18, 0]]
)
@pytest.mark.parametrize("form", ["json", "binary"])
def test_shapes(shape: list[int], form: str) -> None:
    """One row where it can be meant so, else a refusal; nothing is allocated for what is only claimed."""
    told, blob = tensor("any", np.zeros(3))
    told["shape"] = shape
    body, headers = binary((told, blob)) if form == "binary" else (as_json(any=("FP64", shape, [0, 0, 0])), {})
    try:
        rows = read(body, headers)
    except HeadgateError as error:
        assert error.status in (400, 422)
    else:
        assert shape == [3]
        assert rows.count == 1


def test_columns_must_be_columns() -> None:
    wide = {name: ("FP64", [1, 2], [1, 2]) for name in ROW}
    with pytest.raises(HeadgateError, match=r"shape \[1, 2\]"):
        read(as_json(**wide))
    assert read(as_json(**{name: ("FP64", [], [1]) for name in ROW})).count == 1
    with pytest.raises(HeadgateError, match="one length"):
        read(as_json(age=("FP64", [1], [1]), income=("FP64", [2], [1, 2]), balance=("FP64", [1], [1])))
    with pytest.raises(Malformed, match="came twice"):
        read(json.dumps({"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}] * 2}).encode())


def test_keys_that_come_twice() -> None:
    plain = as_json(any=("FP64", [1, 3], [1, 2, 3]))
    twice = plain.replace(b'"data"', b'"data": [4, 5, 6], "data"')
    told, blob = tensor("any", np.zeros((1, 3)))
    head = json.dumps({"inputs": [told]}).replace('"name"', '"name": "other", "name"').encode()
    for body, headers in ((twice, {}), (head + blob, {LENGTH.lower(): str(len(head)).encode()})):
        with pytest.raises(Malformed, match="twice"):
            read(body, headers)
    for passed_over in (
        b'"\xff": {"a": 1}',
        b'"x": "\xff", "y": {"a": 1}',
        b'"x": ' + b"[" * 500 + b"]" * 500 + b', "y": 1',
    ):
        with contextlib.suppress(Malformed):
            assert read(plain.replace(b'"inputs"', passed_over + b', "inputs"')).count == 1
    text = json.loads(plain) | {"id": "a:b", "parameters": {"own": 'x":y', "more": {"p": 1}}, "unknown": {"q": 2}}
    assert read(json.dumps(text).encode()).count == 1


@pytest.mark.parametrize("size", [-1, 23, 25, "24", True, 10**30, None])
def test_sizes_that_are_not_those_of_the_bytes(size: Any) -> None:
    told, blob = tensor("any", np.zeros((1, 3)))
    told["parameters"]["binary_data_size"] = size
    with pytest.raises(HeadgateError) as refusal:
        read(*binary((told, blob)))
    assert refusal.value.status in (400, 422)


@pytest.mark.parametrize("length", [b"", b"-1", b"1e3", b"99999999999999", b"\xb2", b"1000", b"3"])
def test_lengths_of_the_header_that_are_none(length: bytes) -> None:
    with pytest.raises(Malformed):
        read(as_json(any=("FP64", [1, 3], [1, 2, 3])), {LENGTH.lower(): length})


def test_bytes_behind_the_last_tensor() -> None:
    body, headers = binary(tensor("any", np.zeros((1, 3))))
    with pytest.raises(Malformed, match="1 bytes follow"):
        read(body + b"x", headers)


@pytest.mark.parametrize(
    "blob", [b"\4\0\0\0abc", b"\1\0\0", b"\1\0\0\0ab", b"\xff\xff\xff\xff", b"", struct.pack("<I", 1) + b"\xff"]
)
def test_damaged_text(blob: bytes) -> None:
    contract = Contract(Signature(inputs=(Column(name="s", dtype="string"),)), 100)
    told = {"name": "s", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(blob)}}
    with pytest.raises(HeadgateError) as refusal:
        read(*binary((told, blob)), contract)
    assert refusal.value.status in (400, 422)
    with pytest.raises(HeadgateError):
        read(*binary((told | {"shape": [2**40]}, blob)), contract)


def test_the_bytes_alone() -> None:
    zero = {LENGTH.lower(): b"0"}
    rows = read(np.array(MATRIX).tobytes(), zero)
    assert NUMBERS.assemble([rows]).matrix.tolist() == MATRIX  # type: ignore[union-attr]  # one dtype
    assert rows.asked.binary
    text = Contract(Signature(inputs=(Column(name="s", dtype="string"),)), 100)
    assert cells(read("a\0é".encode(), zero, text), text) == {"s": ["a\0é"]}
    image = Contract(Signature(inputs=(Column(name="i", dtype="float32", shape=(-1, 2)),)), 100)
    sent = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert cells(read(sent.tobytes(), zero, image), image) == {"i": [sent.tolist()]}
    for body, contract in ((b"1234567", NUMBERS), (b"\xff", text), (b"123", image), (b"x", MIXED), (b"", NUMBERS)):
        with pytest.raises(HeadgateError) as refusal:
            read(body, zero, contract)
        assert refusal.value.status in (400, 422)


def test_parameters_of_requests() -> None:
    def given(**more: Any) -> Rows:
        data = {"name": "any", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}
        return read(json.dumps({"inputs": [data | more.pop("input", {})]} | more).encode())

    assert given(parameters={"timeout": 1500}).timeout == 0.0015
    assert given(parameters={"timeout": 0, "priority": 3, "own": "x", "sequence_id": 0}).timeout is None
    assert given(id="7").asked == Asked("7")
    assert given(outputs=[{"name": "p", "parameters": {"binary_data": True, "classification": 2}}]).asked.outputs == (
        Wanted("p", True, 2),
    )
    refused: tuple[dict[str, Any], ...] = (
        {"parameters": {"timeout": "1"}}, {"parameters": {"timeout": -1}}, {"parameters": {"sequence_id": 5}},
        {"parameters": {"binary_data_output": 1}}, {"outputs": [{"name": "p"}, {"name": "p"}]}, {"id": 3},
        {"outputs": [{"name": "p", "parameters": {"classification": -1}}]}, {"parameters": []}, {"outputs": "p"},
        {"outputs": [{"name": "p", "parameters": {"shared_memory_region": "r"}}]},
        {"input": {"parameters": {"shared_memory_region": "r"}, "data": None}},
        {"input": {"parameters": {"binary_data_size": 24}, "data": None}},
    )  # fmt: skip
    for bad in refused:
        with pytest.raises(Malformed):
            given(**bad)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (b"gzip, deflate, br", b"gzip"), (b"deflate", b"deflate"), (b"gzip;q=0, deflate;q=0.5", b"deflate"),
        (b"br", b""), (b"", b""), (b"GZIP;Q=1.0", b"gzip"), (b"gzip; q=0.000", b""), (b",;,q=", b""),
    ],
)  # fmt: skip
def test_which_coding_is_accepted(accepted: bytes, coding: bytes) -> None:
    assert coding_of(accepted) == coding
    asked = read(as_json(any=("FP64", [1, 3], [1, 2, 3])), {"accept-encoding": accepted}).asked
    told, rest, _ = written(OUTPUTS, asked, 0, 2)
    assert (asked.coding, rest, [output["shape"][0] for output in told["outputs"]]) == (coding, b"", [2] * len(OUTPUTS))


def written(outputs: dict[str, Array], asked: Asked, start: int, stop: int) -> tuple[Any, bytes, bytes]:
    """The JSON of an answer, the bytes behind it, and its head."""
    rows = Rows(stop - start, b"")
    rows.asked = asked
    origin = Origin("e", "m:3", ("no", "yes"))
    head, body = OpenInference().encoder(origin)(outputs)("id", start, stop, rows)
    split = len(body)
    for line in head.decode().splitlines():
        if line.startswith(LENGTH):
            split = int(line.partition(": ")[2])
    return json.loads(body[:split]), body[split:], head


OUTPUTS = {
    "label": np.array([1, 0, 1]),
    "chances": np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]], np.float32),
    "text": texts("a,b", 'c"', None),
    "when": np.array(["2026-01-02", "2026-01-03", "2026-01-04"], "datetime64[us]"),
    "flag": np.array([True, False, True]),
}


def test_callers_of_one_batch_get_their_own_rows_as_they_want_them() -> None:
    told, rest, _ = written(OUTPUTS, PLAIN, 0, 3)
    assert (told["model_name"], told["model_version"], "id" in told, rest) == ("e", "3", False, b"")
    data = {output["name"]: (output["datatype"], output["shape"], output["data"]) for output in told["outputs"]}
    assert data["label"] == ("INT64", [3], [1, 0, 1])
    assert data["chances"] == ("FP32", [3, 2], [0.25, 0.75, 0.5, 0.5, 1.0, 0.0])
    assert data["text"] == ("BYTES", [3], ["a,b", 'c"', None])
    assert data["when"] == ("BYTES", [3], ["2026-01-02T00:00:00", "2026-01-03T00:00:00", "2026-01-04T00:00:00"])
    part, _, _ = written(OUTPUTS, Asked("x"), 1, 3)
    assert part["id"] == "x"
    assert {output["name"]: output["data"] for output in part["outputs"]} == {
        name: flat[len(flat) // 3 :] for name, (_, _, flat) in data.items()
    }
    some = Asked("", (Wanted("text", True, 0), Wanted("label", False, 0), Wanted("chances", True, 0)))
    told, rest, head = written(OUTPUTS, some, 0, 2)
    assert [output["name"] for output in told["outputs"]] == ["text", "label", "chances"]
    assert told["outputs"][1]["data"] == [1, 0]
    assert rest == b'\3\0\0\0a,b\2\0\0\0c"' + OUTPUTS["chances"][:2].tobytes()
    assert b"Content-Type: application/octet-stream" in head
    every, rest, _ = written(OUTPUTS, Asked(binary=True), 2, 3)
    sizes = [output["parameters"]["binary_data_size"] for output in every["outputs"]]
    assert sum(sizes) == len(rest)
    assert rest[-1:] == b"\1"


def test_classification() -> None:
    told, _, _ = written(OUTPUTS, Asked("", (Wanted("chances", False, 1), Wanted("label", False, 5))), 0, 3)
    assert told["outputs"][0]["data"] == ["0.750000:1:yes", "0.500000:0:no", "1.000000:0:no"]
    assert (told["outputs"][0]["datatype"], told["outputs"][0]["shape"]) == ("BYTES", [3, 1])
    assert told["outputs"][1]["data"] == ["1.000000:0", "0.000000:0", "1.000000:0"]
    with pytest.raises(Malformed, match="no scores"):
        written(OUTPUTS, Asked("", (Wanted("text", False, 1),)), 0, 3)
    with pytest.raises(Malformed, match="at most"):
        written({"o": np.zeros((2, 20_000))}, Asked("", (Wanted("o", False, 20_000),)), 0, 2)


def test_bytes_that_are_no_text() -> None:
    outputs = {"o": texts(b"\xff")}
    with pytest.raises(Malformed, match="binary_data"):
        written(outputs, PLAIN, 0, 1)
    assert written(outputs, Asked(binary=True), 0, 1)[1] == b"\1\0\0\0\xff"


@pytest.mark.parametrize("coding", [b"gzip", b"deflate"])
def test_what_is_worth_it_is_compressed(coding: bytes) -> None:
    rows = Rows(1, b"")
    rows.asked = Asked(binary=True, coding=coding)
    encode = OpenInference().encoder(Origin("e", "m:1"))
    expand = gzip.decompress if coding == b"gzip" else zlib.decompress
    for size, smaller in ((10, False), (SMALLEST, True), (LARGEST + 1, False)):
        head, body = encode({"o": np.zeros((1, size), np.uint8)})("id", 0, 1, rows)
        assert (b"Content-Encoding: " + coding in head) == smaller == (len(body) < size)
        if smaller:
            assert expand(body).endswith(bytes(size))
