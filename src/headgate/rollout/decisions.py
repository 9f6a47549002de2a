"""What follows from what the nodes say: a pure function from one rollout and one observation to the next order."""

from typing import Literal

from headgate.records import Record
from headgate.rollout.lifecycle import Trigger
from headgate.rollout.nodes import Observation
from headgate.rollout.rollouts import Evidence, Rollout

# what goes to the nodes together with the order
Publication = Literal["nothing", "candidate", "previous"]


class Decision(Record, frozen=True, kw_only=True):
    """The orders to give now, in one transaction, and what to publish with them."""

    triggers: tuple[Trigger, ...]
    reason: str
    publication: Publication = "nothing"
    evidence: tuple[Evidence, ...] = ()


def decide(rollout: Rollout, observation: Observation, spent: float, allowed: float) -> Decision | None:
    """The next move of an all-at-once rollout, or None: wait.

    `spent` is the seconds that it was watched in its state, of those `allowed`. Nobody there is never a reason to
    promote.
    """
    if rollout.state == "pending":
        return Decision(triggers=("publish",), reason="handed to the nodes", publication="candidate")
    if rollout.state == "rolling_back":
        return _going_back(observation, spent, allowed)
    if observation.failures:
        return _failed("; ".join(observation.failures), observation, spent)
    if observation.in_force:
        triggers: tuple[Trigger, ...] = ("verify", "promote") if rollout.state == "loading" else ("promote",)
        return Decision(triggers=triggers, reason=_said(observation), evidence=(_evidence(observation, spent),))
    if spent >= allowed:
        return _failed(f"after {allowed:.0f} s {_missing(observation)}", observation, spent)
    return None


def _going_back(observation: Observation, spent: float, allowed: float) -> Decision | None:
    evidence = (_evidence(observation, spent),)
    if observation.in_force:
        return Decision(triggers=("restored",), reason=_said(observation), evidence=evidence)
    # nodes try again what they could not take, and those that come back are told the version before: it has time
    if observation.living and spent >= allowed:
        reason = "; ".join(observation.failures) or _missing(observation)
        return Decision(triggers=("fail",), reason=f"could not go back in {allowed:.0f} s: {reason}", evidence=evidence)
    return None


def _failed(reason: str, observation: Observation, spent: float) -> Decision:
    return Decision(
        triggers=("fail",), reason=reason, publication="previous", evidence=(_evidence(observation, spent),)
    )


def _said(observation: Observation) -> str:
    return f"acknowledged by {', '.join(observation.acknowledged)}"


def _missing(observation: Observation) -> str:
    if not observation.living:
        return "no node has reported. Is `headgate up` running?"
    late = sorted(set(observation.living) - set(observation.acknowledged))
    return f"{', '.join(late)} had not acknowledged"


def _evidence(observation: Observation, spent: float) -> Evidence:
    return {
        "kind": "acknowledgement",
        "living": list(observation.living),
        "acknowledged": list(observation.acknowledged),
        "failures": list(observation.failures),
        "seconds": round(spent, 3),
    }
