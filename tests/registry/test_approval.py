"""The table of approval states."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.errors import Refused
from headgate.registry.approval import APPROVAL, Decision, State, decide

STATES: tuple[State, ...] = get_args(State)
DECISIONS: tuple[Decision, ...] = get_args(Decision)
MEANS: dict[Decision, State] = {"approve": "approved", "reject": "rejected", "retire": "retired"}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("decision", DECISIONS)
def test_every_pair_is_in_the_table_or_refused(state: State, decision: Decision) -> None:
    if (state, decision) in APPROVAL:
        assert decide(state, decision) == APPROVAL[state, decision] == MEANS[decision]
    else:
        with pytest.raises(Refused, match=state):
            decide(state, decision)


@given(st.lists(st.sampled_from(DECISIONS), max_size=12))
def test_any_sequence_keeps_the_promises(decisions: list[Decision]) -> None:
    state: State = "pending"
    for decision in decisions:
        try:
            after = decide(state, decision)
        except Refused:
            # repeating oneself and reviving what is retired are the only refusals
            assert state == "retired" or MEANS[decision] == state
            continue
        assert state != "retired"
        assert after == MEANS[decision] != state
        state = after
    assert (state == "pending") == (not decisions)


def test_nothing_becomes_pending_again() -> None:
    assert "pending" not in APPROVAL.values()
