"""Images of any rank, bytes and text go through package, host and wire as they are."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.serving.worker_process import WorkerProcess
from tests.serving_hosts.packaged import packaged, served, written

import headgate
from headgate.errors import Malformed, SignatureMismatch
from headgate.home import Home
from headgate.packaging.table import read_table

SOURCE = """
import numpy as np

class Model:
    def predict(self, columns):
        image, raw, words = columns["image"], columns["raw"], columns["words"]
        turned = np.empty(len(raw), object)
        turned[:] = [part[::-1] for part in raw]
        return {
            "predictions": image.mean(axis=(1, 2, 3)) + [len(part) for part in raw],
            "corner": image[:, :1, :1],
            "turned": turned,
            "loud": np.array([[word.upper() for word in row] for row in words], object),
        }

model = Model()
"""
IMAGE = np.arange(2 * 4 * 3).reshape(2, 4, 3)


def data(rows: int = 3) -> dict[str, Any]:
    raw = np.empty(rows, object)
    raw[:] = [bytes([row, 255]) for row in range(rows)]
    images = np.stack([IMAGE + row for row in range(rows)]).astype(np.uint8)
    return {"image": images, "raw": raw, "words": np.array([["a", "b"]] * rows, object)}


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    home = Home(tmp_path_factory.mktemp("images")).create()
    bundle = packaged(written(home.path / "m.py", SOURCE), home, name="images", data=data(), task="regression")
    with served(home, bundle) as worker:
        yield worker


def row() -> dict[str, Any]:
    return {"image": IMAGE.tolist(), "raw": base64.b64encode(b"\x00\xff\x01").decode(), "words": ["x", "é"]}


EXPECTED = {
    "predictions": [IMAGE.mean() + 3],
    "corner": [IMAGE[:1, :1].tolist()],
    "turned": [base64.b64encode(b"\x01\xff\x00").decode()],
    "loud": [["X", "É"]],
}


@pytest.mark.parametrize(
    "body",
    [
        {"rows": [row()]},
        {"instances": [list(row().values())]},
        {"columns": {name: [cell] for name, cell in row().items()}},
    ],
    ids=lambda body: next(iter(body)),
)
def test_json_in_and_out(worker: WorkerProcess, body: dict[str, Any]) -> None:
    answer = worker.predict(body, "images")
    assert answer.status == 200, answer.body
    assert {name: answer.json[name] for name in EXPECTED} == EXPECTED


def test_one_row_a_line(worker: WorkerProcess) -> None:
    lines = b"".join(json.dumps(row()).encode() + b"\n" for _ in range(2))
    answer = worker.predict(lines, "images", Content_Type="application/x-ndjson", Accept="application/x-ndjson")
    assert answer.status == 200, answer.body
    assert [json.loads(line)["turned"] for line in answer.body.splitlines()] == EXPECTED["turned"] * 2


@pytest.mark.parametrize(
    ("column", "value"),
    [("image", [[1, 2, 3]]), ("image", 1), ("raw", "not base64!"), ("words", ["one"]), ("words", [1, 2])],
)
def test_another_shape_is_the_callers_mistake(worker: WorkerProcess, column: str, value: Any) -> None:
    answer = worker.predict({"rows": [row() | {column: value}]}, "images")
    assert (answer.status, answer.json["detail"][0]["column"]) == (422, column)


def test_the_document_shows_a_request_that_works(worker: WorkerProcess) -> None:
    document = worker.ask("GET", "/v1/endpoints/images/openapi.json").json
    content = document["paths"]["/v1/endpoints/images/predict"]["post"]["requestBody"]["content"]
    assert worker.predict(content["application/json"]["example"], "images").status == 200
    answer = document["paths"]["/v1/endpoints/images/predict"]["post"]["responses"]["200"]["content"]
    assert answer["application/json"]["schema"]["properties"]["turned"]["items"]["contentEncoding"] == "base64"


def test_a_plain_array_of_images(tmp_path: Path) -> None:
    source = (
        "class Model:\n    def predict(self, given):\n        return given['x0'].sum(axis=(1, 2))\nmodel = Model()\n"
    )
    images = np.arange(24.0).reshape(4, 2, 3)
    np.save(tmp_path / "images.npy", images)
    model = written(tmp_path / "m.py", source)
    bundle = headgate.package(model, name="m", data=tmp_path / "images.npy", task="regression", output=tmp_path / "b")
    (column,) = bundle.manifest.signature.inputs
    assert (column.name, column.dtype, column.shape) == ("x0", "float64", (2, 3))
    assert headgate.load(bundle).predict(images).tolist() == images.sum(axis=(1, 2)).tolist()
    with pytest.raises(SignatureMismatch):
        headgate.load(bundle).predict(images[:, :1])


def test_files_of_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", image=np.zeros((2, 3, 3), np.uint8), label=np.array(["a", "b"]))
    table = read_table(tmp_path / "d.npz")
    assert {name: (values.dtype.kind, values.shape) for name, values in table.columns.items()} == {
        "image": ("u", (2, 3, 3)), "label": ("O", (2,)),
    }  # fmt: skip
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    for name in ("objects.npy", "cut.npz"):
        with pytest.raises(Malformed, match="does not hold arrays"):
            read_table(tmp_path / name)
