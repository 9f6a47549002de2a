"""`headgate backup` and `restore`: everything that the instance knows, in one file and back."""

from pathlib import Path

import click
import msgspec

from headgate.cli.instance import client
from headgate.cli.options import PlainCommand, optional_reason_option, output_or_file
from headgate.cli.progress import bytes_bar
from headgate.cli.rendering import say, show_done
from headgate.home import Home
from headgate.registry.restoring import restore_instance


@click.command(cls=PlainCommand)
@output_or_file("The file to write; default: headgate-backup.tar.")
@click.option("--overwrite", is_flag=True, help="Replace the file when it is there.")
def backup(output: str | None, overwrite: bool) -> None:
    """Save models, versions, endpoints, keys and the ledger to one file; records of predictions are not in it.

    The file holds keys: it is readable by you alone, keep it so. The instance goes on meanwhile.
    """
    target = Path(output or "headgate-backup.tar")
    with client() as instance, bytes_bar("saving") as progress:
        path = instance.backups.save(target, overwrite=overwrite, progress=progress)
    size = path.stat().st_size
    sentence = f"Saved {path} ({size:,} bytes). Restore it: headgate restore {path} --home DIR"
    show_done({"path": str(path), "size": size}, sentence, brief="path")


@click.command(cls=PlainCommand)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--home", required=True, metavar="DIR", help="The new instance's folder; not there yet, or empty.")
@click.option(
    "--database", default="", metavar="URL", help="An empty PostgreSQL database; default: a file in the home."
)
@click.option("--artifacts", default="", metavar="URL", help="Artifact store; default: a folder in the home.")
@optional_reason_option
def restore(file: Path, home: str, reason: str, database: str, artifacts: str) -> None:
    """Make a new home of the backup in FILE; nothing needs to run.

    Wherever the original kept its database and artifacts, the copy keeps them in its home, or where you say. Started
    there, the instance begins a new epoch: what nodes knew of the old one gives way to it.
    """
    place = Home(Path(home).absolute())
    if artifacts and "://" not in artifacts:
        artifacts = str(Path(artifacts).absolute())
    with file.open("rb") as source:
        restored = restore_instance(source, place, actor="local", reason=reason, database=database, artifacts=artifacts)
    found = {**msgspec.to_builtins(restored.backup), "home": str(place.path), "epoch": restored.epoch}
    made = restored.backup.created_at
    show_done(
        found, f"Restored the backup of {made} to {place.path}. Next: headgate up --home {place.path}", brief="home"
    )
    if not restored.chain.ok:
        say("The ledger in this backup was not whole when it was made: see `headgate audit verify`.")
