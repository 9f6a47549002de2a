"""`headgate up`: everything on this machine, in the foreground or detached."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from headgate.certificate import check_certificate
from headgate.cli.options import PlainCommand
from headgate.cli.progress import steps_line
from headgate.cli.rendering import say, show_one
from headgate.client import local
from headgate.errors import Conflict
from headgate.home import find_home
from headgate.processes import SAFE_PATH
from headgate.settings import (
    check_exposure,
    check_tracing,
    has_grpc,
    load_settings,
    reachable,
    setting_declarations,
    to_environment,
)

TYPES: dict[str, Any] = {"str": str, "int": int, "float": float}


def setting_options() -> list[click.Option]:
    """One flag per setting, from the one declaration of each."""
    options = []
    for declared in setting_declarations():
        flag = declared["name"].replace("_", "-")
        is_switch = declared["type"] == "bool"
        default = "off" if declared["default"] is False else declared["default"]
        shown = f"; default: {default}" if default != "" else ""
        options.append(
            click.Option(
                [f"--{flag}/--no-{flag}" if is_switch else f"--{flag}"],
                default=None,
                type=None if is_switch else TYPES[declared["type"]],
                help=f"{declared['help'].removesuffix('.')}{shown}.",
            )
        )
    return options


class UpCommand(PlainCommand):
    """A command with a flag per setting."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params[-3:-3] = setting_options()


@click.command(cls=UpCommand)
@click.option("--home", metavar="DIR", help="The instance's folder; default: the nearest .headgate, else a new one.")
@click.option("--detach", is_flag=True, help="Return when it is ready, and leave it running.")
def up(home: str | None, detach: bool, **flags: Any) -> None:
    """Start Headgate: control plane, workers, model hosts.

    Flags beat the environment (HEADGATE_PORT, …), the environment beats headgate.toml.
    """
    place = find_home(Path.cwd(), home or os.environ.get("HEADGATE_HOME"))
    settings = load_settings(place.path, os.environ, flags, local.ports_of_last_run(place))
    check_exposure(settings)
    check_tracing(settings)
    check_certificate(settings)
    if flags.get("database") and urlsplit(flags["database"]).password:
        say("The password in --database shows in the list of processes until Headgate has started.")
        say("Put it into HEADGATE_DATABASE, headgate.toml or ~/.pgpass.")
    environment = os.environ | to_environment(settings)
    if not detach:
        if running := local.find_agent(place):
            raise Conflict(
                f"Headgate runs already in {place.path} (pid {running.pid}). Stop it: {local.stop_hint(place)}"
            )
        place.create()
        command = local.agent_command(place)
        say(f"Headgate runs in {place.path} until Ctrl-C.")
        say(f"control plane  {settings.scheme}://{reachable(settings.host)}:{settings.control_port}")
        say(f"data plane     {settings.scheme}://{reachable(settings.host)}:{settings.port}")
        if settings.grpc_port and has_grpc():
            say(f"gRPC           {reachable(settings.host)}:{settings.grpc_port}")
        # this process becomes the agent: Ctrl-C and SIGTERM reach it, and nothing stands between
        os.execve(command[0], command, {**environment, **SAFE_PATH})
    with steps_line("starting") as step:
        if step:
            step("control plane and workers")
        status = local.bring_up(place, environment)
    facts = {
        "control": status["control"]["url"],
        "data": status["data"]["url"],
        **({"warning": fault} if (fault := status.get("stores", {}).get("fault")) else {}),
        "home": place.path,
        "logs": place.logs,
        "stop": local.stop_hint(place),
    }
    show_one(status, facts, brief="home")
