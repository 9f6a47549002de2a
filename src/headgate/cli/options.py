"""The options that every command takes, before and after its name, and the commands that carry them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import click

Format = Literal["table", "json", "yaml"]
FORMATS: tuple[Format, ...] = ("table", "json", "yaml")
META = "headgate."

POSITIVE = click.FloatRange(0, 1e6, min_open=True)  # seconds

reason_option = click.option("--reason", required=True, help="Why; kept in the ledger.")
optional_reason_option = click.option("--reason", default="", help="Why; kept in the ledger.")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the global options say."""

    url: str | None = None
    output: Format = "table"
    quiet: bool = False


def choices() -> Choices:
    """The global options of the running command."""
    meta = click.get_current_context().meta
    return Choices(
        url=meta.get(META + "url"), output=meta.get(META + "output", "table"), quiet=meta.get(META + "quiet", False)
    )


def global_options() -> list[click.Option]:
    """A fresh set; given twice, the one nearer to the end of the line counts."""
    return [
        click.Option(
            ["--url"], metavar="URL", expose_value=False, callback=_keep,
            help="Control plane to talk to; default: the instance of this folder.",
        ),
        click.Option(
            ["--output"], type=click.Choice(FORMATS), expose_value=False, callback=_keep,
            help="How data is printed; default: table.",
        ),
        click.Option(
            ["--quiet", "-q"], is_flag=True, default=None, expose_value=False, callback=_keep,
            help="Print names only, and no progress.",
        ),
    ]  # fmt: skip


def output_or_file(help_text: str) -> Callable[[Any], Any]:
    """`--output` where it also names a file: `table`, `json` and `yaml` are formats, anything else is the file."""

    def sort_out(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> str | None:
        files = [value for value in values if value not in FORMATS]
        for value in values:
            if value in FORMATS:
                ctx.meta[META + "output"] = value
        if len(files) > 1:
            raise click.BadParameter(f"expected one path, got {' and '.join(files)}", ctx, option)
        return files[0] if files else None

    return click.option(
        "--output", "output", metavar="PATH", multiple=True, callback=sort_out,
        help=f"{help_text} (`table`, `json` and `yaml` choose the format, as everywhere; ./json is a path.)",
    )  # fmt: skip


def _keep(ctx: click.Context, option: click.Parameter, value: object) -> None:
    if value is not None:
        ctx.meta[f"{META}{option.name}"] = value


def _add_globals(command: click.Command) -> None:
    taken = {name for option in command.params for name in option.opts}
    command.params += [option for option in global_options() if not taken & set(option.opts)]


class PlainCommand(click.Command):
    """A command that takes the global options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _add_globals(self)


class PlainGroup(click.Group):
    """A noun whose verbs take the global options."""

    command_class = PlainCommand
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _add_globals(self)
