"""How clients of each dialect write a predict request and read its answer; one speaker per dialect of the table."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from tests.serving.worker_process import Response

Row = Mapping[str, Any]


class Asked(NamedTuple):
    """A request."""

    target: str
    body: bytes
    headers: dict[str, str]


class Speaker(Protocol):
    """A client of one dialect."""

    def ask(self, endpoint: str, rows: Sequence[Row]) -> Asked:
        """A predict request for rows of named values."""
        ...

    def predictions(self, answer: Response) -> list[Any]:
        """The predictions of an answer, one per row; a list where the model has several outputs."""
        ...

    def problem(self, answer: Response) -> str:
        """The sentence of an error; fails where the error has not the dialect's shape."""
        ...


class Oip:
    """A column is a tensor."""

    def ask(self, endpoint: str, rows: Sequence[Row]) -> Asked:
        inputs = []
        for name in rows[0]:
            cells = [row[name] for row in rows]
            first = next((cell for cell in cells if cell is not None), 0.0)
            kind = {str: "BYTES", int: "INT64"}.get(type(first), "FP64")
            shape = [len(rows), *(np.shape(first) or (1,))]
            inputs.append({"name": name, "shape": shape, "datatype": kind, "data": cells})
        return Asked(f"/v2/models/{endpoint}/infer", json.dumps({"inputs": inputs}).encode(), {})

    def predictions(self, answer: Response) -> list[Any]:
        (output,) = [output for output in answer.json["outputs"] if output["name"] == "predictions"]
        data: list[Any] = np.array(output["data"], object).reshape(output["shape"]).tolist()
        return data

    def problem(self, answer: Response) -> str:
        assert answer.json.keys() == {"error"}
        return str(answer.json["error"])


SPEAKERS: dict[str, Speaker] = {"oip": Oip()}
