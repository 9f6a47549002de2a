"""`headgate rollout`: watch, look back, abort."""

from collections.abc import Mapping
from typing import Any

import click

from headgate.cli.evidence import sentences
from headgate.cli.instance import client, complete_endpoints
from headgate.cli.options import PlainGroup, reason_option
from headgate.cli.rendering import moment, show_done, show_list, show_one


@click.group(cls=PlainGroup)
def rollout() -> None:
    """Watch, look back at and abort rollouts."""


@rollout.command("list")
def list_rollouts() -> None:
    """The newest rollout of every endpoint."""
    with client() as instance:
        rollouts = [
            newest
            for endpoint in instance.endpoints.list()
            for newest in instance.deployments.history(endpoint["name"], limit=1)
        ]
    show_list(rollouts, COLUMNS, empty="No rollouts yet. Begin one: headgate deploy M:V --endpoint E", brief="id")


@rollout.command()
@click.argument("endpoint", metavar="E", shell_complete=complete_endpoints)
def show(endpoint: str) -> None:
    """The newest rollout of E: its state, steps and evidence."""
    with client() as instance:
        found = instance.deployments.rollout(endpoint)
    show_one(found, _facts(found), brief="state")


@rollout.command()
@click.argument("endpoint", metavar="E", shell_complete=complete_endpoints)
@click.option("--limit", type=click.IntRange(1), help="How many; default: all.")
def history(endpoint: str, limit: int | None) -> None:
    """Every rollout of E, newest first."""
    with client() as instance:
        rollouts = instance.deployments.history(endpoint, limit=limit)
    show_list(rollouts, COLUMNS, empty=f"No rollouts of {endpoint} yet.", brief="id")


@rollout.command()
@click.argument("endpoint", metavar="E", shell_complete=complete_endpoints)
@reason_option
def abort(endpoint: str, reason: str) -> None:
    """Leave the newest rollout of E, live or not, for what was live before it."""
    with client() as instance:
        begun = instance.deployments.roll_back(endpoint, reason)
        ended = instance.deployments.wait(begun)
        live = instance.endpoints.show(endpoint)["version"]
    now = f"{live} answers now" if live else "nothing answers now"
    show_done(ended, f"The rollout of {ended['to']} to {endpoint} is {ended['state']}; {now}.", brief="id")


COLUMNS = {
    "rollout": lambda item: item["id"],
    "endpoint": lambda item: item["endpoint"],
    "from": lambda item: item["from"],
    "to": lambda item: item["to"],
    "state": lambda item: item["state"],
    "began": lambda item: moment(item["started_at"]),
    "ended": lambda item: moment(item["ended_at"]),
    "by": lambda item: item["by"],
    "reason": lambda item: item["reason"],
}


def _facts(found: Mapping[str, Any]) -> dict[str, object]:
    return {
        "rollout": found["id"],
        "endpoint": found["endpoint"],
        "from": found["from"],
        "to": found["to"],
        "strategy": found["strategy"],
        "state": found["state"],
        "reason": found["reason"],
        "by": found["by"],
        "steps": "\n".join(
            f"{moment(step['at'])}  {step['state']}  {step['note']}".rstrip() for step in found["steps"]
        ),
        "evidence": sentences(found["evidence"]),
    }
