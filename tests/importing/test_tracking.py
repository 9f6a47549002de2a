"""Fetching from an MLflow tracking server: a real HTTP server that answers as MLflow's API does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from tests.object_storage import S3Server

from headgate.errors import Malformed, NotFound, Unauthenticated, Unreachable, UnsupportedType
from headgate.importing.locations import Surroundings, find_at
from headgate.importing.tracking import fetch_model

ROOT = "1/models/m-7/artifacts"
FILES = {f"{ROOT}/MLmodel": b"flavors: {}", f"{ROOT}/data/model.ubj": b"bytes"}


class Tracking(BaseHTTPRequestHandler):
    """One registered model, `fraud`, whose version 3 has the alias `champion`."""

    place = f"mlflow-artifacts:/{ROOT}"
    listing: dict[str, list[dict[str, object]]] = {
        ROOT: [{"path": "MLmodel", "is_dir": False}, {"path": "data", "is_dir": True}],
        f"{ROOT}/data": [{"path": "data/model.ubj", "is_dir": False}],
    }

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.headers.get("Authorization") != "Bearer secret":
            self.answer(401, b"{}")
        elif parts.path.endswith("/registered-models/alias") and query.get("alias") == "champion":
            self.answer(200, json.dumps({"model_version": {"version": "3"}}).encode())
        elif parts.path.endswith("/get-download-uri") and query == {"name": "fraud", "version": "3"}:
            self.answer(200, json.dumps({"artifact_uri": self.place}).encode())
        elif parts.path.endswith("/artifacts") and query.get("path") in self.listing:
            self.answer(200, json.dumps({"files": self.listing[query["path"]]}).encode())
        else:
            content = FILES.get(unquote(parts.path).partition("/artifacts/")[2])
            self.answer(200 if content is not None else 404, content or b"{}")

    def answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said."""


@pytest.fixture
def server() -> Iterator[tuple[str, type[Tracking]]]:
    class Answering(Tracking):
        """Of this test alone."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}", Answering
        listening.shutdown()


def no_bucket(url: str, folder: Path) -> Path:
    """Nothing is asked of object storage."""
    pytest.fail(f"{url} was fetched")


WHO = {"MLFLOW_TRACKING_TOKEN": "secret"}


@pytest.mark.parametrize("uri", ["models:/fraud/3", "models:/fraud@champion"])
def test_a_version_is_fetched_whole(server: tuple[str, type[Tracking]], tmp_path: Path, uri: str) -> None:
    folder = fetch_model(uri, server[0], tmp_path / "m", WHO, no_bucket)
    assert (folder / "MLmodel").read_bytes() == b"flavors: {}"
    assert (folder / "data" / "model.ubj").read_bytes() == b"bytes"


def test_who_may_not_is_told_which_variables_say_who_asks(server: tuple[str, type[Tracking]], tmp_path: Path) -> None:
    with pytest.raises(Unauthenticated, match="MLFLOW_TRACKING_TOKEN"):
        fetch_model("models:/fraud/3", server[0], tmp_path, {}, no_bucket)


def test_what_is_not_there_is_not_found(server: tuple[str, type[Tracking]], tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        fetch_model("models:/fraud/4", server[0], tmp_path, WHO, no_bucket)


def test_a_store_behind_the_server_is_named_with_the_next_step(
    server: tuple[str, type[Tracking]], tmp_path: Path
) -> None:
    server[1].place = "dbfs:/models/key"
    with pytest.raises(UnsupportedType, match="mlflow artifacts download"):
        fetch_model("models:/fraud/3", server[0], tmp_path, WHO, no_bucket)


def test_files_that_the_server_has_in_object_storage_are_fetched_from_there(
    server: tuple[str, type[Tracking]], tmp_path: Path, s3_server: S3Server, bucket: str, aws_settings: Path
) -> None:
    server[1].place = f"s3://{bucket}/runs/1/model"
    s3_server.overwrite(bucket, "runs/1/model/MLmodel", b"flavors: {xgboost: {data: model.ubj}}")
    s3_server.overwrite(bucket, "runs/1/model/model.ubj", b"bytes")
    around = Surroundings(server[0], "us-east-1", WHO)
    assert find_at("mlflow", "models:/fraud@champion", tmp_path, around).model.read_bytes() == b"bytes"


@pytest.mark.parametrize("path", ["..", "../../../etc/passwd/..", "", "a/."])
def test_a_listing_does_not_lead_out_of_the_folder(
    server: tuple[str, type[Tracking]], tmp_path: Path, path: str
) -> None:
    server[1].listing = {ROOT: [{"path": path, "is_dir": False}]}
    with pytest.raises(Malformed):
        fetch_model("models:/fraud/3", server[0], tmp_path / "m", WHO, no_bucket)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("listing", [["MLmodel"], [{"is_dir": False}], [{"path": 7}], {"path": "MLmodel"}])
def test_an_answer_of_another_shape_is_refused(
    server: tuple[str, type[Tracking]], tmp_path: Path, listing: Any
) -> None:
    server[1].listing = {ROOT: listing}
    with pytest.raises(Malformed, match="tracking server"):
        fetch_model("models:/fraud/3", server[0], tmp_path / "m", WHO, no_bucket)


def test_folders_in_folders_have_an_end(server: tuple[str, type[Tracking]], tmp_path: Path) -> None:
    class Endless(dict[str, list[dict[str, object]]]):
        def __contains__(self, path: object) -> bool:
            return True

        def __missing__(self, path: str) -> list[dict[str, object]]:
            return [{"path": f"{path}/x", "is_dir": True}]

    server[1].listing = Endless()
    with pytest.raises(Malformed):
        fetch_model("models:/fraud/3", server[0], tmp_path, WHO, no_bucket)


@pytest.mark.parametrize("uri", ["models:/fraud", "models:/fraud/latest", "models:/a/b/3", "models:"])
def test_a_uri_names_one_version(tmp_path: Path, uri: str) -> None:
    with pytest.raises(Malformed, match="NAME/VERSION"):
        fetch_model(uri, "http://127.0.0.1:9", tmp_path, WHO, no_bucket)


@pytest.mark.parametrize("url", ["", "file:///tmp", "ftp://host"])
def test_a_tracking_server_speaks_http(tmp_path: Path, url: str) -> None:
    with pytest.raises(Malformed, match="tracking-url"):
        fetch_model("models:/fraud/3", url, tmp_path, WHO, no_bucket)


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        fetch_model("models:/fraud/3", "http://127.0.0.1:9", tmp_path, WHO, no_bucket)
