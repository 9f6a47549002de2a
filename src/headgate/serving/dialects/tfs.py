"""TensorFlow Serving's REST API, version 1: predict by row and by column, classify, regress, status and metadata.

Source: tensorflow/serving, `tensorflow_serving/g3doc/api_rest.md` and `model_servers/http_rest_api_handler.cc`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from headgate.errors import HeadgateError, Malformed, NotFound
from headgate.records import Column
from headgate.serving.contract import Contract, Rows
from headgate.serving.dialects.dialect import PREDICT, Node, Question, Route, Shown, Write, absent_in
from headgate.serving.dialects.instances import INPUTS, InstanceDecoder, parse_object
from headgate.serving.formats.format import NO_HEADERS, Array, Decode, Headers, Origin
from headgate.serving.formats.texts import Texts
from headgate.serving.responses import JSON, Whole, error_headers, head_of

MODEL = "/v1/models/{endpoint}"
PLACES = (MODEL, f"{MODEL}/versions/{{version}}", f"{MODEL}/labels/{{label}}")
PREDICTIONS, PROBABILITIES = "predictions", "probabilities"
BY_ROW, BY_COLUMN, EXAMPLES = "by row", "by column", "examples"
DTYPES = {
    "float32": "DT_FLOAT", "float64": "DT_DOUBLE", "int8": "DT_INT8", "int16": "DT_INT16", "int32": "DT_INT32",
    "int64": "DT_INT64", "uint8": "DT_UINT8", "uint16": "DT_UINT16", "uint32": "DT_UINT32", "uint64": "DT_UINT64",
    "bool": "DT_BOOL",
}  # fmt: skip


class Wanted(NamedTuple):
    """How an answer is written."""

    form: str
    output: str = ""  # the only one that is wanted


class TensorFlowServing:
    """The dialect."""

    name = "tfs"
    routes = tuple(
        route
        for path in PLACES
        for route in (
            Route("GET", path, "status", any_case=True),
            Route("GET", f"{path}/metadata", "metadata", any_case=True),
            *(Route("POST", f"{path}:{verb}", PREDICT, any_case=True) for verb in (PREDICT, "classify", "regress")),
        )
    )
    headers = ()
    inline_bytes = float("inf")

    def decoder(self, contract: Contract) -> Decode:
        """Decode `{"instances"}`, `{"inputs"}`, or `{"examples"}` of a classification or regression."""
        reader = InstanceDecoder(contract)

        def decode(body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
            if (rows := reader.read_plain(body)) is not None:
                return rows
            document = parse_object(body, lenient=True)
            signature = document.get("signature_name", "")
            output = signature if signature in (PREDICTIONS, PROBABILITIES) else ""
            if "examples" in document:
                rows = reader.read({"instances": examples_of(document)})
                rows.asked = Wanted(EXAMPLES, output)
            else:
                rows = reader.read(document)
                rows.asked = Wanted(BY_COLUMN if INPUTS in document else BY_ROW, output)
            return rows

        return decode

    def encoder(self, origin: Origin) -> Write:
        """Encode `{"predictions"}`, `{"outputs"}` or `{"results"}`."""
        head = head_of(200, JSON, origin.headers)

        def write(outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
            texts = {name: Texts(array) for name, array in outputs.items()}

            def whole(_id: str, start: int, stop: int, rows: Rows) -> Whole:
                asked: Wanted = rows.asked or Wanted(BY_ROW)
                if asked.form == EXAMPLES:
                    return head, orjson.dumps({"results": results_of(outputs, start, stop, origin.classes)})
                names = [asked.output] if asked.output in outputs else list(outputs)
                parts = {name: texts[name].part(start, stop) for name in names}
                return head, by_column(parts) if asked.form == BY_COLUMN else by_row(parts)

            return whole

        return write

    def error(self, error: HeadgateError, _request_id: str) -> Whole:
        """`{"error"}`."""
        status = 400 if error.status in (415, 422) else error.status
        absent, message = absent_in(error), error.message
        if absent is not None and absent.version:
            message = f"Servable not found for request: Specific({absent.endpoint}, {absent.version})"
        elif absent is not None:
            message = f"Servable not found for request: Latest({absent.endpoint})"
        return head_of(status, JSON, error_headers(error)), orjson.dumps({"error": message})

    def tell(self, question: Question, _node: Node) -> Whole:
        """The state of the versions, and what a model takes."""
        shown = question.endpoint
        if shown is None:
            raise NotFound("The path names no model.")
        version = shown.version_of(question.version) if question.version else ""
        answer = status_of(shown, version) if question.does == "status" else metadata_of(shown, version)
        return head_of(200, JSON), orjson.dumps(answer)


def examples_of(document: Mapping[str, Any]) -> list[Any]:
    """The examples, with what all share; raises `Malformed`."""
    examples, context = document["examples"], document.get("context", {})
    if not isinstance(examples, list) or not isinstance(context, dict):
        raise Malformed("Expected a list of examples, and an object as their context.")
    if not all(isinstance(example, dict) for example in examples):
        raise Malformed("Expected examples that are objects of features.")
    return [context | example for example in examples]


def by_row(parts: Mapping[str, bytes]) -> bytes:
    """One prediction per row: bare, or an object where there are several outputs."""
    if len(parts) == 1:
        return b'{"predictions":%b}' % next(iter(parts.values()))
    columns = {name: orjson.loads(part) for name, part in parts.items()}
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return orjson.dumps({"predictions": rows})


def by_column(parts: Mapping[str, bytes]) -> bytes:
    """One list per output, or the only one bare."""
    if len(parts) == 1:
        return b'{"outputs":%b}' % next(iter(parts.values()))
    return b'{"outputs":{%b}}' % b",".join(b"%b:%b" % (orjson.dumps(name), part) for name, part in parts.items())


def results_of(outputs: Mapping[str, Array], start: int, stop: int, classes: tuple[Any, ...]) -> list[Any]:
    """A value per row, or where there are probabilities a pair of label and score per class."""
    if PROBABILITIES not in outputs:
        return list(outputs[PREDICTIONS][start:stop].tolist())
    scores = outputs[PROBABILITIES][start:stop].tolist()
    return [[[str(label), score] for label, score in zip(classes, row, strict=False)] for row in scores]


def status_of(shown: Shown, version: str) -> dict[str, Any]:
    """The versions that stand behind an endpoint, or the one that is asked for."""
    wanted = [version] if version else list(dict.fromkeys(shown.versions))
    status = {"error_code": "OK", "error_message": ""}
    state = "AVAILABLE" if shown.ready else "LOADING"
    return {"model_version_status": [{"version": each, "state": state, "status": status} for each in wanted]}


def metadata_of(shown: Shown, version: str) -> dict[str, Any]:
    """What a model takes and answers, as a signature definition."""
    inputs = [column for column in shown.table.contract.inputs if "feature" in column.roles]
    definition = {
        "inputs": {column.name: tensor_info(column) for column in inputs},
        "outputs": {column.name: tensor_info(column) for column in shown.outputs},
        "method_name": "tensorflow/serving/predict",
    }
    return {
        "model_spec": {"name": shown.name, "signature_name": "", "version": version or shown.versions[0]},
        "metadata": {"signature_def": {"signature_def": {"serving_default": definition}}},
    }


def tensor_info(column: Column) -> dict[str, Any]:
    """A column as TensorFlow describes a tensor."""
    sizes = [{"size": str(size), "name": ""} for size in (-1, *column.shape)]
    return {
        "dtype": DTYPES.get(column.dtype, "DT_STRING"),
        "tensor_shape": {"dim": sizes, "unknown_rank": False},
        "name": column.name,
    }
