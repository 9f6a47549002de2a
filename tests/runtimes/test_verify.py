"""What is no answer is refused, and what is another answer than the golden one is named."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from headgate.bundle.golden import Golden, GoldenInputs, GoldenOutputs, Tolerance, read_golden
from headgate.bundle.manifest import GOLDEN, Manifest
from headgate.errors import Corrupt, Malformed, ModelOutputInvalid
from headgate.records import Column, Task
from headgate.runtimes.verify import check_declared, check_outputs, compare, verify_golden
from headgate.testing.bundles import BuiltBundle, write_bundle
from headgate.testing.runtime import FakeAnswers, FakeModel
from headgate.testing.runtime_conformance import RuntimeCase

NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    "outputs",
    [
        {"predictions": np.array([1, 2])}, {"predictions": np.array([1.5, -2.5])},
        {"predictions": np.array(["a", "b"], dtype=object)}, {"predictions": np.array([True, False])},
        {"predictions": np.zeros((2, 3)), "other": np.zeros((2, 2, 2))}, {"predictions": np.zeros(2, "float16")},
        {"predictions": np.array([0, 1]), "probabilities": np.array([[1.0, 0.0], [0.5, 0.5]])},
    ],
    ids=str,
)  # fmt: skip
def test_answers_are_answers(outputs: dict[str, Any]) -> None:
    check_outputs(outputs, 2, "classification", (0, 1))


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({}, "expected 'predictions'"), ({"scores": np.zeros(2)}, r"\['scores'\]"),
        ({"predictions": np.zeros(3)}, r"shape \(3,\) for 2 rows"), ({"predictions": np.array(1.0)}, "for 2 rows"),
        ({"predictions": np.array([1, NAN])}, "predictions, row 1"),
        ({"predictions": np.array([[1.0, 2], [INFINITY, 1]])}, "predictions, row 1"),
        ({"predictions": np.array([-INFINITY, 1], "float32")}, "row 0"),
        ({"predictions": np.array(["a", NAN], dtype=object)}, "row 1"),
        ({"predictions": np.array(["a", None], dtype=object)}, "row 1"),
        ({"predictions": np.zeros(2), "probabilities": np.array([[0.5, 0.5], [NAN, 0]])}, "probabilities, row 1"),
        ({"predictions": np.zeros(2), "probabilities": np.zeros((2, 3))}, r"\(2, 3\), not \(2, 2\)"),
        ({"predictions": np.zeros(2), "probabilities": np.zeros(2)}, r"\(2,\), not \(2, 2\)"),
    ],
)  # fmt: skip
def test_what_is_no_answer(outputs: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelOutputInvalid, match=message):
        check_outputs(outputs, 2, "classification", (0, 1))


@pytest.mark.parametrize(
    ("column", "answered", "agrees"),
    [
        (Column(name="p", dtype="float64"), np.zeros(2), True),
        (Column(name="p", dtype="float64"), np.zeros(2, "int8"), True),
        (Column(name="p", dtype="int64"), np.array([1, 2.5], dtype=object), True),
        (Column(name="p", dtype="string"), np.array(["a", "b"], dtype=object), True),
        (Column(name="p", dtype="float64", shape=(3,)), np.zeros((2, 3)), True),
        (Column(name="p", dtype="float64", shape=(-1,)), np.zeros((2, 7)), True),
        (Column(name="other", dtype="float64"), np.zeros((2, 3)), True),
        (Column(name="p", dtype="float64"), np.zeros((2, 3)), False),
        (Column(name="p", dtype="float64"), np.zeros((2, 1)), False),
        (Column(name="p", dtype="float64", shape=(3,)), np.zeros((2, 2)), False),
        (Column(name="p", dtype="float64"), np.zeros(2, complex), False),
        (Column(name="p", dtype="float64"), np.array(["1.5", "2"], dtype=object), False),
        (Column(name="p", dtype="float64"), np.zeros(2, "datetime64[s]"), False),
    ],
)
def test_answers_are_of_the_signatures_shape_and_kind(
    column: Column, answered: np.ndarray[Any, Any], agrees: bool
) -> None:
    if agrees:
        check_declared({"p": answered}, (column,))
    else:
        with pytest.raises(ModelOutputInvalid, match="its signature says"):
            check_declared({"p": answered}, (column,))


@pytest.mark.parametrize("rows", [1, 2, 100, 5000])
@pytest.mark.parametrize("wrong", [NAN, INFINITY, -INFINITY])
def test_one_wrong_number_is_found_wherever_it_is(rows: int, wrong: float) -> None:
    for row in {0, rows // 2, rows - 1}:
        answered = np.linspace(-1e300, 1e300, rows)
        check_outputs({"predictions": answered}, rows, "regression", ())
        answered[row] = wrong
        with pytest.raises(ModelOutputInvalid, match=f"row {row}"):
            check_outputs({"predictions": answered}, rows, "regression", ())


@pytest.mark.parametrize(
    ("answered", "expected", "agrees"),
    [
        ([1.0], [1.0], True), ([1.0 + 1e-7], [1.0], True), ([1.0 + 1e-4], [1.0], False), ([1e9 + 1e3], [1e9], True),
        ([1], [1.0], True), ([2**63 - 1], [2**63 - 1], True), ([2**53], [2**53 + 1], True), ([1], [2], False),
        (["a"], ["a"], True), (["a"], ["b"], False), ([True], [True], True), ([True], [False], False),
        ([[1.0, 2.0]], [[1.0, 2.0]], True), ([[1.0, 2.0]], [[1.0, 2.1]], False), ([[1.0]], [[1.0, 2.0]], False),
        ([1.0], ["1.0"], False), ([[1.0]], [1.0], False), ([0.0], [1e-7], True), ([0.0], [1e-5], False),
    ],
)  # fmt: skip
def test_comparison(answered: list[Any], expected: list[Any], agrees: bool) -> None:
    array = np.array(answered, dtype=object if isinstance(answered[0], str) else None)
    if agrees:
        compare("predictions", array, expected, Tolerance())
    else:
        with pytest.raises(ModelOutputInvalid, match="Golden request 0"):
            compare("predictions", array, expected, Tolerance())


def manifest(tmp_path: Path, task: Task = "regression") -> Manifest:
    return RuntimeCase("fake", "model.json", b"{}", task=task).bundle(tmp_path).manifest


def golden(*predictions: float) -> Golden:
    columns: dict[str, Any] = {"a": [1.0, 2.0], "b": [3.0, None]}
    return Golden(inputs=GoldenInputs(columns=columns), outputs=GoldenOutputs(predictions=list(predictions)))


def test_golden_requests_are_asked_and_compared(tmp_path: Path) -> None:
    verify_golden(FakeModel(FakeAnswers()), manifest(tmp_path), golden(4.0, 2.0))
    with pytest.raises(ModelOutputInvalid, match="Golden request 1: expected predictions 2.5, got 2.0") as caught:
        verify_golden(FakeModel(FakeAnswers()), manifest(tmp_path), golden(4.0, 2.5))
    assert caught.value.detail == ({"row": 1, "column": "predictions", "expected": 2.5, "got": 2.0},)
    with pytest.raises(ModelOutputInvalid, match=r"shape \(3,\) for 2 rows"):
        verify_golden(FakeModel(FakeAnswers(extra_rows=1)), manifest(tmp_path), golden(4.0, 2.0))
    with pytest.raises(ModelOutputInvalid, match="NaN"):
        verify_golden(FakeModel(FakeAnswers(nan_at=2.0)), manifest(tmp_path), golden(4.0, 2.0))


def test_probabilities_must_still_be_there(tmp_path: Path) -> None:
    asked = golden(4.0, 2.0)
    outputs = msgspec.structs.replace(asked.outputs, probabilities=[[1.0], [1.0]])
    with pytest.raises(ModelOutputInvalid, match="no probabilities"):
        verify_golden(FakeModel(FakeAnswers()), manifest(tmp_path), msgspec.structs.replace(asked, outputs=outputs))


def test_a_golden_file_is_read_strictly(tmp_path: Path) -> None:
    whole = msgspec.json.encode(golden(4.0, 2.0))
    assert "probabilities" not in json.loads(whole)["outputs"]
    built = with_golden(tmp_path, whole)
    assert read_golden(built.folder, built.manifest) == golden(4.0, 2.0)
    for content in (b"", b"{}", b"[]", whole + b"x", whole.replace(b"inputs", b"input"), b"\xff"):
        built = with_golden(tmp_path, content)
        with pytest.raises(Malformed, match="golden"):
            read_golden(built.folder, built.manifest)
    # the bytes that were packaged, and no others
    built = with_golden(tmp_path, whole)
    (built.folder / GOLDEN).write_bytes(whole.replace(b"4.0", b"5.0"))
    with pytest.raises(Corrupt):
        read_golden(built.folder, built.manifest)
    (built.folder / GOLDEN).unlink()
    with pytest.raises(Corrupt):
        read_golden(built.folder, built.manifest)


def with_golden(folder: Path, content: bytes) -> BuiltBundle:
    return write_bundle(folder, manifest(folder), {GOLDEN: content})
