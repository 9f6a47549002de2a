"""`headgate model`: models, their versions, what differs between two, aliases."""

from collections.abc import Mapping
from typing import Any

import click

from headgate.cli.instance import client, complete_models, complete_versions
from headgate.cli.options import PlainGroup, choices, reason_option
from headgate.cli.rendering import joined, moment, packages_line, print_table, show_done, show_list, show_one


@click.group(cls=PlainGroup)
def model() -> None:
    """Models and their versions."""


@model.command("list")
@click.option("--project", metavar="P", help="Only the models of this project.")
def list_models(project: str | None) -> None:
    """Every model with its newest version."""
    with client() as instance:
        models = instance.models.list(project=project)
    columns = {
        "model": lambda item: item["name"],
        "versions": lambda item: len(item["versions"]),
        "newest": lambda item: _newest(item).get("version"),
        "state": lambda item: _newest(item).get("state"),
        "aliases": lambda item: joined(f"{alias}→{number}" for alias, number in item["aliases"].items()),
        "owner": lambda item: item["owner"],
        "project": lambda item: item["project"],
    }
    show_list(models, columns, empty="No models yet. Make one: headgate package MODEL --name N", brief="name")


@model.command()
@click.argument("name", metavar="M[:V]", shell_complete=complete_versions)
def show(name: str) -> None:
    """A model with its versions, or one version (M:V, M@ALIAS) with its signature."""
    with client() as instance:
        if ":" in name or "@" in name:
            _show_version(instance.versions.show(name))
        else:
            _show_model(instance.models.show(name))


@model.command()
@click.argument("left", metavar="M:V", shell_complete=complete_versions)
@click.argument("right", metavar="M:W", shell_complete=complete_versions)
def diff(left: str, right: str) -> None:
    """What differs between two versions of a model."""
    with client() as instance:
        found = instance.models.diff(left, right)
    columns = {
        "what": lambda item: item["path"],
        left: lambda item: _short(item["left"]),
        right: lambda item: _short(item["right"]),
    }
    if choices().output != "table":
        show_one(found, {}, brief="left")
    else:
        show_list(found["changes"], columns, empty=f"{left} and {right} do not differ.", brief="path")


@model.command()
@click.argument("version", metavar="M:V", shell_complete=complete_versions)
def card(version: str) -> None:
    """The model card of a version, Markdown."""
    with client() as instance:
        text = instance.versions.card(version)
    if choices().output == "table":
        click.echo(text.rstrip())
    else:
        show_one({"version": version, "card": text}, {}, brief="version")


@model.command()
@click.argument("version", metavar="M:V", shell_complete=complete_versions)
@click.argument("alias", metavar="ALIAS")
@click.option("--delete", is_flag=True, help="Take the alias away instead.")
def alias(version: str, alias: str, delete: bool) -> None:
    """Point ALIAS at version M:V, whatever it pointed at before."""
    name = version.partition(":")[0].partition("@")[0]
    with client() as instance:
        if delete:
            instance.models.drop_alias(name, alias)
            show_done({"model": name, "alias": alias, "version": None}, f"{name}@{alias} is gone.")
        else:
            changed = instance.models.set_alias(alias, version)
            show_done(changed, f"{name}@{alias} is {version} now.")


@model.command()
@click.argument("version", metavar="M:V", shell_complete=complete_versions)
@reason_option
def retire(version: str, reason: str) -> None:
    """Take version M:V out of use for good."""
    with client() as instance:
        retired = instance.versions.retire(version, reason)
    show_done(retired, f"Retired {retired['version']}.", brief="version")


@model.command()
@click.argument("name", metavar="M", shell_complete=complete_models)
@click.option("--owner", help="Who answers for the model.")
@click.option("--description", help="What the model is for.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="Replace the tags; may be repeated.")
def update(name: str, owner: str | None, description: str | None, tags: tuple[str, ...]) -> None:
    """Change a model's owner, description or tags."""
    if wrong := [tag for tag in tags if "=" not in tag]:
        raise click.BadParameter(f"expected NAME=VALUE, got {wrong[0]!r}", param_hint="--tag")
    chosen = dict(tag.split("=", 1) for tag in tags) if tags else None
    with client() as instance:
        changed = instance.models.update(name, owner=owner, description=description, tags=chosen)
    show_done(changed, f"Changed {name}.", brief="name")


def _newest(item: Mapping[str, Any]) -> Mapping[str, Any]:
    versions: list[Mapping[str, Any]] = sorted(item["versions"], key=lambda version: int(version["number"]))
    return versions[-1] if versions else {}


def _show_model(found: Mapping[str, Any]) -> None:
    facts = {
        "model": found["name"],
        "project": found["project"],
        "owner": found["owner"],
        "description": found["description"],
        "tags": joined(f"{name}={value}" for name, value in (found["tags"] or {}).items()),
        "created": moment(found["created_at"]),
    }
    show_one(found, facts, brief="name")
    if choices().output == "table" and not choices().quiet:
        click.echo()
        titles = ("version", "state", "aliases", "framework", "serves", "metrics", "registered", "by")
        print_table(titles, [_version_cells(version) for version in found["versions"]])


def _version_cells(version: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        version["version"],
        version["state"],
        joined(version["aliases"]),
        version["framework"],
        version["serves"],
        _metrics(version),
        moment(version["registered_at"]),
        version["registered_by"],
    )


def _show_version(found: Mapping[str, Any]) -> None:
    manifest = found.get("manifest") or {}
    signature = manifest.get("signature") or {}
    facts = {
        "version": found["version"],
        "state": found["state"],
        "aliases": joined(found["aliases"]),
        "digest": found["digest"],
        "framework": found["framework"],
        "task": found["task"],
        "serves": " ".join(filter(None, (found["serves"], _because(manifest)))),
        "metrics": _metrics(found),
        "inputs": "\n".join(_column(column) for column in signature.get("inputs", ())),
        "outputs": "\n".join(_column(column) for column in signature.get("outputs", ())),
        "packages": packages_line(manifest),
        "signed by": found["signed_by"] or "not signed",
        "registered": f"{moment(found['registered_at'])} by {found['registered_by']}",
    }
    show_one(found, facts, brief="version")


def _because(manifest: Mapping[str, Any]) -> str:
    return f"({manifest['serves_because']})" if manifest.get("serves_because") else ""


def _column(column: Mapping[str, Any]) -> str:
    parts = [column["name"], column["dtype"]]
    if column.get("nullable"):
        parts.append("or null")
    if column.get("categories"):
        parts.append(f"one of {joined(column['categories'])}")
    if column.get("minimum") is not None:
        parts.append(f"{column['minimum']:.4g} to {column['maximum']:.4g}")
    roles = [role for role in column.get("roles", ()) if role != "feature"]
    return " ".join([*parts, f"[{joined(roles)}]" if roles else ""]).rstrip()


def _metrics(version: Mapping[str, Any]) -> str:
    return joined(f"{name} {value:.4g}" for name, value in (version["metrics"] or {}).items())


def _short(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
