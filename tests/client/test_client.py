"""The nouns and verbs of the client, against a fake instance."""

from pathlib import Path

import pytest

from headgate.client.client import Client
from headgate.client.document import Document
from headgate.errors import Conflict, DeadlineExceeded, InvalidName, Malformed, NotFound, Refused
from headgate.testing.bundles import build_bundle
from headgate.testing.control import FakeControl


def test_answers_are_dicts_whose_fields_are_attributes(client: Client) -> None:
    status = client.status()
    assert status.workers[0].ready is True
    assert status["workers"][0]["ready"] is True
    with pytest.raises(AttributeError, match="no field 'nonsense'"):
        _ = status.nonsense


def test_aliases_are_looked_up(client: Client, control: FakeControl) -> None:
    control.add_version()
    control.add_version()
    client.models.set_alias("champion", "fraud:2")
    assert client.versions.show("fraud@champion").number == 2
    client.models.drop_alias("fraud", "champion")
    with pytest.raises(NotFound, match="no alias 'champion'; it has none"):
        client.versions.show("fraud@champion")


@pytest.mark.parametrize("name", ["fraud", "fraud:", "fraud:x", ":3", "@a", "fraud@"])
def test_a_version_has_a_number_or_an_alias(client: Client, name: str) -> None:
    with pytest.raises(InvalidName, match="fraud:3 or fraud@champion"):
        client.versions.show(name)


def test_names_are_quoted_in_addresses(client: Client, control: FakeControl) -> None:
    with pytest.raises(NotFound):
        client.models.show("../status?x=1")
    assert control.requests[-1].path == "/api/v1/models/..%2Fstatus%3Fx%3D1"


def test_two_versions_of_one_model_are_compared(client: Client, control: FakeControl) -> None:
    assert client.models.diff("fraud:1", "fraud:2").changes[0].path == "a"
    assert control.requests[-1].query == {"left": "1", "right": "2"}
    with pytest.raises(InvalidName, match="one model"):
        client.models.diff("fraud:1", "other:2")


def test_a_model_is_changed_only_as_it_was_read(client: Client, control: FakeControl) -> None:
    control.add_version()
    assert client.models.update("fraud", owner="ann").owner == "ann"
    assert control.requests[-1].headers["if-match"] == '"1"'
    assert control.requests[-1].json == {"owner": "ann"}


def test_a_bundle_folder_is_sent_as_one_archive(client: Client, control: FakeControl, tmp_path: Path) -> None:
    folder = build_bundle(tmp_path).folder
    seen: list[tuple[int, int]] = []
    version = client.register(folder, alias="champion", progress=lambda done, total: seen.append((done, total)))
    assert version.version == "fraud:1"
    request = control.requests[-1]
    assert request.query == {"alias": "champion"}
    assert request.headers["content-type"] == "application/vnd.headgate.bundle"
    assert seen[-1] == (len(request.body), len(request.body))


def test_an_upload_that_breaks_is_sent_again_whole(client: Client, control: FakeControl, tmp_path: Path) -> None:
    archive = tmp_path / "b.hgb"
    archive.write_bytes(b"x" * 3_000_000)
    control.break_next = 1
    client.register(archive)
    assert [len(request.body) for request in control.requests] == [3_000_000, 3_000_000]


def test_a_bundle_that_is_not_there_is_named(client: Client, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="headgate package"):
        client.register(tmp_path / "nothing.hgb")


def test_deploy_returns_when_the_version_is_live(client: Client, control: FakeControl) -> None:
    control.add_version()
    states: list[str] = []
    rollout = client.deploy("fraud:1", "fraud", progress=lambda rollout: states.append(rollout.state))
    assert rollout.state == "promoted"
    assert states == ["pending", "loading", "promoted"]


def test_deploy_without_waiting_returns_at_once(client: Client, control: FakeControl) -> None:
    control.add_version()
    assert client.deploy("fraud:1", "fraud", wait=False).state == "pending"


def test_a_gate_that_refuses_is_raised_with_its_evidence(client: Client, control: FakeControl) -> None:
    control.add_version()
    with pytest.raises(Refused, match="approved") as refusal:
        client.deploy("fraud:1", "fraud", environment="production")
    assert refusal.value.detail[0]["gate"] == "approval"
    client.approve("fraud:1", "reviewed")
    assert client.deploy("fraud:1", "fraud", environment="production").terminal


def test_a_rollout_that_fails_is_no_success(client: Client, control: FakeControl) -> None:
    control.course = ("pending", "failed")
    control.add_version()
    with pytest.raises(Refused, match="ended as failed"):
        client.deploy("fraud:1", "fraud")


def test_a_rollout_that_fails_tells_its_cause_and_not_what_let_it_begin(client: Client, control: FakeControl) -> None:
    control.course = ("pending", "failed")
    control.add_version()
    begun = client.deploy("fraud:1", "fraud", reason="here: row 0 differs.", wait=False)
    silent = {"kind": "acknowledgement", "living": ["w0"], "acknowledged": [], "failures": []}
    control.rollouts["fraud"][0]["evidence"] = [
        {"kind": "table", "epoch": 1, "generation": 1},
        {"kind": "gate", "gate": "not-retired", "answer": "accept", "reason": "fraud:1 is pending."},
        {"kind": "acknowledgement", "living": ["w0"], "failures": ["here: row 0 differs."]},
        silent,
    ]
    with pytest.raises(Refused, match=r"ended as failed: here: row 0 differs\. See") as refusal:
        client.deployments.wait_until_live(begun)
    assert refusal.value.detail == (silent,)


def test_waiting_has_an_end(client: Client, control: FakeControl) -> None:
    control.course = ("pending",)
    control.add_version()
    with pytest.raises(DeadlineExceeded, match="still pending"):
        client.deploy("fraud:1", "fraud", timeout=0)


def test_a_rollout_that_was_overtaken_is_found_in_the_history(client: Client, control: FakeControl) -> None:
    control.course = ("pending", "promoted")
    control.add_version()
    first = client.deploy("fraud:1", "fraud", wait=False)
    second = client.deploy("fraud:1", "fraud", wait=False)
    control.rollouts["fraud"][1] |= {"state": "aborted", "terminal": True, "reason": "overtaken"}
    with pytest.raises(Refused, match="overtaken"):
        client.deployments.wait_until_live(first)
    assert client.deployments.wait_until_live(second).state == "promoted"


def test_actors_and_keys(client: Client, control: FakeControl) -> None:
    client.actors.add("ann", roles=("developer",), project="risk")
    assert control.requests[-1].json == {
        "name": "ann", "kind": "person", "roles": ["developer"], "project": "risk",
    }  # fmt: skip
    client.actors.grant("ann", "approver", environment="production")
    assert control.requests[-1].json == {"role": "approver", "environment": "production"}
    client.actors.revoke("ann", "approver")
    assert [actor.name for actor in client.actors.list()] == ["ann"]
    made = client.keys.create("ann", expires_days=3)
    assert made.key.startswith("hg_")
    assert "key" not in client.keys.list()[0]
    client.keys.revoke(made.id)
    client.actors.remove("ann")
    assert client.actors.list() == []


def test_endpoints(client: Client, control: FakeControl) -> None:
    control.add_version()
    client.deploy("fraud:1", "fraud")
    assert [endpoint.name for endpoint in client.endpoints.list()] == ["fraud"]
    client.endpoints.show("fraud", at="2026-01-01T00:00:00Z")
    assert control.requests[-1].query == {"at": "2026-01-01T00:00:00Z"}
    assert client.endpoints.logs("fraud", limit=1)[0].latency_ms == 0.4
    client.endpoints.delete("fraud", "not needed")
    assert control.requests[-1].json == {"reason": "not needed"}
    assert client.endpoints.list() == []


def test_a_backup_is_private_and_whole(client: Client, tmp_path: Path) -> None:
    path = client.backups.save(tmp_path / "b.tar")
    assert path.read_bytes() == b"tar" * 1000
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict, match="exists already"):
        client.backups.save(path)


def test_a_backup_that_breaks_leaves_nothing(client: Client, control: FakeControl, tmp_path: Path) -> None:
    control.break_next = 9
    with pytest.raises(Exception, match="nothing answers"):
        client.backups.save(tmp_path / "b.tar")
    assert list(tmp_path.iterdir()) == []


def test_a_backup_that_cannot_be_written_is_named(client: Client) -> None:
    with pytest.raises(Malformed, match=r"^Expected to write /proc/b\.tar, could not: No such file"):
        client.backups.save("/proc/b.tar")


def test_the_audit_trail(client: Client, control: FakeControl) -> None:
    control.add_version()
    client.approve("fraud:1", "good")
    assert [event.verb for event in client.audit.list()] == ["approve", "register"]
    assert client.audit.verify().ok


def test_documents_are_dicts() -> None:
    assert Document(a=1) == {"a": 1}
