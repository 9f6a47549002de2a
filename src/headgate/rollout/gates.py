"""The ordered rules that a version must pass before it is deployed: each answers accept, reject or wait, and why."""

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal, Protocol

from headgate.bundle.manifest import Manifest
from headgate.errors import Malformed, NotFound, Refused
from headgate.records import Record, Signature
from headgate.rollout.compatibility import differences

Answer = Literal["accept", "reject", "wait"]
ENTRY_POINTS = "headgate.gates"

# walked in this order
GATES: dict[str, str] = {
    "not-retired": "headgate.rollout.gates:NotRetired",
    "trusted": "headgate.rollout.gates:Trusted",
    "approved": "headgate.rollout.gates:Approved",
    "serves": "headgate.rollout.gates:Serves",
    "signature": "headgate.rollout.gates:TakesTheContract",
}


class Case(Record, frozen=True, kw_only=True):
    """What a gate looks at: one version on its way to one endpoint."""

    version: str  # "fraud:3"
    approval: str  # pending, approved, rejected, retired
    manifest: Manifest
    endpoint: str
    needs_approval: bool  # of the endpoint's environment: true in production
    contract: Signature | None = None  # None: the endpoint is new
    distrusted: str = ""  # why the bundle's signature does not let it be loaded; empty where it does


class Judgement(Record, frozen=True, kw_only=True):
    """What a gate has to say about a case."""

    answer: Answer
    reason: str
    evidence: dict[str, Any] = {}


class Verdict(Record, frozen=True, kw_only=True):
    """A gate's judgement as it is stored with the rollout."""

    gate: str
    answer: Answer
    reason: str
    evidence: dict[str, Any] = {}
    binding: bool = True  # False: written down, but it stops nothing here
    forced: bool = False  # it would have stopped the deployment, and was overridden


class Gate(Protocol):
    """A named rule."""

    only_with_approval: bool  # where the environment needs none, its verdict is evidence and stops nothing
    can_be_forced: bool

    def judge(self, case: Case) -> Judgement: ...


class NotRetired:
    """A retired version does not come back by accident."""

    only_with_approval = False
    can_be_forced = True

    def judge(self, case: Case) -> Judgement:
        if case.approval == "retired":
            return Judgement(
                answer="reject", reason=f"{case.version} is retired, and that is final. Register a new version."
            )
        return Judgement(answer="accept", reason=f"{case.version} is {case.approval}.")


class Trusted:
    """No key that was revoked has signed the bundle, and one that is trusted has where it runs code."""

    only_with_approval = False
    can_be_forced = False  # a node would refuse to load it

    def judge(self, case: Case) -> Judgement:
        if case.distrusted:
            return Judgement(answer="reject", reason=case.distrusted)
        return Judgement(answer="accept", reason="Its signature is enough for what it is.")


class Approved:
    """Somebody has looked at the version and said yes."""

    only_with_approval = True
    can_be_forced = True

    def judge(self, case: Case) -> Judgement:
        evidence = {"approval": case.approval}
        if case.approval == "approved":
            return Judgement(answer="accept", reason=f"{case.version} is approved.", evidence=evidence)
        answer: Answer = "wait" if case.approval == "pending" else "reject"
        reason = (
            f"{case.version} is {case.approval}, expected approved. Run `headgate approve {case.version} --reason …`."
        )
        return Judgement(answer=answer, reason=reason, evidence=evidence)


class Serves:
    """The bundle names a form that can answer."""

    only_with_approval = False
    can_be_forced = False  # there is nothing to serve

    def judge(self, case: Case) -> Judgement:
        manifest = case.manifest
        form = manifest.forms.get(manifest.serves)
        if form is None:
            reason = (
                f"{case.version} serves {manifest.serves!r}, but its forms are {', '.join(manifest.forms) or 'none'}."
            )
            return Judgement(answer="reject", reason=reason)
        if form.refused:
            return Judgement(answer="reject", reason=f"The form {manifest.serves!r} is unfit to serve: {form.refused}.")
        return Judgement(answer="accept", reason=f"Serves {manifest.serves}.", evidence={"runtime": form.runtime})


class TakesTheContract:
    """Every request that the endpoint's clients may send can be answered by the version."""

    only_with_approval = False
    can_be_forced = True  # then the contract changes with it

    def judge(self, case: Case) -> Judgement:
        if case.contract is None:
            return Judgement(
                answer="accept", reason=f"{case.endpoint} is new and takes its contract from {case.version}."
            )
        found = differences(case.contract, case.manifest.signature)
        if found:
            listed = "; ".join(difference.sentence for difference in found)
            reason = f"{case.version} does not take the contract of {case.endpoint}: {listed}."
            return Judgement(answer="reject", reason=reason, evidence={"differences": [each.plain for each in found]})
        return Judgement(answer="accept", reason=f"{case.version} takes the contract of {case.endpoint}.")


def gate_names() -> tuple[str, ...]:
    """Our own gates in their order, then those that installed packages bring, by name."""
    brought = {point.name for point in entry_points(group=ENTRY_POINTS)}
    return (*GATES, *sorted(brought - GATES.keys()))


def load_gate(name: str) -> Gate:
    """The gate of that name; raises `NotFound` naming the known ones, `Malformed` when its import fails."""
    address = GATES.get(name) or next((point.value for point in entry_points(group=ENTRY_POINTS, name=name)), None)
    if address is None:
        raise NotFound(f"There is no gate {name!r}; there are {', '.join(gate_names())}.")
    module, _, attribute = address.partition(":")
    try:
        gate: Gate = getattr(import_module(module), attribute)()
    except (ImportError, AttributeError, TypeError) as error:
        raise Malformed(f"The gate {name!r} at {address!r} cannot be loaded: {error}.") from error
    return gate


def judge(case: Case, *, forced: bool = False) -> tuple[Verdict, ...]:
    """Every gate's verdict, in order."""
    return tuple(_verdicts(case, forced))


def _verdicts(case: Case, forced: bool) -> Iterator[Verdict]:
    for name in gate_names():
        gate = load_gate(name)
        said = gate.judge(case)
        binding = case.needs_approval or not gate.only_with_approval
        stops = binding and said.answer != "accept"
        yield Verdict(
            gate=name,
            answer=said.answer,
            reason=said.reason,
            evidence=said.evidence,
            binding=binding,
            forced=forced and stops and gate.can_be_forced,
        )


def require_passed(verdicts: tuple[Verdict, ...]) -> None:
    """Raises `Refused` with every verdict that stops the deployment."""
    against = [each for each in verdicts if each.binding and each.answer != "accept" and not each.forced]
    if against:
        said = " ".join(f"{each.gate}: {each.reason}" for each in against)
        detail = [
            {"gate": each.gate, "answer": each.answer, "reason": each.reason, **each.evidence} for each in against
        ]
        raise Refused(f"The gates said no. {said}", detail=detail)
