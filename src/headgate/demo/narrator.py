"""What the tour says: calm steps with rich on a terminal, plain lines elsewhere, nothing when a program listens."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

RIGHT, SAID_NO = "✓", "✗"


class Narrator:
    """Tells steps and what came of them."""

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent
        self._console = _console() if not silent and sys.stdout.isatty() else None
        self._step = 0

    def title(self, text: str, below: str) -> None:
        self._print(text, "bold")
        self._print(below)

    def step(self, text: str) -> None:
        """Begin a step."""
        self._step += 1
        self._print("")
        self._print(f"{self._step}. {text}", "bold cyan")

    def result(self, text: str) -> None:
        """Something is as promised."""
        self._print(f"   {RIGHT} {text}", "green")

    def refusal(self, text: str) -> None:
        """Something was refused, as it should be."""
        self._print(f"   {SAID_NO} {text}", "yellow")

    def remark(self, text: str) -> None:
        self._print(f"   {text}", "dim")

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A few short rows, aligned."""
        texts = [list(titles), *([str(cell) for cell in row] for row in rows)]
        widths = [max(len(line[place]) for line in texts) for place in range(len(titles))]
        for line in texts:
            cells = "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
            self._print(f"     {cells}".rstrip(), "dim" if line is texts[0] else "")

    @contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """Say what takes a moment; on a terminal with a spinner, and with the seconds it took."""
        begun = time.monotonic()
        if self._console:
            with self._console.status(f"{text} …"):
                yield
        else:
            yield
        self.remark(f"{text}: {time.monotonic() - begun:.1f} s")

    def _print(self, text: str, style: str = "") -> None:
        if self._silent:
            return
        if self._console:
            self._console.print(text, style=style or None, markup=False, highlight=False)
        else:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()


def _console() -> Any:
    from rich.console import Console

    return Console()
