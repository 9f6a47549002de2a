"""Each noun's commands against the fake: what is asked, what is printed."""

import io
import json
from pathlib import Path

import click
import pytest
from tests.cli.conftest import Headgate

from headgate.bundle.signing import load_or_create_key, public_text, sign_folder
from headgate.cli.instance import complete_endpoints, complete_models, complete_versions
from headgate.cli.main import headgate as root
from headgate.testing.bundles import build_bundle
from headgate.testing.control import FakeControl


@pytest.fixture
def fraud(control: FakeControl) -> FakeControl:
    control.add_version()
    return control


@pytest.fixture
def live(fraud: FakeControl, headgate: Headgate) -> FakeControl:
    assert headgate("deploy", "fraud:1", "--endpoint", "fraud").code == 0
    return fraud


def test_register(headgate: Headgate, control: FakeControl, tmp_path: Path) -> None:
    bundle = build_bundle(tmp_path).folder
    ran = headgate("register", str(bundle), "--alias", "champion")
    assert ran.out == "Registered fraud:1 (pending). Next: headgate deploy fraud:1 --endpoint fraud\n"
    assert headgate("register", str(bundle), "-q").out == "fraud:2\n"
    assert headgate("register", str(bundle), "--output", "json").json["version"] == "fraud:3"


def test_decisions(headgate: Headgate, fraud: FakeControl) -> None:
    assert headgate("approve", "fraud:1", "--reason", "good").out == "Approved fraud:1.\n"
    assert fraud.requests[-1].json == {"reason": "good"}
    assert headgate("reject", "fraud:1", "--reason", "bad", "--output", "json").json["state"] == "rejected"
    assert headgate("model", "retire", "fraud:1", "--reason", "old").out == "Retired fraud:1.\n"


def test_models(headgate: Headgate, fraud: FakeControl) -> None:
    assert headgate("model", "list").out.splitlines()[1].split()[:4] == ["fraud", "1", "fraud:1", "pending"]
    shown = headgate("model", "show", "fraud").out
    assert "accuracy 0.95" in shown
    assert "digest" in headgate("model", "show", "fraud:1").out
    assert headgate("model", "diff", "fraud:1", "fraud:2").out.splitlines()[1].split() == ["a", "1", "2"]
    assert headgate("model", "diff", "fraud:1", "fraud:2", "--output", "json").json["left"] == 1
    assert headgate("model", "card", "fraud:1").out == "# Card\n"
    assert headgate("model", "alias", "fraud:1", "champion").out == "fraud@champion is fraud:1 now.\n"
    assert headgate("model", "show", "fraud@champion", "--output", "json").json["number"] == 1
    assert headgate("model", "alias", "fraud:1", "champion", "--delete").out == "fraud@champion is gone.\n"
    assert headgate("model", "update", "fraud", "--owner", "ann", "--tag", "team=risk").code == 0
    assert fraud.models["fraud"]["tags"] == {"team": "risk"}
    assert headgate("model", "update", "fraud", "--tag", "wrong").code == 2


def test_an_empty_list_says_the_next_step_on_stderr(headgate: Headgate, control: FakeControl) -> None:
    ran = headgate("model", "list")
    assert (ran.code, ran.out) == (0, "")
    assert "headgate package" in ran.err
    assert headgate("model", "list", "--output", "json").json == []


def test_deploy(headgate: Headgate, fraud: FakeControl) -> None:
    ran = headgate("deploy", "fraud:1", "--endpoint", "fraud")
    assert ran.out == "fraud:1 is live on fraud. Next: headgate predict fraud --data F\n"
    assert headgate("deploy", "fraud:1", "-e", "fraud", "--output", "json").json["state"] == "promoted"
    assert headgate("deploy", "fraud:1", "-e", "fraud", "--no-wait", "--output", "json").json["state"] == "pending"
    assert headgate("deploy", "fraud:1", "-e", "fraud", "--force").code == 2
    line = ("deploy", "fraud:1", "-e", "p", "--environment", "production")
    assert headgate(*line).code == 1
    assert headgate(*line, "--force", "--reason", "hotfix").code == 0


def test_rollouts(headgate: Headgate, live: FakeControl) -> None:
    assert headgate("rollout", "show", "fraud", "--output", "json").json["state"] == "promoted"
    assert "loading" in headgate("rollout", "show", "fraud").out
    assert len(headgate("rollout", "history", "fraud", "--output", "json").json) == 1
    assert len(headgate("rollout", "list", "--output", "json").json) == 1
    assert headgate("rollout", "abort", "fraud", "--reason", "wrong").out == (
        "The rollout of fraud:1 to fraud is rolled_back; fraud:1 answers now.\n"
    )
    assert next(each for each in live.requests if each.path.endswith("/rollback")).json == {"reason": "wrong"}


def test_endpoints(headgate: Headgate, live: FakeControl) -> None:
    assert headgate("endpoint", "list").out.splitlines()[1].split()[:3] == ["fraud", "fraud:1", "staging"]
    assert "fraud:1" in headgate("endpoint", "show", "fraud").out
    assert headgate("endpoint", "show", "fraud", "--at", "2026-01-01T00:00Z").code == 0
    assert live.requests[-1].query == {"at": "2026-01-01T00:00Z"}
    assert headgate("endpoint", "logs", "fraud", "--output", "json").json[0]["id"] == "abc/0"
    assert headgate("endpoint", "delete", "fraud", "--reason", "old").out == "Endpoint fraud is gone.\n"
    assert headgate("endpoint", "show", "fraud").code == 1


@pytest.mark.parametrize(
    ("name", "content", "body"),
    [
        ("rows.json", '[{"age": 41}]', {"rows": [{"age": 41}]}),
        ("row.json", '{"age": 41}', {"rows": [{"age": 41}]}),
        ("columns.json", '{"age": [41]}', {"columns": {"age": [41]}}),
        ("body.json", '{"instances": [[41]]}', {"instances": [[41]]}),
        ("rows.ndjson", '{"age": 41}\n\n{"age": 42}\n', {"rows": [{"age": 41}, {"age": 42}]}),
        ("-", '{"age": 41}\n{"age": 42}\n', {"rows": [{"age": 41}, {"age": 42}]}),
    ],
)
def test_predict_takes_json(
    headgate: Headgate,
    live: FakeControl,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: str,
    body: object,
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    (tmp_path / name).write_text(content)
    ran = headgate("predict", "fraud", "--data", name if name == "-" else str(tmp_path / name), "--output", "json")
    assert ran.json["model"] == "fraud:1"
    assert live.requests[-1].json == body


def test_predict_sends_csv_as_it_is(headgate: Headgate, live: FakeControl, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("age\n41\n")
    assert headgate("predict", "fraud", "--data", str(path)).code == 0
    assert live.requests[-1].headers["content-type"] == "text/csv"
    assert live.requests[-1].body == b"age\n41\n"


def test_predict_sends_parquet_as_columns(headgate: Headgate, live: FakeControl, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"age": [41, 42], "city": ["Rome", None]}), path)
    assert headgate("predict", "fraud", "--data", str(path)).code == 0
    assert live.requests[-1].json == {"columns": {"age": [41, 42], "city": ["Rome", None]}}


def test_predictions_are_a_table(headgate: Headgate, live: FakeControl, tmp_path: Path) -> None:
    live.prediction = {"predictions": [1, 0], "probabilities": [[0.25, 0.75], [0.5, 0.5]]}
    path = tmp_path / "rows.json"
    path.write_text('[{"age": 41}, {"age": 42}]')
    lines = headgate("predict", "fraud", "--data", str(path)).out.splitlines()
    assert lines[1].split() == ["0", "1", "0.2500", "0.7500"]
    assert headgate("predict", "fraud", "--data", str(path), "-q").out == "1\n0\n"


@pytest.mark.parametrize(("name", "content"), [("a.json", "{"), ("a.ndjson", '{"a": 1}\n{'), ("a.json", "3")])
def test_data_that_cannot_be_read_is_named(
    headgate: Headgate, live: FakeControl, tmp_path: Path, name: str, content: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    ran = headgate("predict", "fraud", "--data", str(path))
    assert ran.code == 1
    assert ran.err.startswith("Error: Expected")


def test_audit(headgate: Headgate, fraud: FakeControl) -> None:
    headgate("approve", "fraud:1", "--reason", "good")
    assert [event["verb"] for event in headgate("audit", "list", "--output", "json").json] == ["approve", "register"]
    assert len(headgate("audit", "list", "--limit", "1", "--output", "json").json) == 1
    assert headgate("audit", "verify").out == "The ledger is whole: 2 events checked.\n"
    fraud.fault = {"kind": "cut_off", "number": 2, "message": "The head is behind its anchor."}
    ran = headgate("audit", "verify")
    assert ran.code == 1
    assert "event 2 was cut off" in ran.err
    ran = headgate("audit", "verify", "--output", "json")
    assert (ran.code, ran.json["ok"], json.loads(ran.err)["code"]) == (1, False, "CORRUPT")


def test_actors_and_keys(headgate: Headgate, control: FakeControl) -> None:
    assert headgate("actor", "add", "ann", "--role", "developer", "--role", "viewer").code == 0
    assert headgate("actor", "grant", "ann", "approver", "--environment", "production").code == 0
    assert "approver in */production" in headgate("actor", "list").out
    assert headgate("actor", "revoke", "ann", "approver").code == 0
    ran = headgate("key", "create", "--actor", "ann", "--expires-days", "30")
    assert "hg_key1_secret" in ran.out
    assert "not shown again" in ran.err
    assert headgate("key", "create", "--actor", "ann", "-q").out == "hg_key2_secret\n"
    assert "AWS" not in ran.out
    limited = headgate("key", "create", "--actor", "ann", "--rate", "5")
    assert "Limits of keys do nothing here." in limited.err and "Limits" not in ran.err + limited.out
    ran = headgate("key", "create", "--actor", "ann", "--aws")
    assert all(text in ran.out for text in ("AWS access key id", "AWS secret access key", "key4_signing"))
    assert "secret" not in headgate("key", "list").out
    assert headgate("key", "revoke", "key1").out == "Key key1 is revoked.\n"
    assert headgate("actor", "remove", "ann").code == 0
    assert headgate("actor", "add", "bob", "--role", "king").code == 2


def test_signing_keys(headgate: Headgate, control: FakeControl, tmp_path: Path) -> None:
    own = headgate("key", "own", "--output", "json").json["public_key"]
    assert headgate("key", "trust", own, "--note", "Ann's").out == f"Bundles signed by key {'5' * 16} may run code.\n"
    (tmp_path / "rows.json").write_text(json.dumps([{"age": 1}] * 100))
    wrong = headgate("key", "trust", str(tmp_path / "rows.json"))
    assert wrong.code == 1
    assert "or a public key in its place, as `headgate key own` prints it" in wrong.err
    signed = build_bundle(tmp_path)
    sign_folder(signed.folder, load_or_create_key(tmp_path / "other.key"))
    assert headgate("key", "trust", str(signed.folder)).code == 0
    assert json.loads(control.requests[-1].body)["public_key"] == public_text(
        load_or_create_key(tmp_path / "other.key")
    )
    bare = build_bundle(tmp_path / "bare")
    assert "is not" in headgate("key", "trust", str(bare.folder)).err
    assert "trusted" in headgate("key", "list-trusted").out
    gone = headgate("key", "distrust", "5" * 16, "--reason", "stolen").out
    assert "is loaded any more. Still answering: fraud:1 behind fraud." in gone
    assert "revoked" in headgate("key", "list-trusted").out


def test_projects_and_gates(headgate: Headgate, control: FakeControl) -> None:
    assert headgate("project", "create", "risk").out == "Made the project risk.\n"
    assert headgate("project", "list", "-q").out == "risk\n"
    assert headgate("project", "environments", "--output", "json").json[1]["name"] == "staging"
    assert headgate("gate", "list").out.splitlines()[1].split()[0] == "approved"


def test_status(headgate: Headgate, live: FakeControl) -> None:
    assert headgate("status", "--output", "json").json["workers"][0]["ready"] is True
    assert "w0-4f2a" in headgate("status").out
    live.crashes = [{"version": f"fraud:{number}", "digest": "d", "workers": number, "hosts": 0} for number in (1, 2)]
    told = headgate("status").out
    assert "fraud:2: in model hosts on this node from now on" in told
    assert "fraud:1:" not in told
    assert "remove /home/.headgate/run/crashes.json, headgate up" in told


def test_gc(headgate: Headgate, control: FakeControl) -> None:
    assert "Would remove 1 artifacts (1,234 bytes); 2 stay." in headgate("gc", "--dry-run").out
    assert headgate("gc", "--grace", "0", "--output", "json").json["removed"] == ["d" * 64]
    control.missing = ["e" * 64]
    ran = headgate("gc", "--reason", "full")
    assert "Removed 1 artifacts" in ran.out
    assert "e" * 64 in ran.out + ran.err


def test_backup(headgate: Headgate, control: FakeControl, tmp_path: Path) -> None:
    path = tmp_path / "b.tar"
    assert headgate("backup", "--output", str(path)).out.startswith(f"Saved {path}")
    assert path.read_bytes() == b"tar" * 1000
    assert headgate("backup", "--output", str(path)).code == 1
    ran = headgate("backup", "--output", str(path), "--overwrite", "--output", "json")
    assert ran.json == {"path": str(path), "size": 3000}


def test_names_are_completed_from_the_server(live: FakeControl) -> None:
    context = click.Context(root)
    option = click.Argument(["name"])
    assert [item.value for item in complete_models(context, option, "FR")] == ["fraud"]
    assert [item.value for item in complete_versions(context, option, "fraud:")] == ["fraud:1"]
    assert [item.value for item in complete_endpoints(context, option, "x")] == []


def test_names_are_not_completed_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_URL", "http://127.0.0.1:1")
    assert complete_models(click.Context(root), click.Argument(["name"]), "") == []
