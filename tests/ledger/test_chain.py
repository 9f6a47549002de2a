"""Whatever is done to the stored history behind the ledger's back, verifying finds it and names the row."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from headgate.errors import Corrupt
from headgate.ledger.anchor import ANCHOR, NO_HASH, Anchor
from headgate.ledger.canonical import digest_fields
from headgate.ledger.chain import ChainReport, verify_chain, verify_ledger
from headgate.ledger.events import HASHED, Event, append, list_events
from headgate.ledger.personal import Personal
from headgate.storage.database import Database, Tx
from headgate.storage.schema import events, ledger_head, personal_texts

LENGTH = 6
PLACES = (1, 3, LENGTH)
FIELDS = ("at", "actor", "verb", "object", "reason", "before", "after", "previous", "hash", "signature")


@pytest.fixture
def history(database: Database) -> Database:
    """A ledger of six events."""
    for number in range(LENGTH):
        with database.write() as tx:
            after = {"n": number, "owner": Personal(f"owner {number}")}
            append(tx, Event(actor="ann", verb="test.do", object=f"thing:{number}", reason=f"r{number}", after=after))
    return database


class Undo(Exception):
    """Leaves the history as it was."""


@contextmanager
def tampering(database: Database) -> Iterator[Tx]:
    """Whoever can write to the database, but not to the keys."""
    try:
        with database.write() as tx:
            yield tx
            raise Undo
    except Undo:
        pass


def check(database: Database, tx: Tx) -> ChainReport:
    anchor = database.attached["anchor"]
    assert isinstance(anchor, Anchor)
    return verify_chain(tx, anchor, anchor.read())


def recompute(tx: Tx) -> None:
    """Chain all rows anew and correct the head, as a careful forger without the key does."""
    previous, number = NO_HASH, 0
    for row in tx.execute(select(events).order_by(events.c.number)).all():
        fields = {name: getattr(row, name) for name in HASHED} | {"previous": previous}
        previous, number = digest_fields(fields), row.number
        here = update(events).where(events.c.number == number)
        tx.execute(here.values(previous=fields["previous"], hash=previous))
    tx.execute(update(ledger_head).values(number=number, hash=previous))


def shift(tx: Tx, start: int, by: int) -> None:
    """Renumber all rows from `start`."""
    numbers = [row for row in tx.execute(select(events.c.number)).scalars() if row >= start]
    for number in sorted(numbers, reverse=by > 0):
        tx.execute(update(events).where(events.c.number == number).values(number=number + by))


def alter(tx: Tx, number: int, field: str = "verb") -> None:
    old = tx.execute(select(events.c[field]).where(events.c.number == number)).scalar_one()
    new = json.dumps({"forged": 1}) if field in ("before", "after") else "f" * len(old)
    tx.execute(update(events).where(events.c.number == number).values({field: new}))


def remove(tx: Tx, number: int) -> None:
    tx.execute(delete(events).where(events.c.number == number))


def forge(tx: Tx, number: int) -> None:
    """Put a made-up row at a free number."""
    pattern = tx.execute(select(events).where(events.c.number != number).limit(1)).one()._asdict()
    tx.execute(insert(events).values(pattern | {"number": number, "verb": "forged"}))


def test_an_untouched_history_is_sound(history: Database) -> None:
    assert verify_ledger(history) == ChainReport(ok=True, checked=LENGTH)


def test_an_empty_history_is_sound(database: Database) -> None:
    assert verify_ledger(database) == ChainReport(ok=True, checked=0)


def assert_fault(report: ChainReport, kinds: set[str], number: int, sound: int | None = None) -> None:
    assert not report.ok
    assert report.fault is not None
    assert report.fault.kind in kinds
    assert report.fault.number == number
    assert report.checked == (number - 1 if sound is None else sound)
    assert str(number) in report.fault.message


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("number", PLACES)
def test_an_altered_row_is_named(history: Database, number: int, careful: bool) -> None:
    for field in FIELDS:
        if careful and field in ("previous", "hash"):
            continue  # recomputing puts these two back
        with tampering(history) as tx:
            alter(tx, number, field)
            if careful:
                recompute(tx)
            assert_fault(check(history, tx), {"altered"}, number)


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("number", PLACES)
def test_a_removed_row_is_named(history: Database, number: int, careful: bool) -> None:
    with tampering(history) as tx:
        remove(tx, number)
        if careful:
            recompute(tx)
        assert_fault(check(history, tx), {"cut_off" if number == LENGTH else "removed"}, number)


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("number", PLACES[:-1])
def test_a_removed_row_is_named_though_the_rest_moved_up(history: Database, number: int, careful: bool) -> None:
    with tampering(history) as tx:
        remove(tx, number)
        shift(tx, number, -1)
        if careful:
            recompute(tx)
        # with new hashes the row that moved up looks like any forgery of this number
        assert_fault(check(history, tx), {"altered"} if careful else {"removed"}, number)


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("number", [*PLACES, LENGTH + 1])
def test_an_inserted_row_is_named(history: Database, number: int, careful: bool) -> None:
    with tampering(history) as tx:
        shift(tx, number, 1)
        forge(tx, number)
        if careful:
            recompute(tx)
        assert_fault(check(history, tx), {"inserted"}, number)


def copy(tx: Tx, number: int, to: int) -> None:
    """A genuine row once more, with its genuine signature, at a free number."""
    row = tx.execute(select(events).where(events.c.number == number)).one()._asdict()
    tx.execute(insert(events).values(row | {"number": to}))


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("at", [LENGTH + 1, LENGTH + 2, 1020])
@pytest.mark.parametrize("number", PLACES)
def test_a_copy_after_the_end_was_inserted_and_nothing_was_removed(
    history: Database, number: int, at: int, careful: bool
) -> None:
    with tampering(history) as tx:
        copy(tx, number, at)
        if careful:
            recompute(tx)
        assert_fault(check(history, tx), {"inserted"}, at, sound=LENGTH)


def test_a_copy_after_the_end_was_inserted_though_the_head_names_it(history: Database) -> None:
    with tampering(history) as tx:
        copy(tx, 3, 1020)
        digest = tx.execute(select(events.c.hash).where(events.c.number == 3)).scalar_one()
        tx.execute(update(ledger_head).values(number=1020, hash=digest))
        assert_fault(check(history, tx), {"inserted"}, 1020, sound=LENGTH)


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("start", PLACES)
@pytest.mark.parametrize("number", PLACES)
def test_a_copy_in_a_gap_that_was_made_for_it_was_inserted(
    history: Database, number: int, start: int, careful: bool
) -> None:
    with tampering(history) as tx:
        copy(tx, number, 1000)
        shift(tx, start, 20)
        tx.execute(update(events).where(events.c.number == 1020).values(number=start + 10))
        if careful:
            recompute(tx)
        assert_fault(check(history, tx), {"inserted"}, start + 10, sound=start - 1)


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("number", PLACES)
def test_of_a_row_and_its_copy_the_second_was_inserted(history: Database, number: int, careful: bool) -> None:
    with tampering(history) as tx:
        shift(tx, number + 1, 1)
        copy(tx, number, number + 1)
        if careful:
            recompute(tx)
        assert_fault(check(history, tx), {"inserted"}, number + 1)


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("number", PLACES)
def test_a_copy_in_the_place_of_a_removed_row_does_not_hide_it(history: Database, number: int, careful: bool) -> None:
    with tampering(history) as tx:
        copy(tx, number, 1020)
        remove(tx, number)
        if careful:
            recompute(tx)
        assert_fault(check(history, tx), {"removed"}, number)


def test_removed_rows_are_missed_before_one_that_is_not_anchored_yet(
    history: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Anchor, "write", lambda *_: None)
        for _ in range(2):
            with history.write() as tx:
                append(tx, Event(actor="ann", verb="v", object="o"))
    with tampering(history) as tx:
        remove(tx, LENGTH + 1)
        assert_fault(check(history, tx), {"removed"}, LENGTH + 1)


@pytest.mark.parametrize("size", range(1, LENGTH + 2))
@pytest.mark.parametrize("number", [*PLACES, LENGTH + 1])
def test_an_inserted_row_is_named_at_every_seam(
    history: Database, number: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate.ledger.chain._CHUNK", size)
    with tampering(history) as tx:
        shift(tx, number, 1)
        forge(tx, number)
        assert_fault(check(history, tx), {"inserted"}, number)


def test_a_row_before_the_first_is_named(history: Database) -> None:
    with tampering(history) as tx:
        forge(tx, 0)
        report = check(history, tx)
        assert report.fault is not None
        assert (report.fault.kind, report.fault.number) == ("inserted", 0)


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("kept", [0, 1, 3, LENGTH - 1])
def test_a_cut_off_tail_is_named(history: Database, kept: int, careful: bool) -> None:
    with tampering(history) as tx:
        tx.execute(delete(events).where(events.c.number > kept))
        if careful:
            # these rows are all genuine: only the anchor outside knows that there were more
            recompute(tx)
        assert_fault(check(history, tx), {"cut_off"}, kept + 1)


def test_a_turned_back_head_is_found(history: Database) -> None:
    with tampering(history) as tx:
        tx.execute(update(ledger_head).values(number=3))
        assert not check(history, tx).ok


def test_a_removed_head_is_found(history: Database) -> None:
    with history.write() as tx:
        tx.execute(delete(ledger_head))
    report = verify_ledger(history)
    assert report.fault is not None
    assert "head" in report.fault.message


def test_an_altered_history_can_still_be_read_or_says_why_not(history: Database) -> None:
    with tampering(history) as tx:
        tx.execute(delete(personal_texts))
        assert list_events(tx).items[0].actor == "(missing)"
        tx.execute(update(events).where(events.c.number == 3).values(after="{"))
        with pytest.raises(Corrupt, match="Event 3"):
            list_events(tx)


@pytest.mark.parametrize("number", PLACES)
@pytest.mark.parametrize("field", ["actor", "reason", "after"])
def test_changed_personal_text_is_named(history: Database, number: int, field: str) -> None:
    with tampering(history) as tx:
        row = tx.execute(select(events).where(events.c.number == number)).one()
        digest = json.loads(row.after)["owner"]["personal"] if field == "after" else getattr(row, field)
        here = personal_texts.c.digest == digest
        # every event has this actor: the first one is named
        named = 1 if field == "actor" else number
        for change in (update(personal_texts).values(text="forged"), update(personal_texts).values(text=None)):
            with tx.begin_nested() as point:
                tx.execute(change.where(here))
                assert_fault(check(history, tx), {"altered"}, named)
                point.rollback()
        tx.execute(delete(personal_texts).where(here))
        assert_fault(check(history, tx), {"altered"}, named)


def test_long_histories_are_checked_over_every_seam(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.ledger.chain._CHUNK", 4)
    for count in (3, 1, 5):
        with database.write() as tx:
            for _ in range(count):
                append(tx, Event(actor="ann", verb="v", object="o"))
    assert verify_ledger(database) == ChainReport(ok=True, checked=9)
    for number in range(1, 10):
        with tampering(database) as tx:
            alter(tx, number)
            assert_fault(check(database, tx), {"altered"}, number)


TAMPERINGS: dict[str, Callable[[Tx, int, str], int]] = {}


def kind_of_tampering(act: Callable[[Tx, int, str], int]) -> Callable[[Tx, int, str], int]:
    TAMPERINGS[act.__name__] = act
    return act


@kind_of_tampering
def alters(tx: Tx, number: int, field: str) -> int:
    alter(tx, number, field)
    return number


@kind_of_tampering
def removes(tx: Tx, number: int, field: str) -> int:
    remove(tx, number)
    return number


@kind_of_tampering
def removes_and_closes_up(tx: Tx, number: int, field: str) -> int:
    remove(tx, number)
    shift(tx, number, -1)
    return number


@kind_of_tampering
def inserts(tx: Tx, number: int, field: str) -> int:
    shift(tx, number, 1)
    forge(tx, number)
    return number


@kind_of_tampering
def cuts_off(tx: Tx, number: int, field: str) -> int:
    tx.execute(delete(events).where(events.c.number >= number))
    return number


@kind_of_tampering
def swaps(tx: Tx, number: int, field: str) -> int:
    other = number % LENGTH + 1
    for old, new in ((number, 1000), (other, number), (1000, other)):
        tx.execute(update(events).where(events.c.number == old).values(number=new))
    return min(number, other)


@kind_of_tampering
def copies_over(tx: Tx, number: int, field: str) -> int:
    """A genuine row, with its genuine signature, in the place of another."""
    other = number % LENGTH + 1
    row: dict[str, Any] = tx.execute(select(events).where(events.c.number == other)).one()._asdict()
    tx.execute(update(events).where(events.c.number == number).values(row | {"number": number}))
    return number


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(
    act=st.sampled_from(sorted(TAMPERINGS)),
    number=st.integers(1, LENGTH),
    field=st.sampled_from([field for field in FIELDS if field not in ("previous", "hash")]),
    careful=st.booleans(),
)
def test_any_tampering_is_named(history: Database, act: str, number: int, field: str, careful: bool) -> None:
    with tampering(history) as tx:
        first = TAMPERINGS[act](tx, number, field)
        if careful:
            recompute(tx)
        report = check(history, tx)
        assert not report.ok
        assert report.fault is not None
        assert report.fault.number == first
        assert report.checked == first - 1


def test_a_crash_between_commit_and_anchor_is_no_tampering(
    history: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(self: Anchor, number: int, event_hash: str) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Anchor, "write", fails)
        with history.write() as tx:
            append(tx, Event(actor="ann", verb="v", object="o"))
    assert "anchor" in caplog.text
    anchored = history.attached["anchor"].read()
    assert anchored.number == LENGTH
    assert verify_ledger(history) == ChainReport(ok=True, checked=LENGTH + 1)
    # what was not anchored yet still vouches for itself
    with tampering(history) as tx:
        alter(tx, LENGTH + 1)
        recompute(tx)
        assert check(history, tx).fault is not None
    with history.write() as tx:
        append(tx, Event(actor="ann", verb="v", object="o"))
    assert history.attached["anchor"].read().number == LENGTH + 2


def test_a_late_anchor_does_not_turn_back(history: Database) -> None:
    anchor = history.attached["anchor"]
    anchor.write(2, "f" * 64)
    assert anchor.read().number == LENGTH
    assert verify_ledger(history).ok


@pytest.mark.parametrize("change", ["number", "hash", "signature", "missing", "garbage"])
def test_a_changed_anchor_is_found(history: Database, tmp_path: Path, change: str) -> None:
    path = tmp_path / "keys" / ANCHOR
    fields = json.loads(path.read_bytes())
    if change == "missing":
        path.unlink()
    elif change == "garbage":
        path.write_text("{")
    else:
        fields[change] = 3 if change == "number" else "f" * len(fields[change])
        path.write_text(json.dumps(fields))
    report = verify_ledger(history)
    assert not report.ok
    assert report.fault is not None
    assert "anchor" in report.fault.message


def test_a_whole_new_history_is_found(history: Database) -> None:
    """A forger who replaces everything by a history of his own."""
    with tampering(history) as tx:
        tx.execute(update(events).values(verb="forged"))
        recompute(tx)
        assert_fault(check(history, tx), {"altered"}, 1)
