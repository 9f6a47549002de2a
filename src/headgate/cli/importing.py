"""`headgate import`: from a model as another product keeps it to a bundle."""

import os
import tempfile
from pathlib import Path
from typing import Any

import click

from headgate.bundle.bundle import Bundle
from headgate.cli.node import name_of
from headgate.cli.options import PlainCommand, choices, output_or_file
from headgate.cli.package import show_bundle
from headgate.cli.progress import steps_line
from headgate.cli.rendering import print_table, say
from headgate.importing.found import Found
from headgate.importing.locations import Surroundings, find_at
from headgate.importing.registry import SOURCES
from headgate.importing.tracking import TRACKING_URL
from headgate.packaging.package import package as make_bundle


@click.command("import", cls=PlainCommand)
@click.argument("product", type=click.Choice(tuple(SOURCES)))
@click.argument("location")
@click.option("--name", metavar="N", help="Name of the model; default: what it is called there.")
@click.option("--data", metavar="F", type=click.Path(path_type=Path), help="Training data: csv, json, parquet, arrow.")
@click.option("--target", metavar="C", help="Column of the data that the model predicts.")
@click.option("--holdout", metavar="F", type=click.Path(path_type=Path), help="Data the model has not seen.")
@click.option("--trust-code", metavar="NAME", multiple=True, help="A global that the pickle may use; may be repeated.")
@click.option("--tracking-url", metavar="URL", envvar=TRACKING_URL, help="MLflow's server, for models:/NAME/VERSION.")
@click.option(
    "--region",
    metavar="R",
    envvar=("AWS_REGION", "AWS_DEFAULT_REGION"),
    help="Region of AWS, where no ARN says it; default: that of AWS's own settings.",
)
@output_or_file("Folder, or .hgb file, to write; default: N.hgb.")
def import_model(product: str, location: str, output: str | None, **given: Any) -> None:
    """Make a bundle of a model at LOCATION as another PRODUCT keeps it, and list what could not be taken over.

    LOCATION is a model's folder (mlflow, bentoml, triton), a model.tar.gz (sagemaker), either of them also in object
    storage (s3://…, gs://…, az://…), models:/NAME/VERSION or models:/NAME@ALIAS of an MLflow server, or the name or
    ARN of a SageMaker model, or the ARN of a model package.
    """
    if given["holdout"] and not given["target"]:
        raise click.UsageError("--holdout needs --target, the column that the model predicts.")
    with (
        tempfile.TemporaryDirectory(prefix="headgate-import-") as folder,
        steps_line(f"importing {location}") as progress,
    ):
        scratch = Path(folder)
        around = Surroundings(given["tracking_url"] or "", given["region"] or "", os.environ)
        found = find_at(product, location, scratch, around)
        name = given["name"] or name_of(found.name or Path(location).resolve().name)
        bundle = make_bundle(
            found,
            name=name,
            data=given["data"],
            target=given["target"],
            holdout=given["holdout"],
            trust_code=given["trust_code"],
            output=Path(output) if output else Path(f"{name}.hgb"),
            progress=progress,
        )
    _show(bundle, output or f"{name}.hgb", found)


def _show(bundle: Bundle, where: str, found: Found) -> None:
    account: dict[str, Any] = {
        "taken": [{"what": note.what, "as": note.why} for note in found.taken],
        "left": [{"what": note.what, "why": note.why} for note in found.left],
    }
    show_bundle(bundle, where, **account)
    chosen = choices()
    if chosen.output == "table" and not chosen.quiet:
        say("")
        print_table(["taken over", "as"], found.taken)
        if found.left:
            say("")
            print_table(["left behind", "why"], found.left)
