"""`headgate gate`: the rules that a version must pass."""

import click

from headgate.cli.instance import client
from headgate.cli.options import PlainGroup
from headgate.cli.rendering import show_list


@click.group(cls=PlainGroup)
def gate() -> None:
    """The rules that a version must pass."""


@gate.command("list")
def list_gates() -> None:
    """Every gate, in the order in which a deployment walks them."""
    with client() as instance:
        gates = list(instance.connection.pages("/gates"))
    columns = {
        "gate": lambda item: item["name"],
        "rule": lambda item: item["rule"],
        "binds": lambda item: "where approval does" if item["only_with_approval"] else "everywhere",
        "can be forced": lambda item: item["can_be_forced"],
    }
    show_list(gates, columns, empty="No gates.", brief="name")
