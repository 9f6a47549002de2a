"""The pages of docs/reference, made of commands and settings themselves: `python -m headgate.cli.reference FOLDER`."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from headgate.cli.main import COMMANDS, headgate
from headgate.cli.options import global_options
from headgate.records import EndpointSpec
from headgate.settings import setting_declarations

MADE = "<!-- made by `make docs` from the code; change it there -->"


def pages() -> dict[str, str]:
    """File name → content of every generated page."""
    return {
        "cli.md": "\n".join(command_lines()),
        "settings.md": "\n".join(setting_lines()),
        "spec.md": "\n".join(spec_lines()),
    }


def command_lines() -> Iterator[str]:
    """Every command with its arguments and options."""
    yield from ("# Command line", "", MADE, "")
    yield "`headgate`, also `python -m headgate`. These options are taken before and after every command:"
    yield ""
    yield from _options(global_options())
    yield from (
        "Exit codes: 0 done, 1 refused or failed (the reason is on stderr), 2 wrong usage, 3 not reachable.",
        "With `--output json` an error is one JSON object on stderr: `error`, `code`, `detail`, `id`.",
        "",
    )
    context = click.Context(headgate, info_name="headgate")
    for name in COMMANDS:
        command = headgate.get_command(context, name)
        assert command is not None
        yield from _command(command, f"headgate {name}")


def setting_lines() -> Iterator[str]:
    """Every setting with its flag, variable, default and what a change costs."""
    yield from ("# Settings", "", MADE, "")
    yield from (
        "A flag of `headgate up` beats the environment, the environment beats `headgate.toml` (in the home, or beside",
        "it), the file beats the default.",
        "",
        "| setting | flag | environment | type | default | what it is | a change takes |",
        "|---|---|---|---|---|---|---|",
    )
    for setting in setting_declarations():
        name, default = setting["name"], setting["default"]
        cells = (
            f"`{name}`",
            f"`--{name.replace('_', '-')}`",
            f"`HEADGATE_{name.upper()}`",
            setting["type"],
            f"`{str(default).lower() if isinstance(default, bool) else default}`" if default != "" else "",
            setting["help"],
            setting["change"],
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


EXAMPLE = """```yaml
kind: endpoint
name: fraud
# for an endpoint that does not exist yet
project: default
environment: production
spec:
  limits:
    timeout_ms: 500
    requests_per_second: 200
  unseen_category: warn
```"""


def spec_lines() -> Iterator[str]:
    """Every field of an endpoint's spec with its type, default and bounds."""
    yield from ("# Spec of an endpoint", "", MADE, "")
    yield from (
        "What the owner of an endpoint chooses for it. `headgate endpoint spec E` shows it, `headgate endpoint",
        "configure E limits.timeout_ms=500` changes fields, and `headgate apply FILE` makes endpoints have the specs",
        "that a YAML file declares, where a field that is left out has its default. It is in force within a second,",
        "without a restart, and each change is in the ledger.",
        "",
        EXAMPLE,
        "",
        "| field | type | default | what it is | least | most |",
        "|---|---|---|---|---|---|",
    )
    for name, schema in _spec_fields():
        default = schema.get("default", "")
        shown = f"`{default}`" if default != "" else "none"
        bounds = (schema.get("minimum", ""), schema.get("maximum", ""))
        kind = schema.get("type", " or ".join(f"`{value}`" for value in schema.get("enum", ())))
        yield f"| `{name}` | {kind} | {shown} | {schema.get('description', '')} | {bounds[0]} | {bounds[1]} |"
    yield ""


def _spec_fields() -> Iterator[tuple[str, dict[str, Any]]]:
    schemas = msgspec.json.schema(EndpointSpec)["$defs"]
    for name, schema in schemas["EndpointSpec"]["properties"].items():
        if name == "limits":
            yield from ((f"limits.{inner}", each) for inner, each in schemas["Limits"]["properties"].items())
        else:
            yield name, schema


def main(folder: Path) -> None:
    """Write the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in pages().items():
        (folder / name).write_text(content)


def _command(command: click.Command, path: str) -> Iterator[str]:
    yield from (f"## `{path}`" if path.count(" ") == 1 else f"### `{path}`", "")
    if isinstance(command, click.Group):
        yield from (_help(command), "")
        for name, verb in command.commands.items():
            yield from _command(verb, f"{path} {name}")
        return
    context = click.Context(command)
    arguments = [each.make_metavar(context) for each in command.params if isinstance(each, click.Argument)]
    yield from ("```", " ".join([path, *arguments, "[OPTIONS]"]), "```", "", _help(command), "")
    everywhere = {option.help for option in global_options()}
    named = (option for option in command.params if isinstance(option, click.Option))
    yield from _options([option for option in named if option.help not in everywhere])


def _options(options: list[click.Option]) -> Iterator[str]:
    shown = [record for option in options if (record := _record(option))]
    for names, text in shown:
        yield f"- `{names}` {text}".rstrip()
    if shown:
        yield ""


def _record(option: click.Option) -> tuple[str, str] | None:
    return option.get_help_record(click.Context(click.Command(None)))


def _help(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").replace("\b\n", "").strip()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
