"""A backup taken under load comes back whole, or not at all."""

import hashlib
import io
import json
import random
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from tests.object_storage import S3Server
from tests.postgres import PostgresDatabases

from headgate.errors import BadArchive, Corrupt, HeadgateError, NotFound, Refused
from headgate.home import Home
from headgate.ledger.chain import verify_ledger
from headgate.ledger.events import Event, append, list_events, open_ledger, read_head
from headgate.registry.restoring import begin_anew, restore_instance
from headgate.settings import load_settings
from headgate.storage.artifacts import FolderStore
from headgate.storage.backup import save_backup, stream_backup
from headgate.storage.database import Database, open_database, sqlite_url
from headgate.storage.instance import raise_number, read_epoch, read_number
from headgate.storage.migrating import migrate
from headgate.storage.schema import metadata, models, versions
from headgate.storage.stores import ArtifactStore, open_store_at
from headgate.testing.clock import FakeClock

ARTIFACTS = (b"first artifact", bytes(range(256)) * 5_000)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "old").create()


@pytest.fixture
def store(home: Home) -> FolderStore:
    return FolderStore(home.artifacts)


@pytest.fixture
def running(home: Home, store: FolderStore, sqlite_template: Path) -> Iterator[Database]:
    """An instance with two versions and some history."""
    home.database.write_bytes(sqlite_template.read_bytes())
    opened = open_database(sqlite_url(home.database))
    fill(opened, store, home)
    yield opened
    opened.close()


MODEL = {"owner": "", "description": "", "tags": {}, "last_number": 2, "revision": 1, "created_at": "x"}
VERSION = {
    "model": "m", "manifest": "{}", "signed_by": "", "state": "pending", "registered_at": "x",
    "registered_by": "x",
}  # fmt: skip


def fill(database: Database, store: ArtifactStore, home: Home) -> None:
    """Two versions and some history."""
    open_ledger(database, home.keys)
    home.credentials.write_text("{}")
    (home.path / "headgate.toml").write_text("port = 1\n")
    with database.write() as tx:
        tx.execute(insert(models).values(name="m", folded="m", project="default", **MODEL))
        for number, content in enumerate(ARTIFACTS, 1):
            stored = store.put(io.BytesIO(content))
            named = {"number": number, "artifact": stored.digest, "digest": str(number), "size": stored.size}
            tx.execute(insert(versions).values(**named, **VERSION))
            append(tx, Event(actor="ann", verb="test", object="m", reason="why"))


def take(running: Database, store: FolderStore, home: Home) -> bytes:
    return b"".join(stream_backup(running, store, home))


def left_beside(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_everything_comes_back_in_a_new_epoch(
    running: Database, store: FolderStore, home: Home, tmp_path: Path
) -> None:
    new = Home(tmp_path / "new")
    restored = restore_instance(io.BytesIO(take(running, store, home)), new, actor="ann", reason="disk died")
    assert (restored.backup.epoch, restored.epoch) == (1, 2)
    assert restored.chain.ok
    database = open_database(sqlite_url(new.database))
    open_ledger(database, new.keys)
    with database.read() as tx:
        assert read_epoch(tx) == 2
        newest = list_events(tx, limit=1).items[0]
    assert (newest.verb, newest.actor, newest.reason) == ("instance.restore", "ann", "disk died")
    assert verify_ledger(database).ok
    database.close()
    for content in ARTIFACTS:
        with FolderStore(new.artifacts).open(hashlib.sha256(content).hexdigest()) as stream:
            assert b"".join(iter(lambda stream=stream: stream.read(9999), b"")) == content  # type: ignore[misc]  # a bound stream
    assert json.loads(new.credentials.read_bytes()) == {"url": "", "certificate": ""}
    assert (new.path / "headgate.toml").read_text() == "port = 1\n"
    assert left_beside(tmp_path) == {"old", "new"}
    for path in new.path.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_an_empty_folder_will_do(running: Database, store: FolderStore, home: Home, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    restore_instance(io.BytesIO(take(running, store, home)), Home(tmp_path / "new"), actor="ann")
    assert (tmp_path / "new" / "headgate.db").exists()


def test_a_home_in_use_is_left_alone(running: Database, store: FolderStore, home: Home) -> None:
    content = take(running, store, home)
    before = home.database.read_bytes()
    with pytest.raises(Refused, match="in use"):
        restore_instance(io.BytesIO(content), home, actor="ann")
    assert home.database.read_bytes() == before


def test_a_backup_under_load_is_one_moment(running: Database, store: FolderStore, home: Home, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with running.write() as tx:
                raise_number(tx, "left")
                append(tx, Event(actor="ann", verb="test", object="load"))
                raise_number(tx, "right")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        backups = [take(running, store, home) for _ in range(6)]
    finally:
        stop.set()
        writer.join()
    for number, content in enumerate(backups):
        new = Home(tmp_path / f"new{number}")
        restored = restore_instance(io.BytesIO(content), new, actor="ann")
        assert restored.chain.ok, restored.chain
        database = open_database(sqlite_url(new.database))
        with database.read() as tx:
            assert read_number(tx, "left") == read_number(tx, "right")
            assert read_head(tx)[0] == read_number(tx, "left") + 3
        database.close()


def test_a_saved_backup_is_private_and_replaces_nothing(
    running: Database, store: FolderStore, home: Home, tmp_path: Path
) -> None:
    target = tmp_path / "b.tar"
    save_backup(stream_backup(running, store, home), target)
    assert target.stat().st_mode & 0o777 == 0o600
    before = target.read_bytes()
    with pytest.raises(Refused, match="exists"):
        save_backup([b"other"], target)
    assert target.read_bytes() == before
    assert left_beside(tmp_path) == {"old", "b.tar"}


def test_nothing_is_left_of_a_backup_that_nobody_read(running: Database, store: FolderStore, home: Home) -> None:
    chunks = stream_backup(running, store, home)
    next(chunks)
    del chunks
    stream_backup(running, store, home)
    assert left_beside(home.run) == set()


def test_a_missing_artifact_is_said_before_the_first_byte(running: Database, store: FolderStore, home: Home) -> None:
    store.delete(hashlib.sha256(ARTIFACTS[0]).hexdigest())
    with pytest.raises(NotFound, match="missing"):
        stream_backup(running, store, home)


def test_a_damaged_artifact_makes_no_backup(running: Database, store: FolderStore, home: Home) -> None:
    digest = hashlib.sha256(ARTIFACTS[1]).hexdigest()
    path = next(home.artifacts.rglob(digest))
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(Corrupt, match=digest):
        take(running, store, home)


def test_a_shortened_backup_restores_nothing(running: Database, store: FolderStore, home: Home, tmp_path: Path) -> None:
    content = take(running, store, home)
    # the two zero blocks at the end only say that it is the end
    for length in (0, 1, 511, 512, 5000, len(content) // 2, len(content) - 2048, len(content) - 1025):
        with pytest.raises((BadArchive, Corrupt)):
            restore_instance(io.BytesIO(content[:length]), Home(tmp_path / "new"), actor="ann")
        assert left_beside(tmp_path) == {"old"}, length


def test_a_flipped_bit_is_found_or_harmless(running: Database, store: FolderStore, home: Home, tmp_path: Path) -> None:
    content = take(running, store, home)
    seed = random.Random(7)
    found = 0
    for number in range(40):
        damaged = bytearray(content)
        damaged[seed.randrange(len(content) - 1024)] ^= 1 << seed.randrange(8)
        new = Home(tmp_path / f"new{number}")
        try:
            # in the padding between members a bit means nothing
            assert restore_instance(io.BytesIO(damaged), new, actor="ann").chain.ok
        except (BadArchive, Corrupt):
            found += 1
            assert not new.path.exists()
    assert found > 30


# neither change is one that the database's own check or the ledger's chain could see
@pytest.mark.parametrize(("old", "new"), [(b"port = 1", b"port = 2"), (b"alembic_version", b"alembic_versiom")])
def test_changed_contents_are_found_whatever_they_are(
    running: Database, store: FolderStore, home: Home, tmp_path: Path, old: bytes, new: bytes
) -> None:
    content = take(running, store, home)
    assert old in content
    with pytest.raises(Corrupt, match="not what was backed up"):
        restore_instance(io.BytesIO(content.replace(old, new)), Home(tmp_path / "new"), actor="ann")
    assert left_beside(tmp_path) == {"old"}


def hostile(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """A tar whose first member is not what a backup holds."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


@pytest.mark.parametrize(
    "content",
    [
        hostile("../evil"),
        hostile("/tmp/evil"),
        hostile("keys/../../evil"),
        hostile("keys/a/b"),
        hostile("artifacts/evil"),
        hostile("unknown"),
        hostile("headgate.db", tarfile.SYMTYPE, "/etc/passwd"),
        hostile("headgate.db", tarfile.LNKTYPE, "keys/ledger.key"),
        hostile("headgate.db", tarfile.CHRTYPE),
        hostile("headgate.db", tarfile.FIFOTYPE),
        hostile("keys", tarfile.DIRTYPE),
        hostile("headgate.db")[:512] + hostile("headgate.db"),
        hostile("checksums.json"),
        b"no tar at all" * 100,
    ],
)
def test_hostile_backups_are_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadArchive):
        restore_instance(io.BytesIO(content), Home(tmp_path / "new"), actor="ann")
    assert left_beside(tmp_path) == set()


@pytest.fixture
def elsewhere(
    postgres_databases: PostgresDatabases, bucket: str, home: Home, clock: FakeClock
) -> Iterator[tuple[Database, ArtifactStore]]:
    """An instance of the same content that keeps its state in PostgreSQL and S3, as its settings say."""
    url = postgres_databases.create()
    place = f"s3://{bucket}/models"
    opened, store = open_database(url, clock), open_store_at(place, home.artifacts)
    migrate(opened)
    fill(opened, store, home)
    (home.path / "headgate.toml").write_text(f'port = 1\ndatabase = "{url}"\n artifacts="{place}"\nworkers = 2\n')
    yield opened, store
    opened.close()
    postgres_databases.drop(url)


def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as tx:
        return {
            table.name: sorted((tuple(row) for row in tx.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def test_postgresql_and_s3_come_back_in_a_home(
    elsewhere: tuple[Database, ArtifactStore], home: Home, tmp_path: Path
) -> None:
    database, store = elsewhere
    before = rows_of(database)
    new = Home(tmp_path / "new")
    content = b"".join(stream_backup(database, store, home))
    restored = restore_instance(io.BytesIO(content), new, actor="ann")
    assert (restored.chain.ok, restored.epoch) == (True, 2)
    copy = open_database(sqlite_url(new.database))
    after = rows_of(copy)
    open_ledger(copy, new.keys)
    assert verify_ledger(copy).ok
    copy.close()
    changed = {"instance", "events", "ledger_head", "personal_texts"}
    assert {name: rows for name, rows in after.items() if name not in changed} == {
        name: rows for name, rows in before.items() if name not in changed
    }
    assert len(after["events"]) == len(before["events"]) + 1
    assert {kept.digest for kept in FolderStore(new.artifacts).kept()} == {each.digest for each in store.kept()}
    settings = load_settings(new.path, {}, {})
    assert (settings.database, settings.artifacts, settings.port, settings.workers) == ("", "", 1, 2)
    assert rows_of(database) == before, "the original is left alone"


def test_a_copy_may_be_kept_elsewhere_too(
    elsewhere: tuple[Database, ArtifactStore],
    home: Home,
    tmp_path: Path,
    postgres_databases: PostgresDatabases,
    s3_server: S3Server,
) -> None:
    database, store = elsewhere
    content = b"".join(stream_backup(database, store, home))
    url, place = postgres_databases.create(), f"s3://{s3_server.make_bucket()}/copy"
    new = Home(tmp_path / "new")
    restore_instance(io.BytesIO(content), new, actor="ann", database=url, artifacts=place)
    assert not new.database.exists()
    settings = load_settings(new.path, {}, {})
    assert (settings.database, settings.artifacts) == (url, place)
    copy = open_database(url)
    open_ledger(copy, new.keys)
    assert verify_ledger(copy).ok
    with copy.read() as tx:
        assert read_epoch(tx) == 2
    copied = open_store_at(place, new.artifacts)
    assert {kept.digest for kept in copied.kept()} == {each.digest for each in store.kept()}
    assert list(FolderStore(new.artifacts).kept()) == []
    with pytest.raises(Refused, match="holds an instance already"):
        restore_instance(io.BytesIO(content), Home(tmp_path / "third"), actor="ann", database=url)
    assert left_beside(tmp_path) == {"old", "new"}
    copy.close()
    postgres_databases.drop(url)


def test_a_backup_of_postgresql_under_load_is_one_moment(
    elsewhere: tuple[Database, ArtifactStore], home: Home, tmp_path: Path
) -> None:
    database, store = elsewhere
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with database.write() as tx:
                append(tx, Event(actor="ann", verb="test", object="load"))
                raise_number(tx, "count")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        contents = [b"".join(stream_backup(database, store, home)) for _ in range(3)]
    finally:
        stop.set()
        thread.join()
    for number, content in enumerate(contents):
        new = Home(tmp_path / f"new{number}")
        assert restore_instance(io.BytesIO(content), new, actor="ann").chain.ok
        copy = open_database(sqlite_url(new.database))
        with copy.read() as tx:
            assert read_number(tx, "count") == read_head(tx)[0] - len(ARTIFACTS) - 1
        copy.close()


def test_a_database_put_back_by_other_means_begins_anew(database: Database) -> None:
    with database.write() as tx:
        append(tx, Event(actor="ann", verb="test", object="m"))
    anchor = database.attached["anchor"]
    # the anchor of a later history, as it is after pg_restore
    anchor.write(7, "f" * 64)
    assert not verify_ledger(database).ok
    assert begin_anew(database, actor="ann", reason="restored by hand") == 2
    assert verify_ledger(database).ok


def test_an_unsound_history_is_restored_and_reported(
    running: Database, store: FolderStore, home: Home, tmp_path: Path
) -> None:
    with running.write() as tx:
        tx.exec_driver_sql("UPDATE events SET verb = 'forged' WHERE number = 1")
    restored = restore_instance(io.BytesIO(take(running, store, home)), Home(tmp_path / "new"), actor="ann")
    assert restored.chain.fault is not None
    assert restored.chain.fault.number == 1


def test_restoring_migrates(running: Database, store: FolderStore, home: Home, tmp_path: Path) -> None:
    with running.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = 'from-the-future'")
    with pytest.raises(Refused):
        restore_instance(io.BytesIO(take(running, store, home)), Home(tmp_path / "new"), actor="ann")
    assert left_beside(tmp_path) == {"old"}
    assert issubclass(Refused, HeadgateError)
    assert callable(migrate)
