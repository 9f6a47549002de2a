"""`headgate deploy`: move an endpoint to a version."""

from typing import Any

import click

from headgate.cli.instance import client, complete_endpoints, complete_versions
from headgate.cli.options import POSITIVE, PlainCommand, optional_reason_option
from headgate.cli.progress import states_line
from headgate.cli.rendering import show_done


@click.command(cls=PlainCommand)
@click.argument("version", metavar="M:V", shell_complete=complete_versions)
@click.option("--endpoint", "-e", required=True, metavar="E", shell_complete=complete_endpoints, help="Made when new.")
@click.option("--environment", metavar="NAME", help="For a new endpoint; default: staging. Gates bind in production.")
@click.option("--project", metavar="P", help="For a new endpoint; default: default.")
@click.option(
    "--strategy", type=click.Choice(["all-at-once"]), default="all-at-once", show_default=True,
    help="How traffic moves over.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Go against the gates; needs --reason and the permission.")
@optional_reason_option
@click.option("--wait/--no-wait", default=True, show_default=True, help="Return when the version is live.")
@click.option("--timeout", type=POSITIVE, metavar="SECONDS", help="How long to wait; default: 600.")
def deploy(version: str, endpoint: str, wait: bool, timeout: float | None, **options: Any) -> None:
    """Move endpoint E to version M:V (or M@ALIAS).

    Returns when every worker answers with the version; exit code 1, with the evidence, when a gate refuses it or it
    does not go live: then what was live before still is.
    """
    if options["force"] and not options["reason"]:
        raise click.UsageError("--force goes against the gates, so it needs --reason.")
    with client() as instance, states_line(f"{version} → {endpoint}") as progress:
        rollout = instance.deploy(version, endpoint, wait=wait, timeout=timeout, progress=progress, **options)
    if wait:
        sentence = f"{rollout['to']} is live on {endpoint}. Next: headgate predict {endpoint} --data F"
    else:
        sentence = f"Rollout {rollout['id']} has begun. Watch it: headgate rollout show {endpoint}"
    show_done(rollout, sentence, brief="id")
