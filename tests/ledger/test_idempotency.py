"""A command repeated under its key does nothing twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from headgate.errors import Conflict, Malformed
from headgate.ledger.idempotency import Answer, command_of, forget_answers, remember, replay
from headgate.storage.database import Database, stamp
from headgate.storage.instance import raise_number, read_number
from headgate.testing.clock import FakeClock

ANSWER = Answer(status=201, body='{"a": 1}')


def test_the_stored_answer_comes_back(database: Database) -> None:
    command = command_of("ann", "version.register", "k1", b"body")
    with database.write() as tx:
        assert replay(tx, command) is None
        remember(tx, command, ANSWER)
    with database.read() as tx:
        assert replay(tx, command) == ANSWER


def test_another_body_is_a_conflict(database: Database) -> None:
    with database.write() as tx:
        remember(tx, command_of("ann", "v", "k1", b"body"), ANSWER)
        with pytest.raises(Conflict, match="another body"):
            replay(tx, command_of("ann", "v", "k1", b"other body"))


def test_keys_are_the_actors_and_the_verbs_own(database: Database) -> None:
    with database.write() as tx:
        remember(tx, command_of("ann", "v", "k1", b"body"), ANSWER)
        for actor, verb, key in (("bob", "v", "k1"), ("ann", "w", "k1"), ("ann", "v", "k2"), ("ann", "v", "K1")):
            assert replay(tx, command_of(actor, verb, key, b"other")) is None


def test_the_answer_is_lost_with_its_change(database: Database) -> None:
    command = command_of("ann", "v", "k1", b"body")
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        remember(tx, command, ANSWER)
        _ = 1 / 0
    with database.read() as tx:
        assert replay(tx, command) is None


def test_one_of_many_at_once_does_it(database: Database) -> None:
    command = command_of("ann", "v", "k1", b"body")

    def work(_: int) -> Answer:
        with database.write() as tx:
            if stored := replay(tx, command):
                return stored
            answer = Answer(status=200, body=str(raise_number(tx, "done")))
            remember(tx, command, answer)
            return answer

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(lambda number: work(number).body, range(24)))
    assert answers == {"1"}
    with database.read() as tx:
        assert read_number(tx, "done") == 1


def test_remembering_twice_is_a_conflict(database: Database) -> None:
    command = command_of("ann", "v", "k1", b"body")
    with pytest.raises(Conflict), database.write() as tx:
        remember(tx, command, ANSWER)
        remember(tx, command, ANSWER)


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "a\n", "x" * 129, "\x00"])
def test_odd_keys_are_malformed(key: str) -> None:
    with pytest.raises(Malformed, match="idempotency key"):
        command_of("ann", "v", key, b"")


def test_old_answers_are_forgotten(database: Database, clock: FakeClock) -> None:
    old, new = command_of("ann", "v", "old", b""), command_of("ann", "v", "new", b"")
    with database.write() as tx:
        remember(tx, old, ANSWER)
        clock.advance(100)
        limit = stamp(clock.now())
        remember(tx, new, ANSWER)
        assert forget_answers(tx, limit) == 1
        assert replay(tx, old) is None
        assert replay(tx, new) == ANSWER
