"""Deployments and the rollouts that they start."""

from typing import Any

from fastapi import Response
from pydantic import Field

from headgate.conversion import converter
from headgate.registry.versions import get_version
from headgate.rollout.deployments import Deployment, deploy, placed
from headgate.rollout.rollouts import Rollout
from headgate.storage.database import Tx
from headgate.web.api.commands import Change, Done
from headgate.web.api.guards import guarded
from headgate.web.api.shapes import Shape

router = guarded("deployments")
_deployment = converter(Deployment)


class NewDeployment(Shape):
    version: str = Field(max_length=260, examples=["fraud:3", "fraud@champion"])
    endpoint: str = Field(max_length=128, examples=["fraud"])
    environment: str | None = Field(default=None, max_length=128, description="Default: the endpoint's, else staging.")
    project: str | None = Field(default=None, max_length=128, description="Default: the model's.")
    strategy: str = Field(default="all-at-once", max_length=64)
    force: bool = Field(default=False, description="Override the gates; needs a reason and is written down.")
    reason: str = Field(default="", max_length=4_000)


class StepShape(Shape):
    state: str
    at: str
    note: str
    by: str


class RolloutShape(Shape):
    id: str = Field(examples=["r-00000007"])
    endpoint: str
    from_version: str | None = Field(alias="from", examples=["fraud:2"])
    to_version: str = Field(alias="to", examples=["fraud:3"])
    strategy: str
    state: str = Field(examples=["promoted"])
    reason: str
    steps: list[StepShape]
    evidence: list[dict[str, Any]]
    by: str
    started_at: str
    ended_at: str | None
    terminal: bool


def show_rollout(rollout: Rollout) -> RolloutShape:
    """A rollout as the API shows it."""
    plain = {name: getattr(rollout, name) for name in RolloutShape.model_fields if name != "steps"}
    steps = [StepShape(state=step.state, at=step.at, note=step.note, by=step.by) for step in rollout.steps]
    return RolloutShape.model_validate({**plain, "evidence": list(rollout.evidence), "steps": steps})


@router.post("/deployments", status_code=202, response_model=RolloutShape)
def start(change: Change, body: NewDeployment) -> Response:
    """Begin to move an endpoint to a version, when the gates let it."""
    wish = _deployment(body.model_dump())

    def act(tx: Tx) -> Done:
        project, environment = placed(tx, wish, get_version(tx, wish.version))
        change.caller.require("endpoints:deploy", project, environment)
        return 202, show_rollout(deploy(tx, wish, change.actor))

    return change.run(body, act)
