"""The life of a rollout: one table and one pure function from (state, trigger) to the next state or a refusal."""

from typing import Literal, get_args

from headgate.errors import Refused
from headgate.records import Record

State = Literal[
    "pending", "loading", "verifying", "shadowing", "shifting", "baking", "paused", "promoted", "rolling_back",
    "rolled_back", "aborted", "failed",
]  # fmt: skip
Trigger = Literal[
    "publish",  # the table with the new version was handed to the data plane
    "verify",  # every worker has loaded it; the golden requests run
    "shadow",  # it gets copies of requests, its answers are thrown away
    "shift",  # it gets a share of the traffic
    "bake",  # the share is watched for a while
    "pause",  # an operator or a rule holds the rollout
    "promote",  # it answers alone
    "abort",  # an operator stops the rollout
    "roll_back",  # an operator or a guardrail goes back to the version before
    "restored",  # every worker has acknowledged the version before
    "fail",  # it could not be taken, and no traffic was moved to it
]

STATES: tuple[State, ...] = get_args(State)
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)

ENDED: frozenset[State] = frozenset({"promoted", "rolled_back", "aborted", "failed"})
# the version answers, or is on its way to: only then there is something to go back from
LIVE: frozenset[State] = frozenset(
    {"pending", "loading", "verifying", "shadowing", "shifting", "baking", "paused", "promoted"}
)
# what an operator orders, and never without a reason
NEEDS_REASON: frozenset[Trigger] = frozenset({"roll_back"})
# that the nodes have done what was ordered: the rollout stands for the reason of the order
CONFIRMING: frozenset[Trigger] = frozenset({"restored"})

TABLE: dict[tuple[State, Trigger], State] = {
    ("pending", "publish"): "loading",
    ("pending", "abort"): "aborted",
    ("pending", "fail"): "failed",
    ("loading", "verify"): "verifying",
    ("loading", "abort"): "aborted",
    ("loading", "fail"): "failed",
    ("verifying", "shadow"): "shadowing",
    ("verifying", "shift"): "shifting",
    ("verifying", "promote"): "promoted",
    ("verifying", "abort"): "aborted",
    ("verifying", "fail"): "failed",
    ("shadowing", "shift"): "shifting",
    ("shadowing", "promote"): "promoted",
    ("shadowing", "pause"): "paused",
    ("shadowing", "abort"): "aborted",
    ("shadowing", "fail"): "failed",
    ("shifting", "bake"): "baking",
    ("shifting", "promote"): "promoted",
    ("shifting", "pause"): "paused",
    # from here on the version has taken traffic: stopping means going back
    ("shifting", "abort"): "rolling_back",
    ("baking", "shift"): "shifting",
    ("baking", "promote"): "promoted",
    ("baking", "pause"): "paused",
    ("baking", "abort"): "rolling_back",
    ("paused", "shadow"): "shadowing",
    ("paused", "shift"): "shifting",
    ("paused", "bake"): "baking",
    ("paused", "promote"): "promoted",
    ("paused", "abort"): "rolling_back",
    **{(state, "roll_back"): "rolling_back" for state in LIVE},
    ("rolling_back", "restored"): "rolled_back",
    ("rolling_back", "fail"): "failed",
}


class Order(Record, frozen=True, kw_only=True):
    """A trigger with who gave it and why. The controller's own carry its name."""

    trigger: Trigger
    actor: str
    reason: str = ""


def next_state(state: State, order: Order) -> State:
    """Where the order leads. Raises `Refused` where the table has no row, or where actor or reason is missing."""
    if not order.actor:
        raise Refused(f"A rollout is moved by an actor; {order.trigger!r} came without one.")
    if order.trigger in NEEDS_REASON and not order.reason.strip():
        raise Refused("Rolling back needs a reason, got none. Say why with --reason.")
    following = TABLE.get((state, order.trigger))
    if following is None:
        raise Refused(_refusal(state, order.trigger))
    return following


def allowed(state: State) -> tuple[Trigger, ...]:
    """The triggers that the table has for a state, in the order of their declaration."""
    return tuple(trigger for trigger in TRIGGERS if (state, trigger) in TABLE)


def _refusal(state: State, trigger: Trigger) -> str:
    possible = ", ".join(allowed(state)) or "nothing: it has ended"
    return f"A rollout that is {state} does not take {trigger!r}; from here it takes {possible}."
