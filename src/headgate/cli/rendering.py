"""How answers look: tables for people, JSON and YAML for programs."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
import yaml

from headgate.cli.options import choices

Cells = Sequence[object]
Brief = Callable[[Any], object]


def show_list(items: Sequence[Mapping[str, Any]], columns: Mapping[str, Brief], *, empty: str, brief: str) -> None:
    """A list of one noun: a table with `columns` (title → what to show of an item), or an array.

    Where there is nothing, `empty` says how to get something. With --quiet, the field `brief` of each, a line each.
    """
    chosen = choices()
    if chosen.output != "table":
        _print_data(list(items))
    elif chosen.quiet:
        for item in items:
            click.echo(str(item[brief]))
    elif not items:
        click.echo(empty, err=True)
    else:
        print_table(list(columns), [[show(item) for show in columns.values()] for item in items])


def show_one(item: Mapping[str, Any], facts: Mapping[str, object], *, brief: str) -> None:
    """One thing: its `facts` line by line, or the whole object. Facts that are empty are left out."""
    chosen = choices()
    if chosen.output != "table":
        _print_data(item)
    elif chosen.quiet:
        click.echo(str(item[brief]))
    else:
        print_facts(facts)


def show_done(item: Mapping[str, Any], sentence: str, *, brief: str = "") -> None:
    """What a verb has done: one sentence, or the object that it answered."""
    chosen = choices()
    if chosen.output != "table":
        _print_data(item)
    elif not chosen.quiet:
        click.echo(sentence)
    elif brief:
        click.echo(str(item[brief]))


def say(sentence: str) -> None:
    """A remark for people, on stderr, so that data stays alone on stdout."""
    chosen = choices()
    if not chosen.quiet and chosen.output == "table":
        click.echo(sentence, err=True)


def print_table(titles: Sequence[str], rows: Iterable[Cells]) -> None:
    """Columns side by side; with rich on a terminal, aligned plain text elsewhere."""
    texts = [[_text(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(titles, texts)
        return
    widths = [max(len(line[place]) for line in [list(titles), *texts]) for place in range(len(titles))]
    for line in [[title if ":" in title else title.upper() for title in titles], *texts]:
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def print_facts(facts: Mapping[str, object]) -> None:
    shown = {name: _text(value) for name, value in facts.items() if value not in (None, "", [], {}, ())}
    width = max(map(len, shown), default=0)
    for name, text in shown.items():
        first, *rest = text.split("\n")
        click.echo(f"{click.style(name.ljust(width), bold=True)}  {first}")
        for line in rest:
            click.echo(f"{'':{width}}  {line}")


def moment(text: str | None) -> str:
    """An ISO time of the API as people write it, UTC, to the second."""
    if not text:
        return ""
    try:
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return text


def joined(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values)


def _print_data(data: Any) -> None:
    if choices().output == "yaml":
        click.echo(yaml.safe_dump(_plain(data), sort_keys=False, allow_unicode=True).rstrip())
    else:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def _plain(data: Any) -> Any:
    """Without subclasses of dict, which YAML does not know."""
    return json.loads(json.dumps(data))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def _rich_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*titles, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    Console().print(table)


def packages_line(manifest: Mapping[str, Any]) -> str:
    """How many packages a bundle needs, and whether another machine can build their environment."""
    environment = manifest.get("environment") or {}
    count = f"{len(environment.get('packages') or ())} for Python {environment.get('python', '')}"
    if "requirements.txt" not in (manifest.get("files") or {}):
        return count
    if unlocked := environment.get("unlocked"):
        return f"{count}, without hashes: {unlocked}"
    return f"{count}, with hashes"
