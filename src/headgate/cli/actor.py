"""`headgate actor`: people and services, and what they may do."""

import click

from headgate.cli.instance import client, complete_actors
from headgate.cli.options import PlainGroup
from headgate.cli.rendering import joined, show_done, show_list

ROLES = ("admin", "operator", "developer", "approver", "viewer", "predict")


@click.group(cls=PlainGroup)
def actor() -> None:
    """People and services, and what they may do."""


@actor.command("list")
def list_actors() -> None:
    """Every actor with its roles."""
    with client() as instance:
        actors = instance.actors.list()
    columns = {
        "actor": lambda item: item["name"],
        "kind": lambda item: item["kind"],
        "roles": lambda item: joined(_grant(grant) for grant in item.get("grants", ())),
    }
    show_list(actors, columns, empty="No actors.", brief="name")


@actor.command()
@click.argument("name", metavar="NAME")
@click.option("--kind", type=click.Choice(["person", "service"]), default="person", show_default=True)
@click.option("--role", "roles", type=click.Choice(ROLES), multiple=True, help="May be repeated.")
@click.option("--project", metavar="P", help="Where the roles hold; default: everywhere.")
@click.option("--environment", metavar="NAME", help="Where the roles hold; default: everywhere.")
def add(name: str, kind: str, roles: tuple[str, ...], project: str | None, environment: str | None) -> None:
    """Add the actor NAME."""
    with client() as instance:
        added = instance.actors.add(name, kind=kind, roles=roles, project=project, environment=environment)
    show_done(added, f"Added {name}. Next: headgate key create --actor {name}", brief="name")


@actor.command()
@click.argument("name", metavar="NAME", shell_complete=complete_actors)
def remove(name: str) -> None:
    """Take the keys and roles of NAME away; what it did stays in the ledger."""
    with client() as instance:
        instance.actors.remove(name)
    show_done({"name": name, "state": "removed"}, f"Removed {name}.", brief="name")


@actor.command()
@click.argument("name", metavar="NAME", shell_complete=complete_actors)
@click.argument("role", type=click.Choice(ROLES))
@click.option("--project", metavar="P", help="Where the role holds; default: everywhere.")
@click.option("--environment", metavar="NAME", help="Where the role holds; default: everywhere.")
def grant(name: str, role: str, project: str | None, environment: str | None) -> None:
    """Give ROLE to NAME."""
    with client() as instance:
        changed = instance.actors.grant(name, role, project=project, environment=environment)
    show_done(changed, f"{name} is {role} now.")


@actor.command()
@click.argument("name", metavar="NAME", shell_complete=complete_actors)
@click.argument("role", type=click.Choice(ROLES))
@click.option("--project", metavar="P", help="Only where it holds for this project.")
@click.option("--environment", metavar="NAME", help="Only where it holds for this environment.")
def revoke(name: str, role: str, project: str | None, environment: str | None) -> None:
    """Take ROLE from NAME, wherever it holds."""
    with client() as instance:
        instance.actors.revoke(name, role, project=project, environment=environment)
    show_done({"name": name, "role": role, "state": "revoked"}, f"{name} is not {role} any more.")


def _grant(found: dict[str, str]) -> str:
    scope = (found.get("project") or "*", found.get("environment") or "*")
    return found["role"] if scope == ("*", "*") else f"{found['role']} in {'/'.join(scope)}"
