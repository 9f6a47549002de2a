"""The parts of the control plane, put together in this process."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from headgate.agent.tables import Tables
from headgate.app import App, build, tidy_up, trust_owner
from headgate.bundle.signing import read_trusted_keys
from headgate.home import Home
from headgate.ledger.idempotency import Answer, command_of, remember, replay
from headgate.records import AccessTable
from headgate.rollout.publishing import node_tables
from headgate.serving.access import Access
from headgate.settings import Settings
from headgate.testing.clock import FakeClock

COMMAND = command_of("ann", "POST /projects", "k-1", b"{}")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setenv("HEADGATE_SIGNING_KEY", str(tmp_path / "signing.key"))
    built = build(Home(tmp_path / "home"), Settings(), FakeClock())
    yield built
    built.close()


def test_answers_are_remembered_for_a_week(app: App) -> None:
    plane, clock = app.plane, app.plane.clock
    assert isinstance(clock, FakeClock)
    with plane.database.write() as tx:
        remember(tx, COMMAND, Answer(status=201, body="{}"))
    for days, kept in ((6, True), (2, False)):
        clock.advance(timedelta(days=days).total_seconds())
        tidy_up(app.plane)
        with plane.database.read() as tx:
            assert (replay(tx, COMMAND) is not None) == kept


def test_it_starts_and_ends_its_threads(app: App) -> None:
    app.start()
    assert all(thread.is_alive() for thread in app.threads)
    app.close()
    assert not any(thread.is_alive() for thread in app.threads)


def test_the_owner_is_trusted_once(tmp_path: Path) -> None:
    trusted, environment = tmp_path / "trusted", {"HEADGATE_SIGNING_KEY": str(tmp_path / "signing.key")}
    trust_owner(trusted, environment)
    assert len(read_trusted_keys(trusted).keys) == 1
    # what an operator takes out stays out
    trusted.write_text("# nobody\n")
    trust_owner(trusted, environment)
    assert not read_trusted_keys(trusted).keys


def test_a_signing_key_that_cannot_be_read_keeps_nobody_from_starting(tmp_path: Path) -> None:
    (tmp_path / "signing.key").write_text("not a key")
    trust_owner(tmp_path / "trusted", {"HEADGATE_SIGNING_KEY": str(tmp_path / "signing.key")})
    assert not (tmp_path / "trusted").exists()


def test_a_restart_changes_whether_keys_are_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_SIGNING_KEY", str(tmp_path / "signing.key"))
    node = Home(tmp_path / "node").create()
    known = Access(required=False)
    for required in (True, False, False, True):
        built = build(Home(tmp_path / "home"), Settings(require_keys=required), FakeClock())
        with built.plane.database.read() as tx:
            table = node_tables(
                tx, keys_required=built.plane.settings.require_keys, signing=built.plane.signing_subkey
            ).access
        built.close()
        # by way of the disk, and to a worker that goes on
        Tables(node).write_access(table)
        on_disk = msgspec.json.decode(node.access.read_bytes(), type=AccessTable)
        known.apply(on_disk)
        assert (table.required, on_disk.required, known.required) == (required, required, required)
