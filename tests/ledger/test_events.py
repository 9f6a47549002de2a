"""Writing and reading the history."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from headgate.errors import Corrupt, Malformed, Unavailable
from headgate.ledger.anchor import ANCHOR, KEY, open_anchor
from headgate.ledger.chain import verify_ledger
from headgate.ledger.erasure import erase
from headgate.ledger.events import Event, StoredEvent, append, list_events, open_ledger
from headgate.ledger.personal import Personal
from headgate.storage.database import Database, open_database, sqlite_url
from headgate.storage.migrating import migrate
from headgate.storage.schema import events, personal_texts
from headgate.testing.clock import FakeClock


def write(database: Database, **fields: object) -> StoredEvent:
    """One event in its own transaction."""
    given: dict[str, object] = {"actor": "ann", "verb": "test.do", "object": "thing:1"}
    with database.write() as tx:
        return append(tx, Event(**(given | fields)))  # type: ignore[arg-type]  # fields by name


def test_an_event_reads_back_as_it_was_written(database: Database, clock: FakeClock) -> None:
    after = {"owner": Personal("Bob"), "n": 3, "deep": {"a": [1, None]}}
    stored = write(database, reason="because", before={"n": 2}, after=after)
    assert (stored.number, stored.actor, stored.reason, stored.before) == (1, "ann", "because", {"n": 2})
    assert stored.after == {"owner": "Bob", "n": 3, "deep": {"a": [1, None]}}
    assert stored.at.startswith(clock.now().strftime("%Y-%m-%dT%H:%M:%S"))
    with database.read() as tx:
        assert list_events(tx).items == (stored,)


def test_numbers_are_contiguous_whatever_the_clock_says(database: Database, clock: FakeClock) -> None:
    first = write(database)
    clock.advance(-3600)
    second = write(database)
    assert (first.number, second.number) == (1, 2)
    assert second.at < first.at
    assert verify_ledger(database).ok


def test_a_rolled_back_event_takes_no_number(database: Database) -> None:
    write(database)
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        append(tx, Event(actor="ann", verb="lost", object="x"))
        _ = 1 / 0
    assert write(database).number == 2
    assert verify_ledger(database).checked == 2


def test_several_events_in_one_transaction(database: Database) -> None:
    with database.write() as tx:
        numbers = [append(tx, Event(actor="ann", verb="v", object="o")).number for _ in range(3)]
    assert numbers == [1, 2, 3]
    assert verify_ledger(database).ok


def test_filters_and_pages(database: Database) -> None:
    for number in range(7):
        write(database, actor="ann" if number % 2 else "bob", object=f"thing:{number % 3}", verb=f"v{number}")
    with database.read() as tx:
        assert [event.number for event in list_events(tx, actor="ann").items] == [6, 4, 2]
        assert [event.number for event in list_events(tx, object="thing:0").items] == [7, 4, 1]
        assert [event.number for event in list_events(tx, verb="v3").items] == [4]
        assert list_events(tx, actor="nobody").items == ()
        seen, cursor = [], None
        while True:
            page = list_events(tx, limit=3, cursor=cursor)
            seen += [event.number for event in page.items]
            cursor = page.next
            if cursor is None:
                break
    assert seen == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "٣", "9" * 30, "1; DROP TABLE events"])
def test_made_up_cursors_are_malformed(database: Database, cursor: str) -> None:
    with pytest.raises(Malformed), database.read() as tx:
        list_events(tx, cursor=cursor)


@pytest.mark.parametrize("text", ["'; DROP TABLE events;--", "%", "_", "\\", '"'])
def test_filters_are_bound(database: Database, text: str) -> None:
    write(database)
    with database.read() as tx:
        for given in ({"object": text}, {"actor": text}, {"verb": text}):
            assert list_events(tx, **given).items == ()  # type: ignore[arg-type]  # filters by name


@pytest.mark.parametrize("text", ["a\x00", "\ud800", "x" * 5000])
def test_filters_that_cannot_be_stored_are_malformed(database: Database, text: str) -> None:
    for given in ({"object": text}, {"actor": text}, {"verb": text}):
        with pytest.raises(Malformed), database.read() as tx:
            list_events(tx, **given)  # type: ignore[arg-type]  # filters by name


@pytest.mark.parametrize("field", ["actor", "verb", "object", "reason"])
def test_text_that_cannot_be_stored_is_malformed(database: Database, field: str) -> None:
    with pytest.raises(Malformed, match=field):
        write(database, **{field: "a\x00b"})
    with pytest.raises(Malformed, match=field):
        write(database, **{field: "x" * 5000})


def test_personal_text_is_not_in_the_chain(database: Database) -> None:
    write(database, actor="ann-canary", reason="reason-canary", after={"owner": Personal("owner-canary")})
    with database.read() as tx:
        row = tx.execute(select(events)).one()
    assert "canary" not in str(row)


def test_the_same_text_has_another_digest_each_time(database: Database) -> None:
    write(database, reason="same")
    write(database, reason="same")
    with database.read() as tx:
        first, second = tx.execute(select(events.c.reason)).scalars()
        actors = set(tx.execute(select(events.c.actor)).scalars())
    assert first != second
    assert len(actors) == 1


def test_erasing_keeps_the_history_sound(database: Database) -> None:
    write(database, actor="Ann", reason="Ann asked", after={"owner": Personal("Ann"), "n": 1})
    write(database, actor="bob")
    with database.write() as tx:
        assert erase(tx, "Ann", actor="bob", reason="request 7") == 2
        assert erase(tx, "Ann asked", actor="bob", reason="request 7") == 1
    assert verify_ledger(database).ok
    with database.read() as tx:
        assert "Ann" not in str(tx.execute(select(personal_texts)).all())
        first = list_events(tx).items[-1]
        assert list_events(tx, actor="Ann").items == ()
    assert (first.actor, first.reason, first.after) == ("(erased)", "(erased)", {"owner": "(erased)", "n": 1})
    write(database, actor="Ann")
    assert verify_ledger(database).ok


# PostgreSQL frees rows with VACUUM, at its own time
@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_erased_text_is_not_in_the_file(database: Database, tmp_path: Path) -> None:
    write(database, reason="canary-7f3a")
    with database.write() as tx:
        erase(tx, "canary-7f3a", actor="bob", reason="x")
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    assert b"canary-7f3a" not in (tmp_path / "headgate.db").read_bytes()


def test_threads_do_not_fork_the_chain(database: Database) -> None:
    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(lambda number: write(database, object=f"o{number}").number, range(90)))
    assert sorted(numbers) == list(range(1, 91))
    report = verify_ledger(database)
    assert (report.ok, report.checked) == (True, 90)


def append_in_process(url: str, keys: Path, times: int) -> None:
    """What one of several processes does."""
    database = open_database(url)
    open_ledger(database, keys)
    while times:
        # on a slow disk the others may hold SQLite longer than a writer waits: then it tries again
        with suppress(Unavailable):
            write(database)
            times -= 1
    database.close()


def test_processes_do_not_fork_the_chain(database: Database, migrated_url: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (migrated_url, tmp_path / "keys", 20)
    children = [context.Process(target=append_in_process, args=arguments) for _ in range(2)]
    for child in children:
        child.start()
    append_in_process(*arguments)
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0]
    report = verify_ledger(database)
    assert (report.ok, report.checked) == (True, 60)
    anchored = database.attached["anchor"].read()
    assert anchored.number == 60


def test_appending_needs_an_open_ledger(migrated_url: str) -> None:
    database = open_database(migrated_url)
    with pytest.raises(RuntimeError, match="open_ledger"):
        write(database)
    database.close()


def test_a_lost_key_is_not_replaced(database: Database, migrated_url: str, tmp_path: Path) -> None:
    write(database)
    (tmp_path / "keys" / KEY).unlink()
    other = open_database(migrated_url)
    with pytest.raises(Corrupt, match=r"ledger\.key is missing"):
        open_ledger(other, tmp_path / "keys")
    assert not (tmp_path / "keys" / KEY).exists()
    other.close()


def test_an_empty_database_beside_a_written_history_is_refused(database: Database, tmp_path: Path) -> None:
    write(database)
    other = open_database(sqlite_url(tmp_path / "other.db"))
    migrate(other)
    with pytest.raises(Corrupt, match="1 events were written here"):
        open_ledger(other, tmp_path / "keys")
    other.close()


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_damaged_key_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY).write_bytes(content)
    with pytest.raises(Corrupt, match="PEM"):
        open_anchor(tmp_path, fresh=False)


def test_key_and_anchor_are_private(database: Database, tmp_path: Path) -> None:
    write(database)
    for name in (KEY, ANCHOR):
        assert (tmp_path / "keys" / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
