"""The rollout's table: complete, honest about its ends, and always with a way back."""

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from headgate.errors import Refused
from headgate.rollout.lifecycle import (
    ENDED,
    LIVE,
    NEEDS_REASON,
    STATES,
    TABLE,
    TRIGGERS,
    Order,
    State,
    Trigger,
    allowed,
    next_state,
)

DESIGNED = (
    "pending, loading, verifying, shadowing, shifting, baking, paused, promoted, rolling_back, rolled_back, aborted, "
    "failed"
)


def order(trigger: Trigger, actor: str = "ann", reason: str = "because") -> Order:
    return Order(trigger=trigger, actor=actor, reason=reason)


def test_the_states_are_the_designed_ones() -> None:
    assert ", ".join(STATES) == DESIGNED


@pytest.mark.parametrize(("state", "trigger"), list(itertools.product(STATES, TRIGGERS)))
def test_every_pair_is_in_the_table_or_refused_with_what_is_possible(state: State, trigger: Trigger) -> None:
    if (state, trigger) in TABLE:
        assert next_state(state, order(trigger)) == TABLE[state, trigger]
    else:
        with pytest.raises(Refused, match=f"is {state} does not take '{trigger}'"):
            next_state(state, order(trigger))


@pytest.mark.parametrize("state", sorted(LIVE))
def test_a_rollback_is_possible_from_every_live_state(state: State) -> None:
    assert next_state(state, order("roll_back")) == "rolling_back"


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_rollback_needs_a_reason(reason: str) -> None:
    with pytest.raises(Refused, match="needs a reason"):
        next_state("promoted", order("roll_back", reason=reason))


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_nothing_moves_without_an_actor(trigger: Trigger) -> None:
    with pytest.raises(Refused, match="without one"):
        next_state("pending", order(trigger, actor=""))


@pytest.mark.parametrize("state", sorted(ENDED - {"promoted"}))
def test_an_ended_rollout_takes_nothing(state: State) -> None:
    assert allowed(state) == ()


def test_a_promoted_one_can_only_go_back() -> None:
    assert allowed("promoted") == ("roll_back",)


@pytest.mark.parametrize("state", ["shifting", "baking", "paused"])
def test_stopping_a_version_that_took_traffic_means_going_back(state: State) -> None:
    assert next_state(state, order("abort")) == "rolling_back"


def test_every_state_can_be_reached_and_can_end() -> None:
    assert _reachable({"pending"}) == set(STATES)
    for state in STATES:
        assert _reachable({state}) & ENDED, f"{state} never ends"


def _reachable(known: set[State]) -> set[State]:
    while True:
        more = {target for (state, _), target in TABLE.items() if state in known} - known
        if not more:
            return known
        known = known | more


class AnyRollout(RuleBasedStateMachine):
    """Whatever is ordered, in whatever sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.state: State = "pending"
        self.history: list[State] = ["pending"]
        self.ordered_back = False

    @rule(
        trigger=st.sampled_from(TRIGGERS),
        actor=st.sampled_from(["ann", "controller", ""]),
        reason=st.sampled_from(["", "bad"]),
    )
    def order(self, trigger: Trigger, actor: str, reason: str) -> None:
        possible = (self.state, trigger) in TABLE and actor and (reason or trigger not in NEEDS_REASON)
        try:
            following = next_state(self.state, Order(trigger=trigger, actor=actor, reason=reason))
        except Refused:
            assert not possible
            return
        assert possible
        self.ordered_back = self.ordered_back or trigger in {"roll_back", "abort"}
        self.state = following
        self.history.append(following)

    @invariant()
    def the_state_is_a_known_one(self) -> None:
        assert self.state in STATES

    @invariant()
    def what_was_ordered_back_never_takes_traffic_again(self) -> None:
        if self.ordered_back:
            assert self.state in {"rolling_back", "rolled_back", "aborted", "failed"}

    @invariant()
    def what_takes_traffic_was_loaded_and_verified_before(self) -> None:
        if {"shadowing", "shifting", "baking", "promoted"} & set(self.history):
            assert self.history[:3] == ["pending", "loading", "verifying"]


AnyRollout.TestCase.settings = settings(max_examples=200, stateful_step_count=20, deadline=None)
TestAnyRollout = AnyRollout.TestCase
