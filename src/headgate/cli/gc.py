"""`headgate gc`: remove stored bundles that nothing refers to."""

import click

from headgate.cli.instance import client
from headgate.cli.options import PlainCommand, optional_reason_option
from headgate.cli.rendering import say, show_done


@click.command(cls=PlainCommand)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--grace", type=click.FloatRange(0), metavar="HOURS", help="Leave younger ones; default: 24 hours.")
@optional_reason_option
def gc(dry_run: bool, grace: float | None, reason: str) -> None:
    """Remove artifacts that no version refers to: what failed registrations and sent-again bundles leave.

    An artifact of a version stays, whatever the version's state, and so does one that is being registered. Two
    instances must not share one place in a store: each removes what is the other's.
    """
    with client() as instance:
        done = instance.artifacts.collect(dry_run=dry_run, grace_hours=grace, reason=reason)
    verb = "Would remove" if dry_run else "Removed"
    sentence = f"{verb} {len(done['removed'])} artifacts ({done['bytes']:,} bytes); {done['kept']} stay."
    show_done(done, sentence, brief="bytes")
    if done["missing"]:
        say(f"{len(done['missing'])} artifacts that versions refer to are missing from the store:")
        for digest in done["missing"]:
            say(f"  {digest}")
        say("Register their bundles again, or restore a backup.")
