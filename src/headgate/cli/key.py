"""`headgate key`: what an actor shows to be let in, and what bundles are signed with."""

import os
from pathlib import Path

import click

from headgate.bundle.bundle import open_bundle
from headgate.bundle.signing import key_id, load_or_create_key, public_text, signed_by, user_key_path
from headgate.cli.instance import client, complete_actors
from headgate.cli.limits import CONCURRENCY, PRIORITY, RATE
from headgate.cli.options import PlainGroup, choices, reason_option
from headgate.cli.rendering import joined, moment, say, show_done, show_list, show_one
from headgate.errors import BadArchive, Malformed


@click.group(cls=PlainGroup)
def key() -> None:
    """Keys that let actors in, and keys that bundles are signed with."""


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
@click.option(
    "--rate", type=RATE, default=0, metavar="N", help="Predictions a second, where keys are required; default: any."
)
@click.option(
    "--concurrency", type=CONCURRENCY, default=0, metavar="N", help="At once, where keys are required; default: any."
)
@click.option("--priority", type=PRIORITY, help="The highest that its requests may claim; default: normal.")
@click.option("--aws", is_flag=True, help="Also the secret with which boto3 signs requests.")
def create(
    actor: str, expires_days: int | None, note: str, rate: float, concurrency: int, priority: str | None, aws: bool
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
            aws=aws,
        )
    facts = {"key": made["key"], "id": made["id"], "actor": actor, "expires": moment(made.get("expires_at"))}
    if aws:
        facts |= {"AWS access key id": made["id"], "AWS secret access key": made["aws_secret"]}
    show_one(made, facts, brief="key")
    if choices().output == "table":
        say("Keep it now: it is not shown again.")
    if hint := made.get("hint"):
        say(hint)


@key.command()
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """End the key with this id, within seconds and for good."""
    with client() as instance:
        instance.keys.revoke(key_id)
    show_done({"id": key_id, "state": "revoked"}, f"Key {key_id} is revoked.", brief="id")


@key.command()
def own() -> None:
    """Your own signing key: who trusts its public half lets your bundles run code."""
    public = public_text(load_or_create_key(user_key_path(os.environ)))
    found = {"id": key_id(public), "public_key": public}
    show_one(
        found, {"id": key_id(public), "public key": public, "elsewhere": f"headgate key trust {public}"}, brief="id"
    )


@key.command()
@click.argument("public_key", metavar="KEY|BUNDLE")
@click.option("--note", default="", help="Whose it is.")
def trust(public_key: str, note: str) -> None:
    """Let bundles run code that KEY has signed: a public key, or a bundle that carries its signature."""
    public = _signer_of(Path(public_key)) if Path(public_key).exists() else public_key
    with client() as instance:
        trusted = instance.keys.trust(public, note=note)
    show_done(trusted, f"Bundles signed by key {trusted['id']} may run code.", brief="id")


@key.command()
@click.argument("key_or_id", metavar="KEY|ID")
@reason_option
def distrust(key_or_id: str, reason: str) -> None:
    """Load no bundle any more that this signing key has signed; what answers goes on, and is named."""
    with client() as instance:
        revoked = instance.keys.distrust(key_or_id, reason)
    answering = joined(revoked["answering"])
    still = f" Still answering: {answering}. Deploy another version there." if answering else ""
    show_done(revoked, f"No bundle signed by key {revoked['id']} is loaded any more.{still}", brief="id")


@key.command("list-trusted")
def list_trusted() -> None:
    """Signing keys that are trusted, and those that were revoked."""
    with client() as instance:
        signers = instance.keys.signers()
    columns = {
        "key": lambda item: item["id"],
        "state": lambda item: item["state"],
        "note": lambda item: item["note"],
        "since": lambda item: moment(item["changed_at"]),
        "by": lambda item: item["changed_by"],
        "answering": lambda item: joined(item["answering"]),
    }
    show_list(signers, columns, empty="No signing key is trusted. Trust one: headgate key trust KEY", brief="id")


def _signer_of(path: Path) -> str:
    try:
        bundle = open_bundle(path)
    except BadArchive as error:
        raise Malformed(
            f"Expected a bundle at {path}, or a public key in its place, as `headgate key own` prints it: "
            f"{error.message}"
        ) from error
    signer = signed_by(bundle.folder, bundle.digest)
    if signer is None:
        raise Malformed(f"Expected a bundle that is signed, {path} is not. `headgate package` signs what it makes.")
    return signer
