"""`headgate project`: what models and endpoints belong to."""

import click

from headgate.cli.instance import client
from headgate.cli.options import PlainGroup
from headgate.cli.rendering import moment, show_done, show_list


@click.group(cls=PlainGroup)
def project() -> None:
    """Projects: what models and endpoints belong to."""


@project.command("list")
def list_projects() -> None:
    """Every project."""
    with client() as instance:
        projects = instance.projects.list()
    columns = {"project": lambda item: item["name"], "created": lambda item: moment(item["created_at"])}
    show_list(projects, columns, empty="No projects.", brief="name")


@project.command()
@click.argument("name", metavar="P")
def create(name: str) -> None:
    """Make the project P."""
    with client() as instance:
        made = instance.projects.create(name)
    show_done(made, f"Made the project {made['name']}.", brief="name")


@project.command()
def environments() -> None:
    """Every environment, and whether approval binds there."""
    with client() as instance:
        found = instance.projects.environments()
    columns = {"environment": lambda item: item["name"], "needs approval": lambda item: item["needs_approval"]}
    show_list(found, columns, empty="No environments.", brief="name")
