"""Which approval state follows which: a table and one pure function."""

from typing import Literal

from headgate.errors import Refused

State = Literal["pending", "approved", "rejected", "retired"]
Decision = Literal["approve", "reject", "retire"]

APPROVAL: dict[tuple[State, Decision], State] = {
    ("pending", "approve"): "approved",
    ("pending", "reject"): "rejected",
    ("pending", "retire"): "retired",
    ("approved", "reject"): "rejected",
    ("approved", "retire"): "retired",
    ("rejected", "approve"): "approved",
    ("rejected", "retire"): "retired",
}


def decide(state: State, decision: Decision) -> State:
    """The state after the decision. Raises `Refused` when the table has no such row."""
    try:
        return APPROVAL[state, decision]
    except KeyError:
        possible = [verb for (origin, verb) in APPROVAL if origin == state]
        hint = f"possible: {', '.join(possible)}" if possible else "it is final; register a new version"
        raise Refused(f"A version that is {state} cannot be changed by {decision} ({hint}).") from None
