"""What the parts of a streamed answer are, put together."""

from typing import Any

import numpy as np
import pytest

from headgate.errors import ModelError
from headgate.runtimes.parts import joined


def cells(*values: Any) -> dict[str, Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return {"predictions": array}


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([cells("a", "x"), cells("b", "")], ["ab", "x"]),
        ([cells(b"a"), cells(b"b")], [b"ab"]),
        ([cells("a"), cells(None)], [None]),
        ([cells("a"), cells(1)], [1]),
        ([{"predictions": np.array([1.0, 2.0])}, {"predictions": np.array([3.0, 4.0])}], [3.0, 4.0]),
        ([cells("a"), {"predictions": np.array([3.0])}], [3.0]),
        ([cells(["a"], ["b", "c"]), cells(["d"], ["e"])], [["d"], ["e"]]),
        ([{"predictions": np.array([["a"]], object)}, {"predictions": np.array([["b"]], object)}], [["b"]]),
        ([cells("a")], ["a"]),
    ],
)
def test_text_and_bytes_go_on_and_the_last_of_all_else_counts(parts: list[dict[str, Any]], whole: list[Any]) -> None:
    assert joined(parts)["predictions"].tolist() == whole


def test_parts_are_of_the_same_outputs() -> None:
    with pytest.raises(ModelError, match="different outputs"):
        joined([cells("a"), {**cells("b"), "scores": np.zeros(1)}])
    with pytest.raises(ModelError, match="no part"):
        joined([])
