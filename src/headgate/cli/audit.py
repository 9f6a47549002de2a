"""`headgate audit`: every change, and whether the chain of them is whole."""

import click

from headgate.cli.instance import client
from headgate.cli.options import PlainGroup, choices
from headgate.cli.rendering import moment, show_done, show_list
from headgate.errors import Corrupt


@click.group(cls=PlainGroup)
def audit() -> None:
    """The ledger of every change, and whether it is whole."""


@audit.command("list")
@click.option("--object", "thing", metavar="NAME", help="Only changes of this, as version:fraud:3 or endpoint:fraud.")
@click.option("--actor", metavar="NAME", help="Only changes by this actor.")
@click.option("--limit", type=click.IntRange(1), help="How many; default: all.")
def list_events(thing: str | None, actor: str | None, limit: int | None) -> None:
    """Who changed what, when and why, newest first."""
    with client() as instance:
        events = instance.audit.list(object=thing, actor=actor, limit=limit)
    columns = {
        "number": lambda item: item["number"],
        "at": lambda item: moment(item["at"]),
        "actor": lambda item: item["actor"],
        "verb": lambda item: item["verb"],
        "object": lambda item: item["object"],
        "reason": lambda item: item["reason"],
    }
    show_list(events, columns, empty="No events.", brief="number")


@audit.command()
def verify() -> None:
    """Check the chain of events; exit code 1 names the first faulty row."""
    with client() as instance:
        report = instance.audit.verify()
    if report["ok"]:
        show_done(report, f"The ledger is whole: {report['checked']} events checked.", brief="checked")
        return
    fault = report["fault"] or {}
    if choices().output != "table":
        show_done(report, "")
    kind = str(fault.get("kind")).replace("_", " ")
    raise Corrupt(
        f"Expected a whole chain of events, event {fault.get('number')} was {kind}: "
        f"{fault.get('message')} Keep the database as it is and compare it with a backup."
    )
