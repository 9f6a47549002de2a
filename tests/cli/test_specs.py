"""Specs on the command line: shown, changed field by field, applied from files."""

from pathlib import Path

import pytest
from tests.cli.conftest import Headgate

from headgate.testing.control import FakeControl

FILE = """
kind: endpoint
name: fraud
spec:
  limits: {timeout_ms: 2000}
  unseen_category: refuse
---
kind: endpoint
name: churn
environment: production
spec: {}
"""


@pytest.fixture
def live(control: FakeControl, headgate: Headgate) -> FakeControl:
    control.add_version()
    assert headgate("deploy", "fraud:1", "--endpoint", "fraud").code == 0
    return control


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "endpoints.yaml"
    written.write_text(FILE)
    return written


def test_a_spec_is_shown_with_its_defaults(headgate: Headgate, live: FakeControl) -> None:
    lines = dict(line.split(maxsplit=1) for line in headgate("endpoint", "spec", "fraud").out.splitlines())
    assert (lines["limits.timeout_ms"], lines["unseen_category"], lines["fallback"]) == ("30000", "accept", "none")
    assert headgate("endpoint", "spec", "fraud", "--output", "json").json["spec"]["limits"]["max_rows"] == 10_000


def test_fields_are_changed_one_by_one(headgate: Headgate, live: FakeControl) -> None:
    ran = headgate("endpoint", "configure", "fraud", "limits.timeout_ms=2000", "out_of_range=warn", "--reason", "slow")
    assert ran.out == "limits.timeout_ms: 30000 → 2000\nout_of_range: accept → warn\n"
    sent = live.requests[-1]
    assert (sent.json["reason"], sent.headers["if-match"]) == ("slow", '"1"')
    assert sent.json["spec"]["limits"] | {"timeout_ms": 0} == live.specs["fraud"]["spec"]["limits"] | {"timeout_ms": 0}
    assert headgate("endpoint", "configure", "fraud", "fallback=fraud:1").out == "fallback: none → fraud:1\n"
    assert headgate("endpoint", "configure", "fraud", "fallback=none").out == "fallback: fraud:1 → none\n"
    assert "already" in headgate("endpoint", "configure", "fraud", "limits.timeout_ms=2000").out


@pytest.mark.parametrize(
    ("assignment", "code", "said"),
    [
        ("timeout", 2, "FIELD=VALUE"),
        ("fallback.version=fraud:1", 2, "no fields of its own"),
        ("limits.timeout=1", 1, "timeout"),
        ("limits.timeout_ms=soon", 1, "Expected `int`"),
        ("limits.timeout_ms=0", 1, ">= 1"),
        ("out_of_range=maybe", 1, "maybe"),
        ("record_sampling=1.5", 1, "<= 1"),
    ],
)
def test_what_is_no_field_or_value_is_named(
    headgate: Headgate, live: FakeControl, assignment: str, code: int, said: str
) -> None:
    ran = headgate("endpoint", "configure", "fraud", assignment)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert all(request.method != "PUT" for request in live.requests)


def test_files_are_applied(headgate: Headgate, live: FakeControl, file: Path) -> None:
    dry = headgate("apply", str(file), "--dry-run")
    assert "limits.timeout_ms: 30000 → 2000; unseen_category: accept → refuse" in dry.out
    assert "Nothing was changed" in dry.err
    assert live.specs.keys() == {"fraud"}

    done = headgate("apply", str(file), "--reason", "as reviewed", "--output", "json").json
    assert [(each["endpoint"], each["outcome"]) for each in done] == [("fraud", "changed"), ("churn", "made")]
    assert live.specs["churn"]["environment"] == "production"
    again = headgate("apply", str(file), "--output", "json").json
    assert [each["outcome"] for each in again] == ["unchanged", "unchanged"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: monitor\nname: m", "document 1"),
        ("name: fraud", "missing required field `kind`"),
        ("kind: endpoint\nname: fraud\nspec: {limit: 1}", "limit"),
        ("kind: endpoint\nname: fraud\nextra: 1", "extra"),
        ("kind: endpoint\nname: fraud\nenvironment: production", "does not move"),
        ("[", "is not YAML"),
        ("kind: endpoint\nname: fraud\nname: churn", "comes twice"),
        ("kind: endpoint\nname: churn\n---\nkind: endpoint\nname: Churn", "more than once"),
        ("kind: endpoint\nname: other\nproject: nosuch", "nosuch"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_a_file_that_says_something_else_changes_nothing(
    headgate: Headgate, live: FakeControl, tmp_path: Path, text: str, said: str
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text)
    ran = headgate("apply", str(wrong))
    assert (ran.code, said in ran.err) == (1, True), ran.err
    assert all(request.method != "PUT" for request in live.requests)
