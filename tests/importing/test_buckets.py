"""Models in object storage: moto's S3 holds what the readers know from folders, and what must not come out of it."""

import io
import tarfile
from pathlib import Path

import pytest
from tests.object_storage import S3Server

from headgate.errors import Conflict, Forbidden, HeadgateError, Malformed, NotFound, TooLarge, Unreachable
from headgate.importing import objects
from headgate.importing.found import Found
from headgate.importing.locations import Surroundings, find_at
from headgate.importing.objects import Fetching, fetch
from headgate.storage.objects import Object, Objects
from headgate.testing.faulty_proxy import Fault, FaultyProxy

AROUND = Surroundings(region="us-east-1")


@pytest.fixture
def put(bucket: str, s3_server: S3Server, aws_settings: Path) -> "Filled":
    return Filled(bucket, s3_server)


class Filled:
    """A bucket to fill."""

    def __init__(self, bucket: str, server: S3Server) -> None:
        self.url = f"s3://{bucket}"
        self._bucket, self._server = bucket, server

    def __call__(self, key: str, content: bytes = b"") -> str:
        self._server.overwrite(self._bucket, key, content)
        return f"{self.url}/{key}"


def archive(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def repository(put: Filled) -> str:
    for version in ("1", "2", "10"):
        put(f"models/forest/{version}/model.onnx", f"version {version}".encode())
    put("models/forest/config.pbtxt", b'name: "forest" max_batch_size: 8')
    put("models/forest2/1/model.onnx", b"of a neighbour")
    return f"{put.url}/models/forest"


def left(found: Found) -> set[str]:
    return {note.what for note in found.left}


@pytest.mark.parametrize("end", ["", "/"])
def test_a_triton_repository_gives_its_highest_version_and_no_other_is_fetched(
    put: Filled, tmp_path: Path, end: str
) -> None:
    url = repository(put) + end
    # as consoles of S3 mark folders
    put("models/forest/")
    put("models/forest/10/")
    found = find_at("triton", url, tmp_path, AROUND)
    assert (found.name, found.model.read_text()) == ("forest", "version 10")
    assert found.lineage["parent_run"] == f"triton:forest:10 {url}"
    assert left(found) == {"max_batch_size", "version 1", "version 2"}
    assert [path.name for path in tmp_path.rglob("model.onnx")] == ["model.onnx"]


def test_a_version_of_a_triton_repository_comes_with_its_configuration(put: Filled, tmp_path: Path) -> None:
    found = find_at("triton", repository(put) + "/2", tmp_path, AROUND)
    assert (found.name, found.model.read_text()) == ("forest", "version 2")
    assert "max_batch_size" in left(found)


def test_a_whole_triton_repository_is_too_much_and_said_so(put: Filled, tmp_path: Path) -> None:
    repository(put)
    with pytest.raises(NotFound, match="not the whole repository"):
        find_at("triton", f"{put.url}/models", tmp_path, AROUND)


def test_a_sagemaker_archive_is_taken_from_its_url(put: Filled, tmp_path: Path) -> None:
    url = put("jobs/7/output/model.tar.gz", archive({"model.joblib": b"m", "code/inference.py": b"x"}))
    found = find_at("sagemaker", url, tmp_path, AROUND)
    assert (found.name, found.model.read_bytes()) == ("model", b"m")
    assert found.lineage["parent_run"] == url
    assert left(found) == {"code/inference.py"}


def test_an_archive_in_a_bucket_does_not_write_outside_of_its_folder(put: Filled, tmp_path: Path) -> None:
    url = put("model.tar.gz", archive({"../../evil.joblib": b"x"}))
    scratch = tmp_path / "a" / "scratch"
    scratch.mkdir(parents=True)
    with pytest.raises(HeadgateError):
        find_at("sagemaker", url, scratch, AROUND)
    assert not list(tmp_path.glob("*.joblib")) + list(tmp_path.glob("a/*.joblib"))


@pytest.mark.parametrize("name", ["model.joblib", "folder/model.joblib"])
def test_a_model_that_is_not_packed_is_taken_too(put: Filled, tmp_path: Path, name: str) -> None:
    put(f"jobs/{name}", b"m")
    found = find_at("sagemaker", f"{put.url}/jobs/{name.partition('/model')[0]}", tmp_path, AROUND)
    assert found.model.read_bytes() == b"m"


def test_an_mlflow_folder_is_taken_from_its_url(put: Filled, tmp_path: Path) -> None:
    put("runs/1/model/MLmodel", b"flavors: {xgboost: {data: model.ubj}}\nrun_id: 0f3a\nartifact_path: iris\n")
    url = put("runs/1/model/model.ubj", b"bytes").rpartition("/")[0]
    found = find_at("mlflow", url, tmp_path, AROUND)
    assert (found.name, found.model.read_bytes()) == ("iris", b"bytes")
    assert found.lineage["parent_run"] == f"mlflow:0f3a {url}"


def test_names_of_any_letters_come_back(put: Filled, tmp_path: Path, bucket: str, s3_server: S3Server) -> None:
    names = ["a b.txt", "ü.txt", "100%25.txt", "a+b.txt"]
    for name in names:
        s3_server.overwrite(bucket, f"m/{name.replace('%', '%25')}", name.encode())
    folder = fetch(f"{put.url}/m", tmp_path)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {name: name for name in names}


@pytest.mark.parametrize("key", ["m/../../../evil", "m/./evil", "m//evil"])
def test_names_that_lead_out_of_the_folder_are_refused(put: Filled, tmp_path: Path, key: str) -> None:
    put("m/good", b"1")
    put(key.replace("..", "%2E%2E").replace("/./", "/%2E/"), b"1")
    with pytest.raises(Malformed):
        fetch(f"{put.url}/m", tmp_path / "in" / "here")
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("key", ["m/..", "m/a/../../evil", "m//evil", "m/a\0b"])
def test_a_store_that_lists_such_names_is_not_followed(
    put: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(Objects, "below", lambda _self: iter([Object("m/good", 1, ""), Object(key, 1, "")]))
    with pytest.raises(Malformed):
        fetch(f"{put.url}/m/", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_is_a_folder_too_is_refused(put: Filled, tmp_path: Path) -> None:
    put("m/a", b"1")
    put("m/a/b", b"2")
    with pytest.raises(Malformed, match="'m/a'"):
        fetch(f"{put.url}/m", tmp_path)


def test_more_objects_or_bytes_than_an_archive_may_hold_are_refused(
    put: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("m/a", "m/b", "m/c"):
        put(name, bytes(10))
    monkeypatch.setattr(objects, "BYTES", 29)
    with pytest.raises(TooLarge, match="29 bytes"):
        fetch(f"{put.url}/m", tmp_path / "1")
    monkeypatch.setattr(objects, "BYTES", 30)
    monkeypatch.setattr(objects, "MEMBERS", 2)
    with pytest.raises(TooLarge, match="2 objects"):
        fetch(f"{put.url}/m", tmp_path / "2")


def test_a_store_that_says_less_than_it_gives_is_cut_off(
    put: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("m/a", bytes(50))
    monkeypatch.setattr(objects, "BYTES", 49)
    monkeypatch.setattr(Objects, "below", lambda _self: iter([Object("m/a", 1, "")]))
    with pytest.raises(TooLarge):
        fetch(f"{put.url}/m/", tmp_path)


def test_what_is_not_what_was_registered_is_refused(put: Filled, tmp_path: Path) -> None:
    url = put("model.tar.gz", b"another")
    with pytest.raises(Conflict, match="import it by this URL"):
        fetch(url, tmp_path, Fetching(tag='"0123"'))


def test_what_changes_between_listing_and_reading_is_refused(put: Filled) -> None:
    url = put("m/a", b"first")
    store = Objects(url)
    listed = store.one()
    assert listed
    put("m/a", b"other")
    with pytest.raises(Conflict, match="changed"):
        list(store.read(listed))


@pytest.mark.parametrize("path", ["", "/nowhere", "/nowhere/model.tar.gz"])
def test_what_is_not_there_is_not_found(put: Filled, tmp_path: Path, path: str) -> None:
    with pytest.raises(NotFound, match="nothing at"):
        find_at("sagemaker", put.url + path, tmp_path, AROUND)


def test_a_bucket_that_is_not_there_is_said(put: Filled, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no bucket"):
        find_at("triton", "s3://no-such-bucket-at-all/forest", tmp_path, AROUND)


@pytest.mark.parametrize("url", ["s3://", "s3://key:secret@bucket/m", "s3://bucket/m?region=x", "gs:///m"])
def test_a_url_names_a_bucket_and_holds_no_settings(aws_settings: Path, tmp_path: Path, url: str) -> None:
    with pytest.raises(Malformed) as caught:
        find_at("mlflow", url, tmp_path, Surroundings(environment={"AWS_SKIP_SIGNATURE": "true"}))
    assert "secret" not in caught.value.message


def test_who_may_not_is_told_what_rights_it_takes(
    put: Filled, tmp_path: Path, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultyProxy(s3_server.url) as proxy:
        proxy.always = Fault(status=403, code="AccessDenied")
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        with pytest.raises(Forbidden, match="get its objects"):
            find_at("triton", f"{put.url}/forest", tmp_path, AROUND)


def test_nobody_there_is_said(put: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match="AWS_ENDPOINT_URL"):
        find_at("triton", f"{put.url}/forest", tmp_path, AROUND)
