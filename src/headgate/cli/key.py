"""`headgate key`: what an actor shows to be let in."""

import click

from headgate.cli.instance import client, complete_actors
from headgate.cli.options import PRIORITY, PlainGroup, choices
from headgate.cli.rendering import moment, say, show_done, show_list, show_one


@click.group(cls=PlainGroup)
def key() -> None:
    """Keys that let actors in."""


@key.command("list")
def list_keys() -> None:
    """Every key, without its secret."""
    with client() as instance:
        keys = instance.keys.list()
    columns = {
        "key": lambda item: item["id"],
        "actor": lambda item: item["actor"],
        "note": lambda item: item.get("note"),
        "created": lambda item: moment(item.get("created_at")),
        "expires": lambda item: moment(item.get("expires_at")),
        "revoked": lambda item: moment(item.get("revoked_at")),
    }
    show_list(keys, columns, empty="No keys.", brief="id")


@key.command()
@click.option("--actor", required=True, metavar="NAME", shell_complete=complete_actors, help="Whose key it is.")
@click.option("--expires-days", type=click.IntRange(1), metavar="N", help="Days until it ends; default: never.")
@click.option("--note", default="", help="What it is for.")
@click.option("--rate", type=click.FloatRange(0), default=0, metavar="N", help="Predictions a second; default: any.")
@click.option("--concurrency", type=click.IntRange(0), default=0, metavar="N", help="At once; default: any.")
@click.option("--priority", type=PRIORITY, help="The highest that its requests may claim; default: normal.")
def create(
    actor: str, expires_days: int | None, note: str, rate: float, concurrency: int, priority: str | None
) -> None:
    """Make a key; it is shown once."""
    with client() as instance:
        made = instance.keys.create(
            actor,
            expires_days=expires_days,
            note=note,
            requests_per_second=rate,
            concurrency=concurrency,
            priority=priority or "",
        )
    facts = {"key": made["key"], "id": made["id"], "actor": actor, "expires": moment(made.get("expires_at"))}
    show_one(made, facts, brief="key")
    if choices().output == "table":
        say("Keep it now: it is not shown again.")


@key.command()
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """End the key with this id, within seconds and for good."""
    with client() as instance:
        instance.keys.revoke(key_id)
    show_done({"id": key_id, "state": "revoked"}, f"Key {key_id} is revoked.", brief="id")
