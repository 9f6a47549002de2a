"""`headgate status`: what runs, by the control plane or, without it, by the node's disk and workers."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from headgate.agent.crashes import WORKERS
from headgate.agent.status import node_status
from headgate.cli.instance import client
from headgate.cli.options import PlainCommand, choices
from headgate.cli.rendering import joined, print_table, show_one
from headgate.client import local
from headgate.crashes import crashes_path
from headgate.errors import Unavailable, Unreachable
from headgate.home import Home, find_home
from headgate.processes import module_on


@click.command(cls=PlainCommand)
def status() -> None:
    """Show what runs; exit code 3 when nothing does.

    When the control plane does not answer, the processes of this home are shown: predictions go on without it.
    """
    home = (
        None
        if choices().url or os.environ.get("HEADGATE_URL")
        else find_home(Path.cwd(), os.environ.get("HEADGATE_HOME"))
    )
    try:
        with client() as instance:
            found: Mapping[str, Any] = instance.status()
        if home is not None:
            found = without_agent(found, home)
    except Unavailable as error:
        # nothing answers, or a control plane that has lost its database
        if home is None:
            raise
        found = status_of_home(home, "" if isinstance(error, Unreachable) else error.message)
    show_one(found, _facts(found), brief="home")
    if choices().output == "table" and not choices().quiet:
        _tables(found)


def status_of_home(home: Home, reason: str = "") -> dict[str, Any]:
    """The same shape as the control plane's answer, from disk and workers; raises `Unreachable` when nothing lives."""
    if not local.find_runners(home):
        raise Unreachable(f"Expected Headgate to run in {home.path}, nothing does. Start it with `headgate up`.")
    found = node_status(home)
    if control := found["control"]:
        control["reason"] = reason or control["reason"] or "it does not answer"
    return found


def without_agent(found: Mapping[str, Any], home: Home) -> Mapping[str, Any]:
    """The control plane's answer, completed by the node itself where its agent is dead: nobody else reports to it."""
    agent = found["agent"]
    elsewhere = Path(found["home"]).resolve() != home.path.resolve()
    if elsewhere or (agent and module_on(agent["pid"], home.path)):
        return found
    node = node_status(home)
    return {**found, **{part: node[part] for part in ("agent", "workers", "hosts", "crashes")}}


def _facts(found: Mapping[str, Any]) -> dict[str, object]:
    control, agent = found.get("control") or {}, found.get("agent") or {}
    orphans = "; the rest goes on, and is taken over by `headgate up`" if found["workers"] else ""
    reason = f": {control['reason']}" if control.get("reason") else ""
    return {
        "control": f"{control['url']} (pid {control['pid']}){reason}" if control.get("pid") else f"not running{reason}",
        "data": (found.get("data") or {}).get("url"),
        "grpc": f"port {port}" if (port := (found.get("grpc") or {}).get("port")) else "not spoken",
        **_events((control, *found["workers"]), found.get("building", ())),
        "agent": f"pid {agent['pid']}" if agent else f"not running{orphans}",
        **_stores(found.get("stores", {})),
        "home": found["home"],
        "version": found["version"],
    }


def _events(parts: Sequence[Mapping[str, Any]], building: Sequence[str]) -> dict[str, object]:
    """What is not as usual."""
    faults = {fault for part in parts if (fault := part.get("certificate_fault"))}
    told: dict[str, object] = {"certificate": "; ".join(sorted(faults))} if faults else {}
    return told | ({"building": f"environment of {joined(building)}"} if building else {})


def _stores(stores: Mapping[str, Any]) -> dict[str, object]:
    if not stores:
        return {}
    lost = f" ({stores['missing']} are missing: see the log of the control plane)" if stores.get("missing") else ""
    fault = f": {stores['fault']}" if stores.get("fault") else ""
    return {"database": stores["database"], "artifacts": f"{stores['artifacts']}{lost}{fault}"}


def _tables(found: Mapping[str, Any]) -> None:
    if found["workers"]:
        click.echo()
        titles = ("worker", "pid", "ready", "connections", "requests")
        print_table(titles, [[worker.get(title) for title in titles] for worker in found["workers"]])
    if found["hosts"]:
        click.echo()
        print_table(("model host", "pid", "ready", "environment"), [_host(host) for host in found["hosts"]])
    _crashes(found.get("crashes", ()), Home(Path(found["home"])))
    if found["endpoints"]:
        click.echo()
        names = ("endpoint", "version", "state")
        print_table(names, [[endpoint.get(name) for name in names] for endpoint in found["endpoints"]])


def _host(host: Mapping[str, Any]) -> list[object]:
    return [str(host.get("digest", ""))[:12], host["pid"], host.get("ready"), host.get("python") or "Headgate's own"]


def _crashes(counts: Sequence[Mapping[str, Any]], home: Home) -> None:
    if counts:
        click.echo()
        titles = ("crashing version", "dead workers", "dead hosts")
        print_table(titles, [[count["version"], count["workers"], count["hosts"]] for count in counts])
    if moved := [count["version"] for count in counts if count["workers"] >= WORKERS]:
        click.echo(
            f"{joined(moved)}: in model hosts on this node from now on, for ending workers. A corrected version "
            f"runs in the workers again; to have this one run there: headgate down, remove "
            f"{crashes_path(home)}, headgate up."
        )
