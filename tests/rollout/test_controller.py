"""What the controller makes of what the nodes say, step by step, under a clock that the test owns."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import update
from tests.rollout.world import LOAD_SECONDS, World

from headgate.errors import Conflict, Refused, Unavailable
from headgate.ledger.chain import verify_ledger
from headgate.ledger.events import list_events
from headgate.records import Column
from headgate.registry.versions import approve, retire
from headgate.rollout import controller as controller_module
from headgate.rollout.bell import Bell
from headgate.rollout.controller import MARGIN_SECONDS, Controller
from headgate.rollout.endpoints import delete_endpoint, live_now, standing
from headgate.rollout.nodes import SILENT_SECONDS
from headgate.rollout.publishing import begin_epoch, node_routes, read_cursor
from headgate.rollout.rollouts import Rollout
from headgate.storage.instance import raise_epoch
from headgate.storage.schema import versions

DEADLINE = LOAD_SECONDS + MARGIN_SECONDS


def answering(world: World, endpoint: str = "fraud") -> str | None:
    with world.database.read() as tx:
        live = live_now(tx, endpoint)
    return live.version if live else None


def wait(world: World, seconds: float, *, reporting: bool = True) -> None:
    """Let that much time pass in small steps, as the loop sees it."""
    for _ in range(int(seconds)):
        world.clock.advance(1.0)
        if reporting:
            world.node.report()
        world.controller.step()


def states(rollout: Rollout) -> list[str]:
    return [step.state for step in rollout.steps]


def test_a_version_is_promoted_when_every_worker_has_acknowledged(world: World) -> None:
    rollout = world.deploy(world.register(1))
    assert rollout.state == "pending"
    world.controller.step()
    assert world.look(rollout).state == "loading"
    world.node.take("w0")
    world.controller.step()
    assert world.look(rollout).state == "loading", "one of two workers is not all of them"
    assert answering(world) is None
    world.node.take("w1")
    world.controller.step()
    ended = world.look(rollout)
    assert states(ended) == ["pending", "loading", "verifying", "promoted"]
    assert ended.terminal
    assert ended.ended_at is not None
    assert ended.evidence[-1]["acknowledged"] == ["here/w0", "here/w1"]
    assert answering(world) == "fraud:1"


def test_a_lost_database_is_said_once_and_so_is_its_return(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bell, steps = Bell(), iter([True, True, True, False, False])

    def step() -> None:
        lost = next(steps, None)
        if lost is None:
            bell.close()
        elif lost:
            raise Unavailable("The database failed")

    monkeypatch.setattr(world.controller, "step", step)
    monkeypatch.setattr(controller_module, "PAUSE_SECONDS", 0.0)
    with caplog.at_level("INFO", "headgate.rollout.controller"):
        world.controller.run(bell)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


def test_nobody_there_is_never_a_reason_to_promote(world: World) -> None:
    rollout = world.deploy(world.register(1))
    wait(world, DEADLINE - 1, reporting=False)
    assert world.look(rollout).state == "loading"
    wait(world, 3, reporting=False)
    failed = world.look(rollout)
    assert failed.state == "failed"
    assert "no node has reported" in failed.reason


@pytest.mark.parametrize("work", ["building", "importing"])
def test_time_does_not_count_while_what_has_its_own_deadline_is_under_way(world: World, work: str) -> None:
    rollout = world.deploy(world.register(1))
    world.controller.step()
    setattr(world.node, work, ("fraud",))
    wait(world, DEADLINE + 60)
    assert world.look(rollout).state == "loading"
    setattr(world.node, work, ())
    wait(world, DEADLINE - 5)
    assert world.look(rollout).state == "loading"
    wait(world, 10)
    assert world.look(rollout).state == "failed"


def test_a_node_that_fell_silent_is_no_evidence(world: World) -> None:
    rollout = world.deploy(world.register(1))
    world.controller.step()
    world.node.take()
    world.clock.advance(SILENT_SECONDS + 1)
    world.controller.step()
    assert world.look(rollout).state == "loading"


def test_workers_that_are_not_there_are_no_evidence(world: World) -> None:
    rollout = world.deploy(world.register(1))
    world.controller.step()
    world.node.workers = []
    world.node.report()
    world.controller.step()
    assert world.look(rollout).state == "loading"


def test_an_old_acknowledgement_does_not_count(world: World) -> None:
    world.promote(world.register(1))
    rollout = world.deploy(world.register(2))
    world.controller.step()
    world.node.report()
    world.controller.step()
    assert world.look(rollout).state == "loading"
    assert answering(world) == "fraud:1"


def test_what_cannot_be_loaded_fails_and_the_version_before_is_published_again(world: World) -> None:
    world.promote(world.register(1))
    before = world.table()
    rollout = world.deploy(world.register(2))
    world.controller.step()
    assert world.table().variants[0].version == "fraud:2"
    world.node.fail(reason="the golden requests differ")
    world.controller.step()
    failed = world.look(rollout)
    assert failed.state == "failed"
    assert "the golden requests differ" in failed.reason
    assert world.table().variants == before.variants
    assert world.table().generation == before.generation + 2
    assert answering(world) == "fraud:1"


def test_the_first_version_that_fails_leaves_nothing_behind(world: World) -> None:
    world.deploy(world.register(1))
    world.controller.step()
    world.node.fail()
    world.controller.step()
    with world.database.read() as tx:
        assert node_routes(tx) == ()
        assert standing(tx, "fraud") == ("down", None)
    # and its contract binds nobody
    world.promote(world.register(2, Column(name="other", dtype="string")))
    assert world.table().contract.inputs[0].name == "other"


def test_a_failure_of_an_older_table_does_not_count(world: World) -> None:
    world.promote(world.register(1))
    world.node.fail()
    rollout = world.deploy(world.register(2))
    world.controller.step()
    world.node.take()
    world.controller.step()
    assert world.look(rollout).state == "promoted"


def test_a_worker_that_never_acknowledges_fails_the_rollout_at_the_deadline(world: World) -> None:
    rollout = world.deploy(world.register(1))
    world.controller.step()
    world.node.take("w0")
    wait(world, DEADLINE + 2)
    failed = world.look(rollout)
    assert failed.state == "failed"
    assert "here/w1 had not acknowledged" in failed.reason


def test_the_deadline_does_not_hang_on_the_wall_clock(world: World) -> None:
    rollout = world.deploy(world.register(1))
    world.controller.step()
    world.clock.set_wall(datetime(2027, 1, 1, tzinfo=UTC))
    world.controller.step()
    world.clock.set_wall(datetime(2025, 1, 1, tzinfo=UTC))
    world.controller.step()
    assert world.look(rollout).state == "loading"
    world.node.take()
    world.controller.step()
    assert world.look(rollout).state == "promoted"


def test_time_in_which_nobody_watched_does_not_count(world: World) -> None:
    rollout = world.deploy(world.register(1))
    world.controller.step()
    world.clock.advance(10 * DEADLINE)
    world.controller.step()
    assert world.look(rollout).state == "loading"


def test_a_restart_does_not_begin_the_deadline_anew(world: World) -> None:
    rollout = world.deploy(world.register(1))
    world.controller.step()
    for _ in range(int(DEADLINE) + 3):
        wait(world, 1)
        world.controller = Controller(world.database, world.nodes, world.clock, LOAD_SECONDS)
        world.controller.step()
        wait(world, 1)
    assert world.look(rollout).state == "failed"


def test_one_endpoint_does_not_wait_for_another(world: World) -> None:
    version = world.register(1)
    stuck = world.deploy(version, "stuck")
    world.controller.step()
    world.node.fail("stuck")
    ready = world.deploy(version, "ready")
    world.controller.step()
    world.node.take()
    world.controller.step()
    assert world.look(stuck).state == "failed"
    assert world.look(ready).state == "promoted"


def test_going_back_is_published_at_once_and_ends_when_acknowledged(world: World) -> None:
    world.promote(world.register(1))
    rollout = world.promote(world.register(2))
    moved = world.roll_back()
    assert (moved.id, moved.state) == (rollout.id, "rolling_back")
    assert world.table().variants[0].version == "fraud:1"
    world.controller.step()
    assert world.look(rollout).state == "rolling_back"
    world.node.take()
    world.controller.step()
    ended = world.look(rollout)
    assert ended.state == "rolled_back"
    assert ended.steps[-2].by == "ben"
    assert ended.steps[-2].note == "worse"
    assert ended.reason == "worse"
    assert "acknowledged by here/w0" in ended.steps[-1].note
    assert answering(world) == "fraud:1"


def test_going_back_twice_goes_back_two_versions_and_then_no_further(world: World) -> None:
    for number in (1, 2, 3):
        world.promote(world.register(number))
    for expected in ("fraud:2", "fraud:1"):
        world.roll_back()
        world.node.take()
        world.controller.step()
        assert answering(world) == expected
    with pytest.raises(Refused, match="first version"):
        world.roll_back()


def test_a_rollout_under_way_can_be_rolled_back_before_anybody_took_it(world: World) -> None:
    world.promote(world.register(1))
    rollout = world.deploy(world.register(2))
    world.controller.step()
    world.roll_back()
    assert world.table().variants[0].version == "fraud:1"
    with pytest.raises(Refused, match="on its way back"):
        world.roll_back()
    world.node.take()
    world.controller.step()
    assert world.look(rollout).state == "rolled_back"
    assert answering(world) == "fraud:1"


def test_a_first_rollout_that_is_pending_can_be_taken_back(world: World) -> None:
    rollout = world.deploy(world.register(1))
    world.roll_back()
    world.node.report()
    world.controller.step()
    assert world.look(rollout).state == "rolled_back"
    with world.database.read() as tx:
        assert node_routes(tx) == ()


def test_going_back_waits_for_nodes_without_giving_up(world: World) -> None:
    world.promote(world.register(1))
    rollout = world.promote(world.register(2))
    world.clock.advance(SILENT_SECONDS + 1)
    world.roll_back()
    wait(world, DEADLINE * 2, reporting=False)
    assert world.look(rollout).state == "rolling_back"
    world.node.take()
    world.controller.step()
    assert world.look(rollout).state == "rolled_back"


def test_a_way_back_that_cannot_be_loaded_fails_and_says_so(world: World) -> None:
    world.promote(world.register(1))
    rollout = world.promote(world.register(2))
    world.roll_back()
    world.node.fail(reason="the file is gone")
    world.controller.step()
    assert world.look(rollout).state == "rolling_back", "the node tries again"
    wait(world, DEADLINE + 2)
    assert world.look(rollout).state == "failed"
    assert "could not go back" in world.look(rollout).reason
    assert "the file is gone" in world.look(rollout).reason
    assert answering(world) == "fraud:2"


def test_there_is_one_rollout_at_a_time(world: World) -> None:
    world.deploy(world.register(1))
    with pytest.raises(Conflict, match="on its way to fraud:1"):
        world.deploy(world.register(2))


def test_two_controllers_never_both_take_effect(world: World) -> None:
    rollout = world.deploy(world.register(1))
    other = Controller(world.database, world.nodes, world.clock, LOAD_SECONDS)
    for controller in (world.controller, other, other, world.controller):
        controller.step()
    world.node.take()
    for controller in (other, world.controller):
        controller.step()
    assert states(world.look(rollout)) == ["pending", "loading", "verifying", "promoted"]
    assert world.table().generation == 1


def test_a_decision_on_outdated_state_has_no_effect(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rollout = world.deploy(world.register(1))
    world.controller.step()
    world.node.take()
    reports = world.nodes.reports()

    def meanwhile() -> object:
        monkeypatch.undo()
        world.roll_back()
        return reports

    # the operator is faster, between what the controller has read and what it writes
    monkeypatch.setattr(world.nodes, "reports", meanwhile)
    world.controller.step()
    assert world.look(rollout).state == "rolling_back"
    assert world.table().variants == ()


def test_every_move_is_one_event_and_the_chain_holds(world: World) -> None:
    world.promote(world.register(1))
    world.promote(world.register(2))
    world.roll_back()
    world.node.take()
    world.controller.step()
    with world.database.read() as tx:
        verbs = [event.verb for event in list_events(tx, limit=100, object="endpoint:fraud").items]
    once = ["rollout.start", "rollout.publish", "rollout.verify", "rollout.promote"]
    assert list(reversed(verbs)) == ["endpoint.create", *once, *once, "rollout.roll_back", "rollout.restored"]
    assert verify_ledger(world.database).ok


def test_numbers_only_grow_over_deletion_and_restored_backups(world: World) -> None:
    world.promote(world.register(1))
    first = world.table().number
    with world.database.write() as tx:
        delete_endpoint(tx, "fraud", "ann", "no longer used")
    assert answering_after_deletion(world)
    world.promote("fraud:1")
    again = world.table().number
    assert again > first
    with world.database.write() as tx:
        raise_epoch(tx)
        begin_epoch(tx)
        begin_epoch(tx)
    assert world.table().number == (again[0] + 1, again[1] + 1)
    assert answering(world) == "fraud:1"


def answering_after_deletion(world: World) -> bool:
    with world.database.read() as tx:
        return node_routes(tx) == () and live_now(tx, "fraud") is None


def test_after_a_deletion_there_is_nothing_to_go_back_to(world: World) -> None:
    world.promote(world.register(1))
    with world.database.write() as tx:
        delete_endpoint(tx, "fraud", "ann", "no longer used")
    world.promote(world.register(2))
    with pytest.raises(Refused, match="first version"):
        world.roll_back()


def test_an_endpoint_that_is_made_again_stands_where_it_was_made(world: World) -> None:
    version = world.register(1)
    world.promote(version, environment="staging")
    with world.database.write() as tx:
        delete_endpoint(tx, "fraud", "ann", "no longer used")
        approve(tx, version, "ann", "looked at it")
    world.promote(version, environment="production")
    assert (world.table().project, world.table().environment) == ("default", "production")


def test_taking_back_what_is_pending_brings_nothing_back_that_is_gone(world: World) -> None:
    world.deploy(world.register(1))
    world.controller.step()
    world.node.fail()
    world.controller.step()
    world.deploy(world.register(2))
    world.roll_back()
    assert world.table().variants == ()


def test_nodes_are_told_of_every_published_table(world: World) -> None:
    def cursor() -> int:
        with world.database.read() as tx:
            return read_cursor(tx)

    seen = [cursor()]
    world.deploy(world.register(1))
    assert cursor() == seen[-1], "nothing is published yet"
    world.controller.step()
    seen.append(cursor())
    world.node.fail()
    world.controller.step()
    seen.append(cursor())
    assert sorted(set(seen)) == seen


def test_a_version_that_is_retired_before_it_is_published_fails(world: World) -> None:
    version = world.register(1)
    rollout = world.deploy(version)
    with world.database.write() as tx:
        retire(tx, version, "ann", "wrong data")
    world.controller.step()
    assert world.look(rollout).state == "failed"
    assert "retired" in world.look(rollout).reason


def test_a_version_that_was_changed_past_the_ledger_before_it_is_published_fails(world: World) -> None:
    rollout = world.deploy(world.register(1))
    with world.database.write() as tx:
        tx.execute(update(versions).values(state="approved"))
    world.controller.step()
    assert world.look(rollout).state == "failed"
    assert "past the ledger" in world.look(rollout).reason


def test_controllers_that_step_at_the_same_time_take_effect_once(world: World) -> None:
    rollouts = [world.deploy(world.register(number), f"endpoint-{number}") for number in range(4)]
    controllers = [Controller(world.database, world.nodes, world.clock, LOAD_SECONDS) for _ in range(4)]

    def race() -> None:
        threads = [threading.Thread(target=controller.step) for controller in controllers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    race()
    world.node.take()
    race()
    for rollout in rollouts:
        assert states(world.look(rollout)) == ["pending", "loading", "verifying", "promoted"]
        assert world.table(rollout.endpoint).generation == 1
    assert verify_ledger(world.database).ok


def test_an_ended_rollout_moves_nothing_after_a_restart(world: World) -> None:
    world.promote(world.register(1))
    world.deploy(world.register(2))
    world.controller.step()
    world.node.fail()
    world.controller.step()
    before = world.table()
    again = Controller(world.database, world.nodes, world.clock, LOAD_SECONDS)
    for _ in range(3):
        world.clock.advance(1)
        again.step()
    assert world.table() == before


def test_after_a_failed_rollout_the_next_one_starts_afresh(world: World) -> None:
    world.promote(world.register(1))
    failed = world.deploy(world.register(2))
    world.controller.step()
    world.node.fail()
    world.controller.step()
    assert world.look(failed).state == "failed"
    # the node still says why it could not take the last one
    retried = world.promote("fraud:2")
    assert retried.id != failed.id
    assert answering(world) == "fraud:2"


def test_nothing_to_go_back_from_is_refused_and_moves_nothing(world: World) -> None:
    world.deploy(world.register(1))
    world.controller.step()
    world.node.fail()
    world.controller.step()
    before = world.table()
    with pytest.raises(Refused, match="nothing to go back from"):
        world.roll_back()
    assert world.table() == before
