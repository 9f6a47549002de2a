"""JSON has no infinity, and null means missing: what is infinite is refused before it is sent."""

from typing import Any

import numpy as np
import pandas
import pytest

from headgate.client.tables import predict_body
from headgate.errors import Malformed

INF = float("inf")


@pytest.mark.parametrize(
    "data",
    [
        [{"age": INF}],
        [[1.0, -INF]],
        {"age": [1.0, INF]},
        np.array([[1.0, INF]]),
        pandas.DataFrame({"age": [INF]}),
        pandas.DataFrame({"age": np.array([INF], "float32")}),
    ],
    ids=lambda data: type(data).__name__,
)
def test_infinity_is_refused(data: Any) -> None:
    with pytest.raises(Malformed, match="infinite"):
        predict_body(data)


def test_a_missing_value_is_null() -> None:
    assert predict_body([{"age": float("nan")}]) == b'{"rows":[{"age":null}]}'


def test_columns_that_are_only_numbered_go_by_their_place() -> None:
    assert predict_body(pandas.DataFrame([[1.0, None], [2.5, 3.0]])) == b'{"instances":[[1.0,null],[2.5,3.0]]}'
