"""Gates: the rules that a deployment walks."""

import inspect

from pydantic import Field

from headgate.rollout.gates import gate_names, load_gate
from headgate.web.api.guards import guarded
from headgate.web.api.shapes import Listing, Shape

router = guarded("gates")


class GateShape(Shape):
    name: str = Field(examples=["approved"])
    rule: str = Field(description="What it asks, in a sentence.")
    only_with_approval: bool = Field(description="Whether it binds only in environments that need approval.")
    can_be_forced: bool


@router.get("/gates")
def list_all() -> Listing[GateShape]:
    """Every gate, in the order in which a deployment walks them."""
    return Listing(items=[_gate(name) for name in gate_names()])


def _gate(name: str) -> GateShape:
    gate = load_gate(name)
    return GateShape(
        name=name,
        rule=(inspect.getdoc(gate) or "").partition("\n")[0],
        only_with_approval=gate.only_with_approval,
        can_be_forced=gate.can_be_forced,
    )
