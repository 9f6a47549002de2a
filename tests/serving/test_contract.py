"""Every dtype: what fits, what does not, and what the model is given. JSON and CSV agree."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.errors import HeadgateError, Malformed, SignatureMismatch
from headgate.records import Column, Dtype, Signature
from headgate.serving.contract import Contract
from headgate.serving.formats.csv import CsvFormat
from headgate.serving.formats.format import Origin
from headgate.serving.formats.json import JsonFormat
from headgate.serving.formats.registry import FORMATS, format_names, load_format
from headgate.serving.openapi import example_request, request_schema
from headgate.testing.bundles import BuiltBundle, build_bundle, route_table

MOMENT = np.datetime64("2026-01-02T03:04:05", "us")
FITS: list[tuple[Dtype, Any, Any]] = [
    ("bool", True, True),
    ("int8", -128, -128),
    ("int64", 2**63 - 1, 2**63 - 1),
    ("int64", -(2**63), -(2**63)),
    ("uint8", 255, 255),
    ("uint64", 2**64 - 1, 2**64 - 1),
    ("int8", 1.0, 1),
    ("int16", -0.0, 0),
    ("int64", 1e3, 1000),
    ("int64", float(2**53), 2**53),
    ("uint64", 13.0, 13),
    ("float32", 1.5, 1.5),
    ("float32", 7, 7.0),
    ("float64", -0.0, -0.0),
    ("float64", 1e308, 1e308),
    ("string", "a\u0000b\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "a\x00b😀"),
    ("string", "", ""),
    ("bytes", base64.b64encode(b"\x00\xff").decode(), b"\x00\xff"),
    ("datetime", "2026-01-02T03:04:05Z", MOMENT),
    ("datetime", "2026-01-02T05:04:05+02:00", MOMENT),
    ("datetime", "2026-01-02 03:04:05", MOMENT),
    ("datetime", "2026-01-02", np.datetime64("2026-01-02", "us")),
]
MISFITS: list[tuple[Dtype, Any]] = [
    ("bool", 1), ("bool", "true"), ("int8", 128), ("int8", 128.0), ("int8", 1.5), ("int8", True), ("int8", "1"),
    ("int64", 2**63),
    ("int64", 1e17), ("int64", 1e300), ("uint8", -1), ("uint8", -1.0), ("int64", [1.0]),
    ("uint64", -1), ("uint64", 2**64), ("uint64", True), ("uint64", 1.5),
    ("float32", 1e39), ("float32", -1e39), ("float64", True), ("float64", "1.5"), ("float64", [1]), ("float64", {}),
    ("string", 1), ("string", False), ("bytes", "not base64!"), ("bytes", 1), ("datetime", "yesterday"),
    ("datetime", 1767323045), ("datetime", "2026-13-01"), ("datetime", "0001-01-01T00:00:00+14:00"),
]  # fmt: skip


def contract(*columns: Column) -> Contract:
    return Contract(Signature(inputs=columns), 100)


def asked(found: Contract, content: Any) -> dict[str, list[Any]]:
    """Decode a document; the columns that the model gets."""
    decode = JsonFormat().decoder(found)
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    batch = found.assemble([decode(body)])
    return {name: array.tolist() for name, array in batch.columns.items()}


def plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


@pytest.mark.parametrize(("dtype", "sent", "wanted"), FITS)
@pytest.mark.parametrize("alone", [True, False], ids=["matrix", "columns"])
def test_values_that_fit(dtype: Dtype, sent: Any, wanted: Any, alone: bool) -> None:
    others = () if alone else (Column(name="other", dtype="string"),)
    found = contract(Column(name="x", dtype=dtype), *others)
    more = {} if alone else {"other": "a"}
    tail = [] if alone else ["a"]
    forms = (
        {"rows": [{"x": sent, **more}]},
        {"instances": [[sent, *tail]]},
        {"columns": {"x": [sent], **{name: [value] for name, value in more.items()}}},
        {"anything": [[sent, *tail]]},
    )
    for form in forms:
        assert asked(found, form)["x"] == [plain(wanted)]


@pytest.mark.parametrize(("dtype", "sent"), MISFITS)
def test_values_that_do_not_fit(dtype: Dtype, sent: Any) -> None:
    for nullable in (False, True):
        found = contract(Column(name="x", dtype=dtype, nullable=nullable))
        for form in ({"rows": [{"x": sent}]}, {"instances": [[sent]]}, {"columns": {"x": [sent]}}):
            with pytest.raises(SignatureMismatch) as caught:
                asked(found, form)
            (problem,) = caught.value.detail
            assert (problem["row"], problem["column"]) == (0, "x")


@pytest.mark.parametrize("dtype", sorted({dtype for dtype, _, _ in FITS}))
def test_null_only_where_it_may_be(dtype: Dtype) -> None:
    sent = next(value for kind, value, _ in FITS if kind == dtype)
    with pytest.raises(SignatureMismatch):
        asked(contract(Column(name="x", dtype=dtype)), {"instances": [[None]]})
    found = contract(Column(name="x", dtype=dtype, nullable=True))
    column = asked(found, {"instances": [[sent], [None]]})["x"]
    assert column[1] is None or column[1] != column[1]
    assert asked(found, {"instances": [[None]]})["x"]


def test_one_dtype_is_one_matrix() -> None:
    found = contract(*(Column(name=name, dtype="float32") for name in "ab"))
    decode = JsonFormat().decoder(found)
    batch = found.assemble(
        [decode(b'{"instances": [[1, 2]]}'), decode(b'{"rows": [{"b": 4, "a": 3}, {"a": 5, "b": 6}]}')]
    )
    assert batch.matrix is not None
    assert batch.matrix.dtype == np.float32
    assert batch.matrix.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_nulls_in_a_matrix_are_nan() -> None:
    found = contract(*(Column(name=name, dtype="float64", nullable=True) for name in "ab"))
    decode = JsonFormat().decoder(found)
    batch = found.assemble([decode(b'{"instances": [[1, null]]}'), decode(b'{"instances": [[2, 3]]}')])
    assert batch.matrix is not None
    np.testing.assert_array_equal(batch.matrix, [[1, np.nan], [2, 3]])


def test_whole_numbers_with_nulls_become_floats_column_by_column() -> None:
    found = contract(*(Column(name=name, dtype="int64", nullable=True) for name in "ab"))
    columns = asked(found, {"instances": [[1, None], [2, 3]]})
    assert columns["a"] == [1, 2]
    assert np.isnan(columns["b"][0])


def test_whole_floats_are_whole_numbers_in_every_place() -> None:
    """As pandas writes a column that has had gaps."""
    found = contract(
        Column(name="n", dtype="int64", nullable=True),
        Column(name="grid", dtype="int32", shape=(2, 2)),
        Column(name="s", dtype="string"),
        Column(name="visits", dtype="int8", roles=("context",)),
    )
    row = {"n": 13.0, "grid": [[1.0, 2], [3, 4.0]], "s": "a"}
    for document in (
        {"rows": [row | {"visits": 5.0}, row | {"n": None}]},
        {"columns": {name: [cell, cell] for name, cell in row.items()} | {"visits": [5.0, 6.0]}},
        {"instances": [list(row.values())] * 2},
    ):
        columns = asked(found, document)
        assert columns["grid"] == [[[1, 2], [3, 4]]] * 2
        assert columns["n"][0] == 13
    # what is wrong is still told, and only that
    with pytest.raises(SignatureMismatch, match="In row 1, column 'n': expected int64 .*, got 13.5") as caught:
        asked(found, {"rows": [row, row | {"n": 13.5}]})
    assert len(caught.value.detail) == 1
    with pytest.raises(HeadgateError):
        JsonFormat().decoder(found)(
            b'{"rows": [{"n": ' + b"[" * 900 + b"1.0" + b"]" * 900 + b', "grid": 1, "s": "a"}]}'
        )


def test_shapes() -> None:
    found = contract(
        Column(name="image", dtype="float32", shape=(2, 3)), Column(name="words", dtype="string", shape=(-1,))
    )
    row = {"image": [[1, 2, 3], [4, 5, 6]], "words": ["a", "b"]}
    assert asked(found, {"rows": [row]}) == {"image": [row["image"]], "words": [row["words"]]}
    for wrong in ({"image": [[1, 2, 3]]}, {"image": [[1, 2], [3, 4]]}, {"image": 1}, {"words": "a"}, {"words": [1]}):
        with pytest.raises(SignatureMismatch):
            asked(found, {"rows": [row | wrong]})
    with pytest.raises(SignatureMismatch, match="arrays"):
        CsvFormat().decoder(found)(b"image,words\n1,a\n")


def test_rows_that_do_not_stack_are_refused() -> None:
    found = contract(Column(name="x", dtype="float64", shape=(-1,)))
    assert asked(found, {"rows": [{"x": [1, 2]}, {"x": [3, 4]}]})["x"] == [[1, 2], [3, 4]]
    with pytest.raises(SignatureMismatch):
        asked(found, {"rows": [{"x": [1, 2]}, {"x": [3]}]})


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "tab\t", "ünï:code", "with space", "", "c0", "ids"])
def test_any_name_of_a_column(name: str) -> None:
    found = contract(Column(name="plain", dtype="float64"), Column(name=name, dtype="float64"))
    row = {"plain": 1, name: 2}
    assert asked(found, {"rows": [row]}) == {"plain": [1.0], name: [2.0]}
    assert asked(found, {"columns": {"plain": [1], name: [2]}}) == {"plain": [1.0], name: [2.0]}
    with pytest.raises(SignatureMismatch) as caught:
        asked(found, {"rows": [row | {name: "x"}]})
    assert caught.value.detail[0]["column"] == name
    with pytest.raises(Malformed, match="twice"):
        key = json.dumps(name).encode()
        asked(found, b'{"rows": [{"plain": 1, %b: 2, %b: 3}]}' % (key, key))


def test_colons_in_text_are_no_keys() -> None:
    found = contract(Column(name="x", dtype="string"))
    for text in ('a:b":c', "::::", '\\":', '{"x": 1, "x": 2}'):
        assert asked(found, {"rows": [{"x": text}, {"x": "y"}]})["x"] == [text, "y"]


@given(
    st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(-128, 127)), min_size=1, max_size=9
    )
)
def test_every_number_arrives_as_it_was_sent(rows: list[tuple[float, int]]) -> None:
    found = contract(Column(name="x", dtype="float64"), Column(name="n", dtype="int8"))
    columns = asked(found, {"instances": rows})
    assert list(zip(columns["x"], columns["n"], strict=True)) == rows
    table = "x,n\r\n" + "".join(f"{x!r},{n}\r\n" for x, n in rows)
    batch = found.assemble([CsvFormat().decoder(found)(table.encode())])
    assert [batch.columns[name].tolist() for name in ("x", "n")] == [columns["x"], columns["n"]]


CSV = {
    "quotes": (b'x,s\n1,"a ""b"", c"\n', [1.0], ['a "b", c']),
    "line break": (b'x,s\n1,"a\nb"\n', [1.0], ["a\nb"]),
    "BOM": (b"\xef\xbb\xbfx,s\n1,a\n", [1.0], ["a"]),
    "other order": (b"s,x\na,1\n", [1.0], ["a"]),
    "empty text": (b"x,s\n1,\n", [1.0], [""]),
    "blank lines": (b"x,s\n1,a\n\n2,b\n\n", [1.0, 2.0], ["a", "b"]),
}


@pytest.mark.parametrize("name", CSV)
def test_csv(name: str) -> None:
    body, numbers, texts = CSV[name]
    found = contract(Column(name="x", dtype="float64"), Column(name="s", dtype="string"))
    batch = found.assemble([CsvFormat().decoder(found)(body)])
    assert [batch.columns[column].tolist() for column in ("x", "s")] == [numbers, texts]


BAD_CSV = {
    "empty": (b"", Malformed), "header alone": (b"x,s\n", SignatureMismatch), "twice": (b"x,x,s\n1,2,a\n", Malformed),
    "unknown": (b"x,s,z\n1,a,2\n", SignatureMismatch), "missing": (b"s\na\n", SignatureMismatch),
    "no UTF-8": (b"x,s\n1,\xff\n", Malformed), "NUL": (b"x,s\n1,\x00\n", Malformed),
    "open": (b'x,s\n1,"a\n', Malformed),
    "after quote": (b'x,s\n1,"a"b\n', Malformed), "ragged": (b"x,s\n1\n", SignatureMismatch),
    "long": (b"x,s\n1,a,b\n", SignatureMismatch), "NaN": (b"x,s\nNaN,a\n", SignatureMismatch),
    "inf": (b"x,s\ninf,a\n", SignatureMismatch), "1e999": (b"x,s\n1e999,a\n", SignatureMismatch),
    "underscore": (b"x,s\n1_0,a\n", SignatureMismatch), "space": (b"x,s\n 1,a\n", SignatureMismatch),
    "null": (b"x,s\n,a\n", SignatureMismatch), "formula": (b"x,s\n=1+1,a\n", SignatureMismatch),
    "huge field": (b'x,s\n1,"' + b"a" * 200_000 + b'"\n', Malformed),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_CSV)
def test_csv_that_is_refused(name: str) -> None:
    body, error = BAD_CSV[name]
    found = contract(Column(name="x", dtype="float64"), Column(name="s", dtype="string"))
    with pytest.raises(error):
        CsvFormat().decoder(found)(body)


@pytest.mark.parametrize(("dtype", "sent", "wanted"), [case for case in FITS if "\x00" not in str(case[1])])
def test_csv_knows_every_dtype(dtype: Dtype, sent: Any, wanted: Any) -> None:
    found = contract(Column(name="x", dtype=dtype), Column(name="s", dtype="string"))
    text = str(sent).lower() if isinstance(sent, bool) else repr(sent) if isinstance(sent, float) else str(sent)
    batch = found.assemble([CsvFormat().decoder(found)(f"x,s\n{text},a\n".encode())])
    assert batch.columns["x"].tolist() == [plain(wanted)]


def test_csv_reads_booleans_as_data_frames_write_them() -> None:
    found = contract(Column(name="x", dtype="bool"), Column(name="s", dtype="string"))
    batch = found.assemble([CsvFormat().decoder(found)(b"x,s\nTrue,a\nFalse,b\ntrue,c\nfalse,d\n")])
    assert batch.columns["x"].tolist() == [True, False, True, False]
    for cell in ("TRUE", "tRue", "1", "yes"):
        with pytest.raises(SignatureMismatch):
            CsvFormat().decoder(found)(f"x,s\n{cell},a\n".encode())


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None)
@given(body=st.binary(max_size=100))
def test_no_format_fails_on_any_bytes(name: str, body: bytes) -> None:
    found = contract(
        Column(name="x", dtype="float64"), Column(name="s", dtype="string"), Column(name="t", dtype="datetime")
    )
    try:
        load_format(name).decoder(found)(body)
    except HeadgateError as error:
        assert error.status in {400, 413, 422}


OUTPUTS: dict[str, dict[str, Any]] = {
    "numbers": {"predictions": np.array([0, 1, 1])},
    "classes": {"predictions": np.array(["no", "yes, \"sure\"", "ünsure"], dtype=object), "probabilities": np.eye(3)},
    "float32": {"predictions": np.array([0.1, 0.25, 1e-9], np.float32)},
    "booleans": {"predictions": np.array([True, False, True])},
    "several": {"predictions": np.arange(6.0).reshape(3, 2)},
    "cubes": {"predictions": np.arange(12.0).reshape(3, 2, 2)},
    "transposed": {"predictions": np.arange(3), "probabilities": np.arange(6.0).reshape(2, 3).T},
    "times": {"predictions": np.array(["2026-01-01"] * 3, "datetime64[us]")},
}  # fmt: skip


@pytest.mark.parametrize("kind", OUTPUTS)
def test_answers_are_cut_at_rows(kind: str) -> None:
    outputs = OUTPUTS[kind]
    body = JsonFormat().encoder(Origin("fraud", "fraud:1"))(outputs)
    whole = json.loads(body("id", 0, 3, None))
    assert {"id", "endpoint", "model", *outputs} == set(whole)
    for start, stop in ((0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3)):
        part = json.loads(body("id", start, stop, ["a"] * (stop - start)))
        assert part["ids"] == ["a"] * (stop - start)
        for name in outputs:
            assert part[name] == whole[name][start:stop]
    if kind in ("numbers", "several", "classes", "transposed", "booleans"):
        assert all(whole[name] == outputs[name].tolist() for name in outputs)


@pytest.mark.parametrize("kind", [kind for kind in OUTPUTS if kind != "times"])
def test_tables_are_cut_at_rows(kind: str) -> None:
    body = CsvFormat().encoder(Origin("fraud", "fraud:1", ("a", "b", "c")))(OUTPUTS[kind])
    whole = body("id", 0, 3, None).decode().split("\r\n")
    assert body("id", 1, 2, None).decode().split("\r\n") == [whole[0], whole[2], ""]


def test_formats_that_are_not_there() -> None:
    assert list(format_names())[:5] == ["json", "csv", "ndjson", "arrow", "parquet"]
    with pytest.raises(HeadgateError, match="json, csv"):
        load_format("smoke")


def test_examples_of_every_dtype_fit(tmp_path_factory: pytest.TempPathFactory) -> None:
    bundle: BuiltBundle = build_bundle(tmp_path_factory.mktemp("cache"))
    columns = [Column(name=f"x-{dtype}", dtype=dtype) for dtype in dict.fromkeys(dtype for dtype, _, _ in FITS)]
    columns += [
        Column(name="level", dtype="string", categories=("low", "high")),
        Column(name="far", dtype="int8", minimum=1000, maximum=3000),
        Column(name="shaped", dtype="float32", shape=(2, -1)),
        Column(name="given", dtype="float64", example=3.5),
    ]
    table = route_table(bundle, contract=Signature(inputs=tuple(columns)))
    example = example_request(table)
    got = asked(contract(*columns), example)
    assert got["level"] == ["low"]
    assert got["given"] == [3.5]
    assert json.dumps(request_schema(table))
