"""`headgate register`, `approve`, `reject`: from a bundle to a version that may be deployed."""

from pathlib import Path

import click

from headgate.cli.instance import client, complete_versions
from headgate.cli.options import PlainCommand, reason_option
from headgate.cli.progress import bytes_bar
from headgate.cli.rendering import show_done


@click.command(cls=PlainCommand)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--alias", metavar="A", help="Also point this alias of the model at the version.")
@click.option("--project", metavar="P", help="Project of the model; default: default.")
def register(bundle: Path, alias: str | None, project: str | None) -> None:
    """Register BUNDLE (a folder or .hgb file) as the next version of its model.

    The same bundle twice is the same version.
    """
    with client() as instance, bytes_bar("registering") as progress:
        version = instance.register(bundle, alias=alias, project=project, progress=progress)
    name, known = version["version"], version.get("known", False)
    signed = "" if version.get("signed_by") else ", not signed"
    sentence = f"{name} was registered already." if known else f"Registered {name} ({version['state']}{signed})."
    show_done(version, f"{sentence} Next: headgate deploy {name} --endpoint {version['model']}", brief="version")


@click.command(cls=PlainCommand)
@click.argument("version", metavar="M:V", shell_complete=complete_versions)
@reason_option
def approve(version: str, reason: str) -> None:
    """Let version M:V take production traffic."""
    with client() as instance:
        decided = instance.approve(version, reason)
    show_done(decided, f"Approved {decided['version']}.", brief="version")


@click.command(cls=PlainCommand)
@click.argument("version", metavar="M:V", shell_complete=complete_versions)
@reason_option
def reject(version: str, reason: str) -> None:
    """Keep version M:V out of production."""
    with client() as instance:
        decided = instance.reject(version, reason)
        named = decided["version"]
        answering = [each["name"] for each in instance.endpoints.list() if each["version"] == named]
    still = f" It still answers behind {', '.join(answering)}: deploy another version there." if answering else ""
    show_done(decided, f"Rejected {named}.{still}", brief="version")
