"""Actors and their roles in the database."""

import pytest

from headgate.errors import Conflict, InvalidName, Malformed, NotFound, Refused
from headgate.identity.actors import create_actor, delete_actor, get_actor, grant, list_actors, withdraw
from headgate.identity.caller import Grant
from headgate.identity.founding import found_actors
from headgate.identity.keys import authenticate
from headgate.ledger.chain import verify_ledger
from headgate.ledger.erasure import erase
from headgate.ledger.events import list_events
from headgate.registry.projects import create_project
from headgate.storage.database import Database


def test_an_actor_is_found_ignoring_case(database: Database) -> None:
    with database.write() as tx:
        made = create_actor(tx, "Ann", "person", by="local", granted=(Grant(role="viewer"),))
        assert get_actor(tx, "ann") == made
        assert made.grants == (Grant(role="viewer"),)
        assert list_actors(tx) == (made,)
        with pytest.raises(Conflict):
            create_actor(tx, "ANN", "person", by="local")
        with pytest.raises(NotFound):
            get_actor(tx, "bob")


def test_names_kinds_and_roles_are_checked(database: Database) -> None:
    with database.write() as tx:
        with pytest.raises(InvalidName):
            create_actor(tx, "../ann", "person", by="local")
        with pytest.raises(Malformed, match="person or a service"):
            create_actor(tx, "ann", "robot", by="local")  # type: ignore[arg-type]  # no such kind is the point
        create_actor(tx, "ann", "person", by="local")
        for role in ("king", "node", ""):
            with pytest.raises(Malformed, match="role"):
                grant(tx, "ann", Grant(role=role), by="local")
        for place in (Grant(role="viewer", project="none"), Grant(role="viewer", environment="none")):
            with pytest.raises(NotFound):
                grant(tx, "ann", place, by="local")


def test_granting_is_idempotent_and_written_as_places_are(database: Database) -> None:
    with database.write() as tx:
        create_project(tx, "Risk", "local")
        create_actor(tx, "ann", "person", by="local")
        first = grant(tx, "ann", Grant(role="viewer", project="risk", environment="STAGING"), by="local")
        again = grant(tx, "ann", Grant(role="viewer", project="RISK", environment="staging"), by="local")
        assert first == again
        assert first.grants == (Grant(role="viewer", project="Risk", environment="staging"),)
        assert len(list_events(tx, verb="actor.grant").items) == 1
        left = withdraw(tx, "ann", "viewer", project="risk", environment="staging", by="local")
        assert left.grants == ()
        with pytest.raises(NotFound):
            withdraw(tx, "ann", "viewer", project="risk", environment="staging", by="local")


def test_the_last_admin_stays(database: Database) -> None:
    with database.write() as tx:
        create_actor(tx, "ann", "person", by="local", granted=(Grant(role="admin"),))
        create_actor(tx, "bob", "person", by="local", granted=(Grant(role="admin", environment="staging"),))
        for leave in (lambda: withdraw(tx, "ann", "admin", by="ann"), lambda: delete_actor(tx, "ann", by="ann")):
            with pytest.raises(Refused, match="last admin"):
                leave()
        grant(tx, "bob", Grant(role="admin"), by="ann")
        delete_actor(tx, "ann", by="bob")
        with pytest.raises(Refused, match="last admin"):
            withdraw(tx, "bob", "admin", by="bob")


def test_a_deleted_name_is_not_given_again(database: Database) -> None:
    with database.write() as tx:
        create_actor(tx, "ann", "person", by="local", granted=(Grant(role="viewer"),))
        delete_actor(tx, "ann", by="local")
        with pytest.raises(NotFound):
            get_actor(tx, "ann")
        assert list_actors(tx) == ()
        with pytest.raises(Conflict):
            create_actor(tx, "ann", "person", by="local")
        with pytest.raises(NotFound):
            delete_actor(tx, "ann", by="local")


def test_founding_gives_working_keys_each_time(database: Database) -> None:
    with database.write() as tx:
        local, node = found_actors(tx)
        local_again, _ = found_actors(tx)
        assert authenticate(tx, local.key).allows("actors:manage")
        assert authenticate(tx, local_again.key).actor == "local"
        caller = authenticate(tx, node.key)
        assert caller.allows("node")
        assert not caller.allows("models:read")


def test_a_persons_name_can_be_erased_from_the_history(database: Database) -> None:
    with database.write() as tx:
        create_actor(tx, "carla", "person", by="carla", granted=(Grant(role="viewer"),))
        delete_actor(tx, "carla", by="local")
        erase(tx, "carla", actor="local", reason="asked")
        assert "carla" not in str(list_events(tx).items)
    assert verify_ledger(database).ok
