"""A control plane whose database or artifact store fails, and what it says of them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.object_storage import S3Server
from tests.web.console import Console

from headgate.app import tidy_up
from headgate.errors import Unavailable, Unusable
from headgate.settings import Settings
from headgate.storage import object_store
from headgate.testing.faulty_proxy import Fault, FaultyProxy

DOWN = Fault(status=503, code="SlowDown")


@pytest.fixture
def proxy(s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    monkeypatch.setattr(object_store.open_object_store, "__defaults__", (timedelta(seconds=0.5), timedelta(seconds=1)))
    with FaultyProxy(s3_server.url) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        yield running


@pytest.fixture
def console(tmp_path: Path, migrated_url: str, bucket: str, proxy: FaultyProxy) -> Iterator[Console]:
    opened = Console(tmp_path, Settings(database=migrated_url, artifacts=f"s3://{bucket}/models"))
    yield opened
    opened.close()


def bundle_of(console: Console, version: str) -> Any:
    digest = console.get(f"/models/{version.replace(':', '/versions/')}")["digest"]
    return console.ask("GET", f"/node/bundles/{digest}", console.node_key)


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_the_stores_are_named(console: Console, bucket: str) -> None:
    stores = console.get("/status")["stores"]
    assert stores["database"].startswith("postgresql://headgate@/")
    assert stores["artifacts"] == f"s3://{bucket}/models"


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_what_was_registered_is_given_to_nodes(console: Console, s3_server: S3Server, bucket: str) -> None:
    content = console.bundle()
    assert console.upload(content).status_code == 201
    assert len(s3_server.objects(bucket)) == 1
    assert bundle_of(console, "fraud:1").content == content
    assert console.upload(content).status_code == 200
    assert len(s3_server.objects(bucket)) == 1


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_store_that_is_down_costs_what_needs_it_and_nothing_else(
    console: Console, proxy: FaultyProxy, s3_server: S3Server, bucket: str
) -> None:
    console.register()
    proxy.always = DOWN
    for answer in (console.upload(console.bundle(0.75)), bundle_of(console, "fraud:1")):
        assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
        assert answer.headers["Retry-After"]
    assert [version["version"] for version in console.get("/models/fraud/versions")["items"]] == ["fraud:1"]
    console.post("/models/fraud/versions/1/approve", {"reason": "sound"})
    with pytest.raises(Unavailable):
        tidy_up(console.app.plane)
    assert "could not be used" in console.get("/status")["stores"]["fault"]
    proxy.always = None
    tidy_up(console.app.plane)
    assert console.get("/status")["stores"]["fault"] == ""
    assert bundle_of(console, "fraud:1").status_code == 200
    assert console.register(0.75) == "fraud:2"
    s3_server.wipe(bucket)
    assert bundle_of(console, "fraud:1").status_code == 404


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_start_goes_on_without_a_store_that_is_down_and_not_with_one_that_says_no(
    tmp_path: Path, migrated_url: str, bucket: str, proxy: FaultyProxy
) -> None:
    settings = Settings(database=migrated_url, artifacts=f"s3://{bucket}/models")
    proxy.always = Fault(status=403, code="AccessDenied")
    with pytest.raises(Unusable, match="refuses the credentials"):
        Console(tmp_path / "refused", settings)
    proxy.always = DOWN
    console = Console(tmp_path, settings)
    try:
        assert "could not be used" in console.get("/status")["stores"]["fault"]
        proxy.always = None
        assert console.register() == "fraud:1"
    finally:
        console.close()


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_changed_object_never_reaches_a_node_whole(console: Console, s3_server: S3Server, bucket: str) -> None:
    content = console.bundle()
    console.upload(content)
    (key,) = s3_server.objects(bucket)
    s3_server.overwrite(bucket, key, content[:-1] + bytes([content[-1] ^ 1]))
    assert len(bundle_of(console, "fraud:1").content) < len(content), "broken off before its end"


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_wiped_bucket_is_an_alarm_until_it_is_filled_again(
    console: Console, s3_server: S3Server, bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    content = console.bundle()
    console.upload(content)
    s3_server.wipe(bucket)
    tidy_up(console.app.plane)
    assert console.get("/status")["stores"]["missing"] == 1
    metrics = console.client.get("/metrics", headers={"Authorization": f"Bearer {console.key}"}).text
    assert "headgate_control_artifacts_missing 1\n" in metrics
    assert "1 artifacts are missing from s3://" in caplog.text
    assert console.upload(content).status_code == 200
    tidy_up(console.app.plane)
    assert console.get("/status")["stores"]["missing"] == 0


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_what_failed_registrations_leave_is_collected_and_what_is_registered_stays(
    console: Console, s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = console.bundle()
    console.upload(content)

    def failing(*_: object, **__: object) -> Any:
        raise Unavailable("The database failed")

    with monkeypatch.context() as patch:
        patch.setattr("headgate.web.api.versions.register", failing)
        assert console.upload(console.bundle(0.75)).status_code == 503
    assert len(s3_server.objects(bucket)) == 2
    # what was stored a moment ago stays
    assert console.post("/artifacts/collect", {"dry_run": False})["removed"] == []
    console.clock.advance(timedelta(days=36_500).total_seconds())
    key = console.key_of("operator")
    assert console.ask("POST", "/artifacts/collect", key, json={"dry_run": False}).status_code == 403
    rehearsal = console.post("/artifacts/collect", {"dry_run": True})
    assert (len(rehearsal["removed"]), len(s3_server.objects(bucket))) == (1, 2)
    done = console.post("/artifacts/collect", {"dry_run": False, "reason": "leftovers"})
    assert (done["removed"], done["kept"]) == (rehearsal["removed"], 1)
    assert bundle_of(console, "fraud:1").content == content
    newest = console.get("/audit")["items"][0]
    assert (newest["verb"], newest["reason"]) == ("artifact.collect", "leftovers")
