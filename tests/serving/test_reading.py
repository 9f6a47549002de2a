"""A stranger can follow one prediction: eight files, fifteen hundred lines."""

from pathlib import Path

import headgate

WAY = (
    "serving/server.py",
    "serving/predict.py",
    "serving/formats/json.py",
    "serving/contract.py",
    "serving/router.py",
    "serving/batching.py",
    "runtimes/onnx.py",
    "serving/tap.py",
)


def test_the_way_of_a_prediction_is_short() -> None:
    source = Path(headgate.__file__).parent
    assert len(WAY) <= 8
    assert sum(len((source / name).read_text().splitlines()) for name in WAY) <= 1500
