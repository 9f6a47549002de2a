"""`headgate apply`: make endpoints as files say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import click
import msgspec
import yaml

from headgate.cli.instance import client
from headgate.cli.options import PlainCommand, choices, optional_reason_option
from headgate.cli.rendering import show_list
from headgate.cli.spec import differences, whole
from headgate.client.client import Client
from headgate.conversion import converter
from headgate.errors import Malformed, NotFound
from headgate.records import Record

Outcome = dict[str, Any]


class Declaration(Record, frozen=True, kw_only=True):
    """One document of a file: `kind: endpoint`, its name and its spec."""

    kind: Literal["endpoint"]
    name: str
    # for an endpoint that does not exist yet
    project: str | None = None
    environment: str | None = None
    spec: dict[str, Any] = {}


_declaration = converter(Declaration)


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that comes twice, of which YAML would keep the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice[0]!r} comes twice", node.start_mark)
        return super().construct_mapping(node, deep)


@click.command(cls=PlainCommand)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@optional_reason_option
def apply(files: tuple[Path, ...], dry_run: bool, reason: str) -> None:
    """Make endpoints have the specs that YAML files declare.

    Each document of a file is `kind: endpoint` with `name` and `spec` (fields that it leaves out are the defaults), and
    `project` and `environment` for an endpoint that is new. All of them are checked before the first is changed.
    """
    declared = [declaration for file in files for declaration in read_declarations(file)]
    _refuse_twins(declared)
    with client() as instance:
        check_places(instance, declared)
        outcomes = [apply_one(instance, each, dry_run=dry_run, reason=reason) for each in declared]
    columns = {
        "endpoint": lambda item: item["endpoint"],
        "outcome": lambda item: item["outcome"],
        "changes": lambda item: "; ".join(item["changes"]),
    }
    show_list(outcomes, columns, empty="The files declare nothing.", brief="endpoint")
    if dry_run and choices().output == "table":
        click.echo("Nothing was changed (--dry-run).", err=True)


def read_declarations(file: Path) -> Iterator[Declaration]:
    """Every document of a YAML file, its spec whole. Raises `Malformed` naming file, document and field."""
    try:
        documents = list(yaml.load_all(file.read_text(), Loader=StrictLoader))  # a safe loader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Malformed(f"{file} is not YAML: {error}") from error
    for number, document in enumerate(documents, start=1):
        if document is None:
            continue
        try:
            declared = _declaration(document)
            yield msgspec.structs.replace(declared, spec=whole(declared.spec))
        except (msgspec.ValidationError, Malformed) as error:
            raise Malformed(f"{file}, document {number}: {error}") from error


def check_places(instance: Client, declared: list[Declaration]) -> None:
    """Raises `Malformed` for an endpoint that stands elsewhere, `NotFound` for a place that there is not."""
    standing = {each["name"].casefold(): each for each in instance.endpoints.list()}
    known = {
        "project": {each["name"].casefold() for each in instance.projects.list()},
        "environment": {each["name"].casefold() for each in instance.projects.environments()},
    }
    for each in declared:
        wanted = {"project": each.project, "environment": each.environment}
        found = standing.get(each.name.casefold())
        if found is not None:
            _require_place(found, each)
        for field, name in wanted.items():
            if found is None and name is not None and name.casefold() not in known[field]:
                raise NotFound(f"There is no {field} {name!r}, which {each.name} shall be made in.")


def _refuse_twins(declared: list[Declaration]) -> None:
    names = [each.name.casefold() for each in declared]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Malformed(f"The files declare {', '.join(twice)} more than once. Keep one of them.")


def apply_one(instance: Client, declared: Declaration, *, dry_run: bool, reason: str) -> Outcome:
    """Make one endpoint as declared, or say what would change."""
    try:
        found = instance.endpoints.spec(declared.name)
    except NotFound:
        return _make(instance, declared, dry_run=dry_run, reason=reason)
    changes = differences(found["spec"], declared.spec)
    if changes and not dry_run:
        instance.endpoints.configure(declared.name, declared.spec, reason=reason, revision=found["revision"])
    verb = "changes" if dry_run else "changed"
    return {"endpoint": declared.name, "outcome": verb if changes else "unchanged", "changes": changes}


def _make(instance: Client, declared: Declaration, *, dry_run: bool, reason: str) -> Outcome:
    changes = differences(whole({}), declared.spec)
    if not dry_run:
        instance.endpoints.configure(
            declared.name,
            declared.spec,
            reason=reason,
            project=declared.project,
            environment=declared.environment,
        )
    return {"endpoint": declared.name, "outcome": "is new" if dry_run else "made", "changes": changes}


def _require_place(found: Outcome, declared: Declaration) -> None:
    for field, wanted in (("project", declared.project), ("environment", declared.environment)):
        if wanted is not None and wanted != found[field]:
            raise Malformed(
                f"The endpoint {declared.name} stands in the {field} {found[field]}, the file says {wanted}. "
                "An endpoint does not move: choose another name, or delete it first."
            )
