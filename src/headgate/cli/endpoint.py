"""`headgate endpoint`: what is live, what was live, its records."""

from collections.abc import Mapping
from typing import Any

import click

from headgate.cli.evidence import sentences
from headgate.cli.instance import client, complete_endpoints
from headgate.cli.options import PlainGroup, optional_reason_option, reason_option
from headgate.cli.rendering import joined, moment, show_done, show_list, show_one
from headgate.cli.spec import assigned, differences, fields_of


@click.group(cls=PlainGroup)
def endpoint() -> None:
    """Endpoints: what is live, since when, and why."""


@endpoint.command("list")
def list_endpoints() -> None:
    """Every endpoint and the version behind it."""
    with client() as instance:
        endpoints = instance.endpoints.list()
    columns = {
        "endpoint": lambda item: item["name"],
        "version": lambda item: item["version"],
        "environment": lambda item: item["environment"],
        "state": lambda item: item["state"],
        "since": lambda item: moment(item.get("since")),
        "by": lambda item: item.get("by"),
        "url": lambda item: item.get("url"),
    }
    empty = "No endpoints yet. Make one: headgate deploy M:V --endpoint E"
    show_list(endpoints, columns, empty=empty, brief="name")


@endpoint.command()
@click.argument("name", metavar="E", shell_complete=complete_endpoints)
@click.option("--at", metavar="TIME", help="What was live then: an ISO time, as 2026-01-31T12:00Z.")
def show(name: str, at: str | None) -> None:
    """What is live behind E, who put it there, on what evidence."""
    with client() as instance:
        found = instance.endpoints.show(name, at=at)
    show_one(found, _facts(found), brief="version")


@endpoint.command()
@click.argument("name", metavar="E", shell_complete=complete_endpoints)
@reason_option
def delete(name: str, reason: str) -> None:
    """Take endpoint E away; its history stays."""
    with client() as instance:
        instance.endpoints.delete(name, reason)
    show_done({"name": name, "state": "deleted"}, f"Endpoint {name} is gone.", brief="name")


@endpoint.command()
@click.argument("name", metavar="E", shell_complete=complete_endpoints)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many records.")
def logs(name: str, limit: int) -> None:
    """The newest records of predictions."""
    with client() as instance:
        records = instance.endpoints.logs(name, limit=limit)
    columns = {
        "at": lambda item: moment(item["at"]),
        "id": lambda item: item["id"],
        "version": lambda item: item["version"],
        "status": lambda item: item["status"],
        "ms": lambda item: item["latency_ms"],
        "outputs": lambda item: joined(f"{key}={value}" for key, value in (item["outputs"] or {}).items()),
    }
    show_list(records, columns, empty=f"No records of {name} yet.", brief="id")


@endpoint.command()
@click.argument("name", metavar="E", shell_complete=complete_endpoints)
def spec(name: str) -> None:
    """What was chosen for E: limits, policies, cache, recording, fallback."""
    with client() as instance:
        found = instance.endpoints.spec(name)
    show_one(found, fields_of(found["spec"]), brief="revision")


@endpoint.command()
@click.argument("name", metavar="E", shell_complete=complete_endpoints)
@click.argument("assignments", metavar="FIELD=VALUE...", nargs=-1, required=True)
@optional_reason_option
def configure(name: str, assignments: tuple[str, ...], reason: str) -> None:
    """Change fields of E's spec, as limits.timeout_ms=2000; `headgate endpoint spec E` lists them."""
    with client() as instance:
        before = instance.endpoints.spec(name)
        wanted = assigned(before["spec"], assignments)
        changed = instance.endpoints.configure(name, wanted, reason=reason, revision=before["revision"])
    lines = differences(before["spec"], changed["spec"])
    show_done(changed, "\n".join(lines) or f"{name} has that spec already.", brief="endpoint")


def _facts(found: Mapping[str, Any]) -> dict[str, object]:
    contract = found.get("contract") or {}
    return {
        "endpoint": found["name"],
        "version": found["version"],
        "state": found["state"],
        "environment": found["environment"],
        "project": found["project"],
        "url": found.get("url"),
        "generation": f"{found['generation']} in epoch {found['epoch']}" if found.get("generation") else None,
        "variants": joined(_variant(variant) for variant in found.get("variants") or ()),
        "inputs": joined(f"{column['name']}: {column['dtype']}" for column in contract.get("inputs", ())),
        "since": moment(found.get("since")),
        "by": found.get("by"),
        "reason": found.get("reason"),
        "evidence": sentences(found.get("evidence") or ()),
    }


def _variant(variant: Mapping[str, Any]) -> str:
    facts = (variant["role"], f"{variant['weight']} %", variant["form"], variant["placement"])
    return f"{variant['version']} ({joined(facts)})"
