"""Keys: shown once, stored as a hash, void when they should be; the same work whatever is sent."""

import hmac
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from headgate.errors import Malformed, NotFound, Unauthenticated
from headgate.identity.access import access_table
from headgate.identity.actors import create_actor, delete_actor, grant, withdraw
from headgate.identity.caller import Grant
from headgate.identity.keys import IssuedKey, authenticate, get_key, issue_key, list_keys, revoke_key
from headgate.ledger.events import list_events
from headgate.registry.projects import create_project
from headgate.storage.database import Database
from headgate.storage.instance import raise_epoch
from headgate.storage.schema import metadata
from headgate.testing.clock import FakeClock


@pytest.fixture
def issued(database: Database) -> IssuedKey:
    with database.write() as tx:
        create_actor(tx, "ann", "person", by="local", granted=(Grant(role="predict"),))
        return issue_key(tx, "ann", by="local", note="laptop")


def test_a_key_names_its_caller(database: Database, issued: IssuedKey) -> None:
    assert re.fullmatch(r"hg_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", issued.key)
    with database.read() as tx:
        caller = authenticate(tx, issued.key)
    assert (caller.actor, caller.key, caller.grants) == ("ann", issued.record.id, (Grant(role="predict"),))


def test_keys_differ(database: Database, issued: IssuedKey) -> None:
    with database.write() as tx:
        keys = {issue_key(tx, "ann", by="local").key for _ in range(20)}
    assert len({key[3:11] for key in keys}) == len({key[12:] for key in keys}) == 20


def test_the_secret_is_nowhere(database: Database, issued: IssuedKey) -> None:
    secret = issued.key[12:]
    assert secret not in repr(issued)
    assert secret not in str(issued)
    with database.read() as tx:
        stored = [str(tx.execute(select(table)).all()) for table in metadata.sorted_tables]
        assert secret not in repr(
            (stored, list_events(tx), list_keys(tx), access_table(tx), authenticate(tx, issued.key))
        )


def wrong_keys(key: str) -> list[str]:
    """What attackers and accidents send."""
    head, last = key[:-1], key[-1]
    return [
        "",
        "hg_",
        key[:11],
        key[:12],
        head,
        head + ("A" if last != "A" else "B"),
        key[:12] + ("A" if key[12] != "A" else "B") + key[13:],
        "hg_00000000_" + key[12:],
        key + "x",
        key + "\n",
        key + "\x00",
        " " + key,
        key.upper(),
        "HG" + key[2:],
        key[:12] + "é" * 43,
        "hg_é0000000_" + "A" * 43,
        key[:12] + "\ud800" * 43,
        "٣" * 55,
        "' OR 1=1 --",
        "hg_' OR '1_" + "A" * 43,
        key * 200_000,
        "x" * 10_000_000,
    ]


def test_anything_else_is_unauthenticated(database: Database, issued: IssuedKey) -> None:
    messages = set()
    for wrong in wrong_keys(issued.key):
        with database.read() as tx, pytest.raises(Unauthenticated) as caught:
            authenticate(tx, wrong)
        messages.add(caught.value.message)
    assert len(messages) == 1
    assert issued.key[12:] not in messages.pop()


def test_every_key_costs_one_look_up_and_one_comparison(
    database: Database, issued: IssuedKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def counting(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return compare(left, right)

    monkeypatch.setattr("headgate.identity.keys.hmac.compare_digest", counting)
    for wrong in wrong_keys(issued.key):
        compared.clear()
        with database.read() as tx, pytest.raises(Unauthenticated):
            authenticate(tx, wrong)
        assert [(len(left), len(right)) for left, right in compared] == [(32, 32)]
        assert all(isinstance(side, bytes) for pair in compared for side in pair)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.text(max_size=80) | st.from_regex(r"\Ahg_[0-9a-f]{8}_[A-Za-z0-9_-]{43}\Z"))
def test_made_up_keys_are_unauthenticated(database: Database, text: str) -> None:
    with database.read() as tx, pytest.raises(Unauthenticated):
        authenticate(tx, text)


def test_revoked_is_void_at_once(database: Database, issued: IssuedKey) -> None:
    with database.write() as tx:
        assert revoke_key(tx, issued.record.id, by="local").revoked_at
        with pytest.raises(Unauthenticated, match="revoked"):
            authenticate(tx, issued.key)
        revoke_key(tx, issued.record.id, by="local")
        assert len(list_events(tx, verb="key.revoke").items) == 1
        with pytest.raises(NotFound):
            revoke_key(tx, "00000000", by="local")


def test_a_deleted_actors_keys_are_void(database: Database, issued: IssuedKey) -> None:
    with database.write() as tx:
        delete_actor(tx, "ann", by="local")
        with pytest.raises(Unauthenticated):
            authenticate(tx, issued.key)
        assert access_table(tx).keys == ()
        with pytest.raises(NotFound):
            issue_key(tx, "ann", by="local")


def test_expiry(database: Database, issued: IssuedKey, clock: FakeClock) -> None:
    with database.write() as tx:
        short = issue_key(tx, "ann", by="local", expires_days=2)
        assert get_key(tx, short.record.id).expires_at
        clock.advance(2 * 86_400 - 1)
        assert authenticate(tx, short.key).actor == "ann"
        clock.advance(1)
        with pytest.raises(Unauthenticated, match="expired"):
            authenticate(tx, short.key)
        assert authenticate(tx, issued.key).actor == "ann"


@pytest.mark.parametrize("days", [0, -1, 4000, float("inf"), float("nan")])
def test_expiries_out_of_range_are_malformed(database: Database, issued: IssuedKey, days: float) -> None:
    with database.write() as tx, pytest.raises(Malformed, match="expires_days"):
        issue_key(tx, "ann", by="local", expires_days=days)


def test_the_access_table_has_hashes_scopes_and_expiry(database: Database, issued: IssuedKey, clock: FakeClock) -> None:
    with database.write() as tx:
        create_project(tx, "risk", "local")
        create_actor(tx, "bob", "service", by="local", granted=(Grant(role="viewer"),))
        issue_key(tx, "bob", by="local")
        create_actor(tx, "eve", "service", by="local")
        grant(tx, "eve", Grant(role="predict", project="risk", environment="staging"), by="local")
        grant(tx, "eve", Grant(role="operator", project="risk"), by="local")
        eve = issue_key(tx, "eve", by="local", expires_days=1)
        table = access_table(tx, required=True)
    assert table.required
    keys = {key.actor: key for key in table.keys}
    assert set(keys) == {"ann", "eve"}
    assert keys["ann"].predict == ("*",)
    assert keys["eve"].predict == ("risk/*", "risk/staging")
    assert keys["eve"].expires_at == clock.now().timestamp() + 86_400
    assert eve.key not in str(table)


def test_the_access_tables_number_grows_with_every_change(database: Database, issued: IssuedKey) -> None:
    numbers = []
    with database.write() as tx:
        numbers.append(access_table(tx).number)
        for change in (
            lambda: issue_key(tx, "ann", by="local"),
            lambda: revoke_key(tx, issued.record.id, by="local"),
            lambda: grant(tx, "ann", Grant(role="viewer"), by="local"),
            lambda: withdraw(tx, "ann", "viewer", by="local"),
            lambda: delete_actor(tx, "ann", by="local"),
        ):
            change()
            numbers.append(access_table(tx).number)
        raise_epoch(tx)
        assert access_table(tx).epoch == 2
    assert numbers == sorted(set(numbers))
