"""How clients of each dialect write a predict request and read its answer; one speaker per dialect of the table."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from tests.serving.dialects.kinds import base64_of
from tests.serving.worker_process import Response

Row = Mapping[str, Any]


class Asked(NamedTuple):
    """A request."""

    target: str
    body: bytes
    headers: dict[str, str]
    read: Callable[[Response], Response] = lambda answer: answer  # with the status as the others say it


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


def in_objects(content: Any) -> bytes:
    """JSON in which bytes are objects."""
    return json.dumps(content, default=lambda cell: {"b64": base64_of(cell)}).encode()


def in_text(content: Any) -> bytes:
    """JSON in which bytes are text."""
    return json.dumps(content, default=base64_of).encode()


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


class Tfs:
    """A row is an object."""

    def ask(self, endpoint: str, rows: Sequence[Row]) -> Asked:
        return Asked(f"/v1/models/{endpoint}:predict", in_objects({"instances": rows}), {})

    def predictions(self, answer: Response) -> list[Any]:
        return [row["predictions"] if isinstance(row, dict) else row for row in answer.json["predictions"]]

    def problem(self, answer: Response) -> str:
        assert answer.json.keys() == {"error"}
        return str(answer.json["error"])


class KServe(Tfs):
    """As TensorFlow Serving, but for the answers."""

    def predictions(self, answer: Response) -> list[Any]:
        predictions: list[Any] = answer.json["predictions"]
        return predictions


class MLflow:
    """Rows as records; the endpoint is the default one, since paths have no names."""

    def ask(self, endpoint: str, rows: Sequence[Row]) -> Asked:
        body = in_text({"dataframe_records": rows})
        return Asked("/invocations", body, {"Content-Type": "application/json"})

    def predictions(self, answer: Response) -> list[Any]:
        predictions: list[Any] = answer.json["predictions"]
        return predictions

    def problem(self, answer: Response) -> str:
        if answer.status == 415:
            return answer.body.decode()
        assert answer.json.keys() == {"error_code", "message"}
        return str(answer.json["message"])


class TorchServe:
    """The body is what a handler would get."""

    def ask(self, endpoint: str, rows: Sequence[Row]) -> Asked:
        return Asked(f"/predictions/{endpoint}", in_text(rows), {})

    def predictions(self, answer: Response) -> list[Any]:
        predictions: list[Any] = answer.json
        return predictions

    def problem(self, answer: Response) -> str:
        assert answer.json.keys() == {"code", "type", "message"}
        assert answer.json["code"] == answer.status
        return str(answer.json["message"])


class Vertex(Tfs):
    """As TensorFlow Serving, at a longer address."""

    def ask(self, endpoint: str, rows: Sequence[Row]) -> Asked:
        asked = super().ask(endpoint, rows)
        return asked._replace(target=f"/v1/projects/p/locations/l/endpoints/{endpoint}:predict")

    def problem(self, answer: Response) -> str:
        assert answer.json["error"]["code"] == answer.status
        return str(answer.json["error"]["message"])


class AzureML:
    """Rows under `data`."""

    def ask(self, endpoint: str, rows: Sequence[Row]) -> Asked:
        return Asked("/score", in_text({"data": rows}), {})

    def predictions(self, answer: Response) -> list[Any]:
        predictions: list[Any] = answer.json
        return predictions

    def problem(self, answer: Response) -> str:
        return str(answer.json["error"]["message"])


class SageMaker:
    """Rows by name; the endpoint is the default one, since `/invocations` names none."""

    def ask(self, endpoint: str, rows: Sequence[Row]) -> Asked:
        return Asked("/invocations", in_objects({"instances": rows}), {"Content-Type": "application/json"})

    def predictions(self, answer: Response) -> list[Any]:
        predictions: list[Any] = answer.json["predictions"]
        return predictions

    def problem(self, answer: Response) -> str:
        assert answer.json.keys() == {"code", "type", "message"}
        assert answer.json["code"] == answer.status
        return str(answer.json["message"])


class SageMakerRuntime(SageMaker):
    """What a container would answer, and errors as botocore reads them."""

    def ask(self, endpoint: str, rows: Sequence[Row]) -> Asked:
        asked = super().ask(endpoint, rows)
        return asked._replace(target=f"/endpoints/{endpoint}/invocations", read=as_the_container)

    def problem(self, answer: Response) -> str:
        assert answer.headers["x-amzn-errortype"]
        return str(answer.json["Message"])


def as_the_container(answer: Response) -> Response:
    """With the status that a container would have said: of the model's failures SageMaker makes 424, of unknown 400."""
    kind = answer.headers.get("x-amzn-errortype")
    if kind == "ModelError":
        return answer._replace(status=answer.json["OriginalStatusCode"])
    return answer._replace(status=404) if kind == "ValidationError" else answer


# those that write rows of values; those of tensors have suites of their own
OF_ROWS = ("tfs", "kserve", "mlflow", "torchserve", "vertex", "azureml", "sagemaker", "sagemaker-runtime")
SPEAKERS: dict[str, Speaker] = {
    "oip": Oip(),
    "tfs": Tfs(),
    "kserve": KServe(),
    "mlflow": MLflow(),
    "torchserve": TorchServe(),
    "vertex": Vertex(),
    "azureml": AzureML(),
    "sagemaker": SageMaker(),
    "sagemaker-runtime": SageMakerRuntime(),
}
