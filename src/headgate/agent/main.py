"""Composition root of the node agent: `python -m headgate.agent.main --home H [--no-control] [--temporary-for P]`."""

import argparse
import logging
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path

from headgate.agent.agent import Agent
from headgate.agent.journal import journal_path
from headgate.agent.launcher import Launcher, Programs
from headgate.agent.lock import only_agent
from headgate.agent.logs import LOG_BYTES
from headgate.agent.loop import Loop
from headgate.agent.orphans import check_control_port, find_workers, reserve_grpc, take_port
from headgate.errors import HeadgateError, Malformed
from headgate.home import Home
from headgate.log_lines import configure
from headgate.processes import end_with
from headgate.settings import Settings, check_tracing, read_settings


def run_agent(
    home: Home, settings: Settings, *, control: bool = True, programs: Programs | None = None, parent: int = 0
) -> None:
    """Run this node until SIGTERM or SIGINT, or until its `parent` ends. `control` starts a control plane too.

    Raises `Conflict` when the home has an agent or a port is taken, `Refused` when the address needs authentication.
    """
    programs = programs or Programs()
    home.create()
    with only_agent(home):
        loop = Loop()
        orphans = find_workers(home, programs)
        listener = take_port(home, settings, orphans, os.environ)
        settings, kept = reserve_grpc(home, settings, orphans)
        if control:
            # only now: the data plane may have just taken the very same
            check_control_port(home, settings, programs)
        agent = Agent(loop, Launcher(home, settings), programs, listener, control)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.post(agent.stop))
        if parent:
            end_with(parent)
        agent.start(orphans)
        loop.run()
        loop.close()
        if kept is not None:
            kept.close()
        journal_path(home).unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None, programs: Programs | None = None) -> int:
    """Exit status: 0 stopped as asked, 1 refused or failed (reason on stderr), 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m headgate.agent.main", description="The node agent of Headgate.")
    parser.add_argument("--home", required=True, type=Path, help="folder of the instance")
    parser.add_argument("--no-control", action="store_true", help="do not start a control plane")
    parser.add_argument(
        "--temporary-for", type=int, default=0, metavar="PID", help="end with this parent, and remove the home then"
    )
    chosen = parser.parse_args(arguments)
    parent = chosen.temporary_for
    home = Home(chosen.home.absolute())
    try:
        settings = _settings(home, os.environ)
        # for all that is made here and by the processes started here
        os.umask(0o077)
        home.create()
        _log_to(home, settings.log_format)
        run_agent(home, settings, control=not chosen.no_control, programs=programs, parent=parent)
    except HeadgateError as error:
        print(f"headgate: {error.message}", file=sys.stderr)  # noqa: T201 (the reason belongs on stderr)
        return 1
    finally:
        if parent and os.getppid() != parent:
            # who would have done so is gone
            shutil.rmtree(home.path, ignore_errors=True)
    return 0


def _settings(home: Home, environment: Mapping[str, str]) -> Settings:
    settings = read_settings(home.path, environment)
    if settings.workers < 1:
        raise Malformed(f"Expected at least one worker, got {settings.workers}. Set --workers.")
    check_tracing(settings)
    return settings


def _log_to(home: Home, form: str) -> None:
    """Everything to `logs/agent.log`, what needs a person also to stderr."""
    journal = RotatingFileHandler(home.logs / "agent.log", maxBytes=LOG_BYTES, backupCount=1)
    screen = logging.StreamHandler()
    screen.setLevel(logging.WARNING)
    configure("agent", form, [journal, screen])


if __name__ == "__main__":
    sys.exit(main())
