"""Specs: kept with their endpoint, in the ledger, and in force with a table of the same variants."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import update
from tests.rollout.world import World

from headgate.errors import Conflict, Corrupt, Malformed, NotFound, PreconditionFailed, Refused
from headgate.ledger.events import list_events
from headgate.records import Column, EndpointSpec, Limits
from headgate.registry.aliases import remove_alias, set_alias
from headgate.registry.versions import approve, reject
from headgate.rollout.configuration import Configuration, configure
from headgate.rollout.endpoints import delete_endpoint, get_endpoint, live_now
from headgate.rollout.publishing import follow_aliases
from headgate.rollout.specs import parse_spec, read_spec
from headgate.storage.schema import versions

FAST = EndpointSpec(limits=Limits(timeout_ms=2_000))


def give(world: World, spec: EndpointSpec, endpoint: str = "fraud", **fields: Any) -> None:
    with world.database.write() as tx:
        configure(tx, Configuration(endpoint=endpoint, spec=spec, **fields), "ann")


def test_a_spec_is_in_force_with_a_table_of_the_same_variants(world: World) -> None:
    world.promote(world.register(1))
    before = world.table()
    give(world, FAST, reason="slow clients")
    after = world.table()
    assert (after.spec, after.variants, after.contract) == (FAST, before.variants, before.contract)
    assert after.number == (before.epoch, before.generation + 1)
    with world.database.read() as tx:
        event = list_events(tx, verb="endpoint.configure").items[0]
        assert live_now(tx, "fraud") is not None
    assert (event.reason, event.before, event.after) == (
        "slow clients",
        {"limits.timeout_ms": 30_000},
        {"limits.timeout_ms": 2_000},
    )


def test_it_stays_over_rollouts_and_on_the_way_back(world: World) -> None:
    world.promote(world.register(1))
    give(world, FAST)
    world.promote(world.register(2))
    assert world.table().spec == FAST
    give(world, EndpointSpec())
    world.roll_back()
    assert (world.table().variants[0].version, world.table().spec) == ("fraud:1", EndpointSpec())
    world.node.take()
    world.controller.step()
    with world.database.read() as tx:
        live = live_now(tx, "fraud")
    assert live is not None
    assert live.version == "fraud:1"


def test_an_endpoint_can_be_given_one_before_its_first_version(world: World) -> None:
    give(world, FAST, environment="production")
    with world.database.read() as tx:
        assert get_endpoint(tx, "fraud").environment == "production"
        assert live_now(tx, "fraud") is None


def test_the_same_spec_again_changes_nothing(world: World) -> None:
    world.promote(world.register(1))
    give(world, FAST)
    number = world.table().number
    give(world, FAST)
    assert world.table().number == number


def test_nothing_changes_under_a_rollout_or_under_somebody_else(world: World) -> None:
    world.promote(world.register(1))
    with world.database.read() as tx:
        revision = get_endpoint(tx, "fraud").revision
    give(world, FAST, revision=revision)
    with pytest.raises(PreconditionFailed):
        give(world, EndpointSpec(), revision=revision)
    world.deploy(world.register(2))
    with pytest.raises(Conflict, match="pending"):
        give(world, EndpointSpec())


def test_an_endpoint_made_anew_begins_with_the_defaults(world: World) -> None:
    world.promote(world.register(1))
    give(world, FAST)
    with world.database.write() as tx:
        delete_endpoint(tx, "fraud", "ann", "no longer needed")
    world.promote("fraud:1")
    assert world.table().spec == EndpointSpec()


def test_a_fallback_stands_beside_what_answers(world: World) -> None:
    world.promote(world.register(1))
    world.promote(world.register(2))
    give(world, EndpointSpec(fallback="fraud:1"))
    assert [(each.version, each.role, each.weight) for each in world.table().variants] == [
        ("fraud:2", "stable", 100),
        ("fraud:1", "fallback", 0),
    ]
    world.promote(world.register(3))
    assert [each.version for each in world.table().variants] == ["fraud:3", "fraud:1"]
    world.roll_back()
    assert [each.version for each in world.table().variants] == ["fraud:2", "fraud:1"]
    world.node.take()
    world.controller.step()
    # it is no fallback for itself
    world.promote("fraud:1")
    assert [each.version for each in world.table().variants] == ["fraud:1"]


def test_a_fallback_must_be_there_and_take_the_contract(world: World) -> None:
    world.promote(world.register(1))
    with pytest.raises(NotFound):
        give(world, EndpointSpec(fallback="fraud:9"))
    other = world.register(2, Column(name="income", dtype="float64"))
    with pytest.raises(Refused, match="income"):
        give(world, EndpointSpec(fallback=other))
    assert world.table().spec == EndpointSpec()


def test_a_fallback_needs_approval_where_versions_do(world: World) -> None:
    first = world.register(1)
    give(world, EndpointSpec(), environment="production")
    with pytest.raises(Refused, match="approve"):
        give(world, EndpointSpec(fallback=first))


def test_the_way_back_passes_over_what_was_deployed_twice(world: World) -> None:
    world.promote(world.register(1))
    world.promote(world.register(2))
    world.promote("fraud:2")
    world.roll_back()
    assert world.table().variants[0].version == "fraud:1"


def test_a_rejected_version_does_not_come_back_into_production(world: World) -> None:
    for number in (1, 2):
        version = world.register(number)
        with world.database.write() as tx:
            approve(tx, version, "ann", "looked at it")
        world.promote(version, environment="production")
    with world.database.write() as tx:
        reject(tx, "fraud:1", "ann", "leaks")
    with pytest.raises(Refused, match="rejected"):
        world.roll_back()
    assert world.table().variants[0].version == "fraud:2"


def test_an_approval_that_is_not_in_the_ledger_lets_nothing_through(world: World) -> None:
    version = world.register(1)
    with world.database.write() as tx:
        tx.execute(update(versions).values(state="approved"))
    with pytest.raises(Corrupt, match="the ledger says pending"):
        world.deploy(version, environment="production")


def test_no_fallback_comes_by_an_approval_that_is_not_in_the_ledger(world: World) -> None:
    good, other = world.register(1), world.register(2)
    with world.database.write() as tx:
        for version in (good, other):
            approve(tx, version, "ann", "looked at it")
    world.promote(good, environment="production")
    give(world, EndpointSpec(fallback=other))
    with world.database.write() as tx:
        reject(tx, other, "ann", "leaks")
        tx.execute(update(versions).where(versions.c.number == 2).values(state="approved"))
    with pytest.raises(Corrupt, match="the ledger says rejected"):
        give(world, EndpointSpec(fallback=other, cache_entries=1))
    world.promote(good)
    assert [each.version for each in world.table().variants] == [good]


def test_what_one_went_back_to_stands_on_its_own_evidence(world: World) -> None:
    world.promote(world.register(1))
    with world.database.read() as tx:
        first = live_now(tx, "fraud")
    world.promote(world.register(2))
    world.roll_back()
    world.node.take()
    world.controller.step()
    with world.database.read() as tx:
        back = live_now(tx, "fraud")
    assert first is not None
    assert back is not None
    assert (back.version, back.evidence) == ("fraud:1", first.evidence)


@pytest.mark.parametrize(
    "document",
    [
        {"limit": {}},
        {"limits": {"timeout_ms": 0}},
        {"limits": {"max_rows": "many"}},
        {"unseen_category": "perhaps"},
        {"record_sampling": 2},
        {"cache_entries": -1},
        [],
        None,
    ],
)
def test_what_is_no_spec_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed, match="spec"):
        parse_spec(document)


def test_what_is_stored_reads_back(world: World) -> None:
    spec = EndpointSpec(limits=Limits(requests_per_second=2.5), out_of_range="refuse", cache_entries=7)
    give(world, spec)
    with world.database.read() as tx:
        assert read_spec(tx, "fraud") == spec
    assert parse_spec(msgspec.to_builtins(spec)) == spec


def point(world: World, alias: str, number: int) -> None:
    with world.database.write() as tx:
        follow_aliases(tx, set_alias(tx, "fraud", alias, number, "ann").name)


def test_tables_say_which_aliases_point_at_their_variants(world: World) -> None:
    first, second = world.register(1), world.register(2)
    point(world, "champion", 1)
    world.promote(first)
    before = world.table()
    assert before.labels == (("champion", first),)
    point(world, "old", 2)
    assert world.table() == before  # it points at nothing that answers
    point(world, "champion", 2)
    assert (world.table().labels, world.table().variants) == ((), before.variants)
    assert world.table().number == (before.epoch, before.generation + 1)
    world.promote(second)
    assert world.table().labels == (("champion", second), ("old", second))
    with world.database.write() as tx:
        follow_aliases(tx, remove_alias(tx, "fraud", "old", "ann").name)
    assert world.table().labels == (("champion", second),)
    world.roll_back()
    assert world.table().labels == ()


def test_an_alias_that_moves_under_a_rollout_does_not_disturb_it(world: World) -> None:
    world.promote(world.register(1))
    rollout = world.deploy(world.register(2))
    world.controller.step()
    point(world, "champion", 2)
    point(world, "champion", 1)
    world.node.take()
    world.controller.step()
    assert world.look(rollout).state == "promoted"
    assert world.table().variants[0].version == "fraud:2"
    world.roll_back()
    assert world.table().labels == (("champion", "fraud:1"),)
