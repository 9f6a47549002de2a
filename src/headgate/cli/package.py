"""`headgate package`: from a model file to a bundle."""

from pathlib import Path
from typing import Any

import click
import msgspec

from headgate.bundle.bundle import Bundle
from headgate.cli.options import PlainCommand, output_or_file
from headgate.cli.progress import steps_line
from headgate.cli.rendering import joined, packages_line, show_one
from headgate.packaging.package import package as make_bundle
from headgate.packaging.scanning import scan


@click.command(cls=PlainCommand)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--name", required=True, metavar="N", help="Name of the model: letters, digits, dots, dashes.")
@click.option("--data", metavar="F", type=click.Path(path_type=Path), help="Training data: csv, json, parquet, arrow.")
@click.option("--target", metavar="C", help="Column of the data that the model predicts.")
@click.option("--holdout", metavar="F", type=click.Path(path_type=Path), help="Data the model has not seen.")
@click.option("--example", metavar="F", type=click.Path(path_type=Path), help="Some rows, where there is no --data.")
@output_or_file("Folder, or .hgb file, to write; default: N.hgb.")
@click.option("--role", "roles", metavar="COLUMN=ROLE", multiple=True, help="As age=protected; may be repeated.")
@click.option("--trust-code", metavar="NAME", multiple=True, help="Code that the model may use: a global, or net.py.")
@click.option("--lock/--no-lock", "locks", default=True, show_default=True, help="Ask the index for packages' hashes.")
@click.option("--compile/--no-compile", "compiles", default=True, show_default=True, help="Also make an ONNX form.")
def package(
    model: Path,
    name: str,
    data: Path | None,
    target: str | None,
    holdout: Path | None,
    output: str | None,
    **choices: Any,
) -> None:
    """Make a bundle of MODEL: a file (.joblib .pkl .skops .onnx .ubj .json .txt .cbm .pmml .pt2 .pt .safetensors .keras
    or .py that defines `model`), or the folder of an MLflow model, of a transformer or of its adapter.

    The bundle says what the model takes and answers, how good it is on the holdout, and what it needs; it is signed
    with your own key. Where a compiled form gives the same answers, it is in the bundle and serves.
    """
    if holdout and not target:
        raise click.UsageError("--holdout needs --target, the column that the model predicts.")
    with steps_line(f"packaging {model.name}") as progress:
        bundle = make_bundle(
            model,
            name=name,
            data=data,
            target=target,
            holdout=holdout,
            example=choices["example"],
            output=Path(output) if output else Path(f"{name}.hgb"),
            roles=roles_of(choices["roles"]),
            trust_code=choices["trust_code"],
            compile=choices["compiles"],
            lock=choices["locks"],
            progress=progress,
        )
    show_bundle(bundle, output or f"{name}.hgb")


def show_bundle(bundle: Bundle, where: str, **more: object) -> None:
    """Say what has been made, with more for programs."""
    show_one(described(bundle, where) | more, _facts(bundle, where), brief="path")


def roles_of(pairs: tuple[str, ...]) -> dict[str, list[str]]:
    """Column → roles, of COLUMN=ROLE pairs."""
    roles: dict[str, list[str]] = {}
    for pair in pairs:
        column, equals, role = pair.rpartition("=")
        if not (column and equals and role):
            raise click.BadParameter(f"expected COLUMN=ROLE, got {pair!r}", param_hint="--role")
        roles.setdefault(column, []).append(role)
    return roles


def described(bundle: Bundle, where: str) -> dict[str, Any]:
    """What programs want to know of a bundle."""
    manifest = bundle.manifest
    return {
        "path": where,
        "digest": bundle.digest,
        "name": manifest.name,
        "framework": manifest.framework,
        "task": manifest.task,
        "serves": manifest.serves,
        "serves_because": manifest.serves_because,
        "metrics": manifest.metrics,
        "inputs": [column.name for column in manifest.signature.inputs],
        "files": sorted(manifest.files),
        "hint": hint_of(bundle),
        "environment": msgspec.to_builtins(manifest.environment),
    }


def hint_of(bundle: Bundle) -> str:
    """What a scanner says of the original; empty where none is installed."""
    native = bundle.manifest.forms.get("native")
    return scan(bundle.folder / native.path) if native else ""


def _facts(bundle: Bundle, where: str) -> dict[str, object]:
    manifest = bundle.manifest
    return {
        "bundle": where,
        "digest": bundle.digest,
        "model": f"{manifest.name}: {manifest.framework}, {manifest.task}",
        "inputs": joined(column.name for column in manifest.signature.inputs),
        "serves": f"{manifest.serves}: {manifest.serves_because}" if manifest.serves_because else manifest.serves,
        "metrics": joined(f"{name} {value:.4g}" for name, value in manifest.metrics.items()),
        **({"hint": f"{hint}; what decides is the allow-list"} if (hint := hint_of(bundle)) else {}),
        "packages": packages_line(msgspec.to_builtins(manifest)),
        "next": f"headgate register {where}",
    }
