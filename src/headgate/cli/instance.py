"""The client of the running command, and names completed from the server while a line is typed."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from click.shell_completion import CompletionItem

from headgate.cli.options import META, choices
from headgate.client.client import Client
from headgate.errors import HeadgateError

PATIENCE = 1.0  # seconds that a completion may take

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


@contextmanager
def client() -> Iterator[Client]:
    """The instance that the global options name."""
    with Client(url=choices().url) as found:
        yield found


def complete_models(ctx: click.Context, option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _complete(ctx, incomplete, lambda instance: [model["name"] for model in instance.models.list()])


def complete_versions(ctx: click.Context, option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _complete(
        ctx,
        incomplete,
        lambda instance: [version["version"] for model in instance.models.list() for version in model["versions"]],
    )


def complete_endpoints(ctx: click.Context, option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _complete(ctx, incomplete, lambda instance: [endpoint["name"] for endpoint in instance.endpoints.list()])


def complete_actors(ctx: click.Context, option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _complete(ctx, incomplete, lambda instance: [actor["name"] for actor in instance.actors.list()])


def _complete(ctx: click.Context, incomplete: str, names: Callable[[Client], list[str]]) -> list[CompletionItem]:
    try:
        url = ctx.meta.get(META + "url") or os.environ.get("HEADGATE_URL")
        with Client(url=url, timeout=PATIENCE) as instance:
            return [CompletionItem(name) for name in names(instance) if name.lower().startswith(incomplete.lower())]
    except HeadgateError:
        # a shell that asks for names has no place for errors: no instance, no names
        return []
