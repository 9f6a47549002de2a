"""Progress on stderr, on a terminal only: bars for bytes, one line for states."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from headgate.cli.options import choices


def is_wanted() -> bool:
    """Whether somebody looks at it."""
    chosen = choices()
    return sys.stderr.isatty() and not chosen.quiet and chosen.output == "table"


@contextmanager
def bytes_bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar that is given bytes done and bytes in all."""
    if not is_wanted():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


@contextmanager
def states_line(what: str) -> Iterator[Callable[[Mapping[str, Any]], None] | None]:
    """A line that shows the state of what it is given."""
    with steps_line(what) as show:
        yield (lambda item: show(str(item["state"]))) if show else None


@contextmanager
def steps_line(what: str) -> Iterator[Callable[[str], None] | None]:
    """A line that shows the step it is given."""
    if not is_wanted():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status(what) as line:
        yield lambda step: line.update(f"{what}: {step}")
