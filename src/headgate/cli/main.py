"""The command `headgate`: finds the command by name, loads its file, and turns errors into exit codes."""

import importlib
import itertools
import json
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from headgate import __version__
from headgate.cli.options import PlainGroup
from headgate.errors import HeadgateError, Malformed, Unreachable, error_body

FAILED, WRONG_USAGE, NOT_REACHABLE, INTERRUPTED = 1, 2, 3, 130
SHOWN_DETAILS = 10

# name → where it is, and its line in the help, so that the help loads nothing
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("headgate.cli.demo:demo", "Guided tour on real data."),
    "serve": ("headgate.cli.serve:serve", "Serve one model file or bundle at once, without a registry."),
    "up": ("headgate.cli.up:up", "Start Headgate: control plane, workers, model hosts."),
    "down": ("headgate.cli.down:down", "Stop what `up` started."),
    "status": ("headgate.cli.status:status", "Show what runs."),
    "package": ("headgate.cli.package:package", "Make a bundle of a model."),
    "import": ("headgate.cli.importing:import_model", "Make a bundle of a model as another product keeps it."),
    "optimize": ("headgate.cli.optimize:optimize", "Measure smaller and faster variants of a bundle."),
    "register": ("headgate.cli.version:register", "Register a bundle as the next version of its model."),
    "model": ("headgate.cli.model:model", "Models and their versions."),
    "project": ("headgate.cli.project:project", "Projects: what models and endpoints belong to."),
    "gate": ("headgate.cli.gate:gate", "The rules that a version must pass."),
    "approve": ("headgate.cli.version:approve", "Let a version take production traffic."),
    "reject": ("headgate.cli.version:reject", "Keep a version out of production."),
    "deploy": ("headgate.cli.deploy:deploy", "Move an endpoint to a version."),
    "apply": ("headgate.cli.apply:apply", "Make endpoints as files say."),
    "rollout": ("headgate.cli.rollout:rollout", "Watch, look back at and abort rollouts."),
    "endpoint": ("headgate.cli.endpoint:endpoint", "Endpoints: what is live, since when, and why."),
    "predict": ("headgate.cli.predict:predict", "Ask an endpoint for predictions."),
    "audit": ("headgate.cli.audit:audit", "The ledger of every change, and whether it is whole."),
    "actor": ("headgate.cli.actor:actor", "People and services, and what they may do."),
    "key": ("headgate.cli.key:key", "Keys that let actors in."),
    "gc": ("headgate.cli.gc:gc", "Remove stored bundles that nothing refers to."),
    "backup": ("headgate.cli.backup:backup", "Save models, endpoints, keys and the ledger to one file."),
    "restore": ("headgate.cli.backup:restore", "Make a new home of a backup."),
    "upgrade": ("headgate.cli.upgrade:upgrade", "Bring the database to the schema of this release."),
    "completion": ("headgate.cli.completion:completion", "Print the completion script of a shell."),
}


class LazyGroup(PlainGroup):
    """A group that loads a command's file when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = [CompletionItem(name, help=line) for name, (_, line) in COMMANDS.items() if name.startswith(incomplete)]
        # past the group's own: options alone
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="headgate", message="%(prog)s %(version)s")
def headgate() -> None:
    """Take a trained model to production and keep it healthy there.

    Start with `headgate demo`, or with `headgate serve MODEL`. Exit codes: 0 done, 1 refused or failed, 2 wrong
    usage, 3 not reachable.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code."""
    wants_json = _wants_json(arguments)
    try:
        result = headgate.main(list(arguments), prog_name="headgate", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return WRONG_USAGE
    except click.ClickException as error:
        return _usage(error, wants_json)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return INTERRUPTED
    except HeadgateError as error:
        report(error, wants_json)
        return NOT_REACHABLE if isinstance(error, Unreachable) else FAILED
    except BrokenPipeError:
        # the reader of our output has left, as `head` does; there is nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        report(Malformed(f"Expected to use {error.filename or 'a file'}, could not: {error.strerror}."), wants_json)
        return FAILED
    return result if isinstance(result, int) else 0


def main() -> None:
    """The entry point of the console script."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # as Ctrl-C: what a command has started is stopped, what it has made for itself is removed; nohup is respected
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)
    sys.exit(run(sys.argv[1:]))


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def report(error: HeadgateError, as_json: bool) -> None:
    """The one shape of errors: what was expected and got, where, and the next step; on stderr."""
    if as_json:
        click.echo(json.dumps(error_body(error), default=str), err=True)
        return
    click.echo(f"Error: {error.message}", err=True)
    # what the sentence says already is not said twice
    further = [item for item in error.detail if "reason" not in item or str(item["reason"]) not in error.message]
    for item in further[:SHOWN_DETAILS]:
        click.echo(f"  {_sentence(item)}", err=True)
    if len(further) > SHOWN_DETAILS:
        click.echo(f"  … and {len(further) - SHOWN_DETAILS} more", err=True)


def _sentence(item: dict[str, Any]) -> str:
    where = ", ".join(f"{name} {item[name]}" for name in ("row", "column") if name in item)
    if "expected" in item:
        return f"{where}: expected {item['expected']}, got {item.get('got')}"
    return ", ".join(f"{name}: {value}" for name, value in item.items() if value not in (None, "", [], {}))


def _usage(error: click.ClickException, as_json: bool) -> int:
    if as_json:
        body = {"error": error.format_message(), "code": "WRONG_USAGE", "detail": [], "id": ""}
        click.echo(json.dumps(body), err=True)
    else:
        error.show()
    return WRONG_USAGE if isinstance(error, click.UsageError) else FAILED


def _wants_json(arguments: Sequence[str]) -> bool:
    """Known before the line is parsed, for the errors of parsing."""
    pairs = itertools.pairwise([*arguments, ""])
    chosen = [
        following if argument == "--output" else argument.partition("=")[2]
        for argument, following in pairs
        if argument == "--output" or argument.startswith("--output=")
    ]
    formats = [value for value in chosen if value in ("table", "json", "yaml")]
    return bool(formats) and formats[-1] != "table"


if __name__ == "__main__":
    main()
