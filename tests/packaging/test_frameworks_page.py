"""The table of frameworks is that of the models that are packaged here."""

import pytest
from tests.packaging.estimators import CASES
from tests.packaging.frameworks_page import PAGE, read_rows, render

ROWS = read_rows(PAGE.read_text())


def test_every_model_has_its_row() -> None:
    assert [row["model"] for row in ROWS] == [case.name for case in CASES], "run `make test-all PAGE=1`"
    assert len(CASES) == len({case.name for case in CASES}) >= 60


@pytest.mark.parametrize(("case", "row"), list(zip(CASES, ROWS, strict=False)), ids=lambda it: getattr(it, "name", ""))
def test_a_row_says_what_is_expected_of_its_model(case: object, row: dict[str, str]) -> None:
    serves, needs = getattr(case, "serves", None), getattr(case, "needs", "")
    assert serves is None or row["serves"] == serves
    assert needs in row["framework"]
    assert needs in row["packages"]
    # a form that is served agrees; one that is not there says why
    figures = row["onnx 1"], row["onnx 1,000"], row["onnx bytes"]
    if row["serves"] == "onnx":
        assert float(row["compiled"]) <= 1e-5
        assert "–" not in figures
    else:
        assert row["compiled"]
    assert row["native bytes"] != "–"


def test_the_page_is_what_its_rows_render_to() -> None:
    assert render([tuple(row.values()) for row in ROWS]) == PAGE.read_text()
