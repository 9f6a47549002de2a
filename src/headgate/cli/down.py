"""`headgate down`: stop what `up` started."""

import os
from pathlib import Path

import click

from headgate.cli.options import PlainCommand
from headgate.cli.progress import steps_line
from headgate.cli.rendering import show_done
from headgate.client import local
from headgate.home import find_home


@click.command(cls=PlainCommand)
@click.option("--home", metavar="DIR", help="The instance's folder; default: the nearest .headgate.")
@click.option("--timeout", type=float, default=local.STOP_SECONDS, show_default=True, metavar="SECONDS")
def down(home: str | None, timeout: float) -> None:
    """Stop what `up` started; requests that are under way are answered first.

    Exit code 3 when nothing runs.
    """
    place = find_home(Path.cwd(), home or os.environ.get("HEADGATE_HOME"))
    with steps_line("stopping") as step:
        if step:
            step("waiting for requests under way")
        stopped = local.stop(place, seconds=timeout)
    show_done({"home": str(place.path), "stopped": stopped}, f"Stopped Headgate in {place.path}.")
