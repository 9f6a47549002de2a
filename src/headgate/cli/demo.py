"""`headgate demo`: the tour, on an instance of its own."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import click

from headgate.cli.options import PlainCommand, choices
from headgate.cli.rendering import show_one
from headgate.client import local
from headgate.demo.narrator import Narrator
from headgate.demo.tour import Summary, Tour
from headgate.demo.training import load_data
from headgate.errors import Unreachable
from headgate.home import Home, find_home, write_atomically
from headgate.settings import load_settings, to_environment


@click.command(cls=PlainCommand)
@click.option("--keep", is_flag=True, help="In the home of this folder, and leave it running.")
@click.option("--port", type=int, metavar="N", help="Data plane; default: a free one, with --keep 8000.")
@click.option("--control-port", type=int, metavar="N", help="Control plane; default: a free one, with --keep 8090.")
def demo(keep: bool, port: int | None, control_port: int | None) -> None:
    """Guided tour on real data: from a trained model to its replacement under load.

    Starts an instance of its own in a temporary folder and removes it afterwards. Exit code 1 when any step is not as
    promised. Takes less than a minute.
    """
    narrator = Narrator(silent=choices().output != "table" or choices().quiet)
    narrator.title(
        "Headgate: no model takes traffic that has not earned it.",
        "This tour starts an instance on this machine, and takes less than a minute.",
    )
    with instance(narrator, keep, {"port": port, "control_port": control_port}) as home, TemporaryDirectory() as folder:
        with local.local_client(home) as client:
            summary = Tour(client, narrator, Path(folder)).walk()
        if choices().output != "table":
            show_one(summary.as_dict(), {}, brief="endpoint")
        narrator.title("", f"Done in {summary.seconds:.0f} s.")
        if keep:
            _next_commands(narrator, home, summary)
        else:
            narrator.remark("Everything is stopped and removed now. `headgate demo --keep` leaves it running.")


@contextmanager
def instance(narrator: Narrator, keep: bool, flags: dict[str, int | None]) -> Iterator[Home]:
    """A running instance: a temporary one, or that of this folder, which is started when it is not running."""
    home = find_home(Path.cwd(), os.environ.get("HEADGATE_HOME")) if keep else _temporary_home()
    if not keep:
        free = local.free_ports(2)
        flags = {"port": flags["port"] or free[0], "control_port": flags["control_port"] or free[1], "grpc_port": 0}
    started = False
    try:
        if not (keep and local.find_agent(home)):
            settings = load_settings(home.path, os.environ, flags)
            with narrator.busy("starting control plane and worker"):
                started = True
                local.bring_up(home, os.environ | to_environment(settings))
        yield home
    finally:
        if started and not keep:
            # what could not start may have been stopped already
            with suppress(Unreachable):
                local.stop(home)
        if not keep:
            shutil.rmtree(home.path.parent, ignore_errors=True)


def _temporary_home() -> Home:
    return Home(Path(mkdtemp(prefix="headgate-demo-")) / ".headgate")


def _next_commands(narrator: Narrator, home: Home, summary: Summary) -> None:
    rows = home.path / "demo-rows.json"
    write_atomically(rows, json.dumps(load_data().rows(2), indent=1).encode())
    narrator.remark(f"It keeps running in {home.path}. Go on with:")
    for command in (
        "headgate status",
        f"headgate endpoint show {summary.endpoint}",
        f"headgate predict {summary.endpoint} --data {rows}",
        f"headgate endpoint logs {summary.endpoint}",
        f"headgate rollout abort {summary.endpoint} --reason 'trying it'",
        "headgate audit list",
        "headgate down",
    ):
        narrator.remark(f"  {command}")
