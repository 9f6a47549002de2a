"""docs/reference/frameworks.md: every model of the table of estimators, what became of it, and how fast it is."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.packaging.estimators import CASES, Case

from headgate.bundle.bundle import Bundle
from headgate.bundle.golden import read_golden
from headgate.bundle.manifest import Form
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.registry import load_runtime

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "frameworks.md"
SHOWN = ("scikit-learn", "xgboost-cpu", "xgboost", "lightgbm", "catboost", "pandas")
ROWS = (1, 1000)
SECONDS, CALLS = 0.1, 200  # that one figure may take
TITLE = """# Frameworks

What becomes of a model when it is packaged, for every model that the test suite packages: real estimators on the data
sets of scikit-learn, and on the bookings of a hotel. Written by `make test-all PAGE=1`; a test holds its rows against
the models.

*compiled* is the largest difference between the two forms' numbers, relative beyond 1, on the data and at the split
points of trees, where no label may differ; or why there is no compiled form. Far beyond the data, up to a million times
its range, the two agree as well. *serves* is the form that is served: the
faster of two that agree. The rates are rows per second of one thread asked for 1 and for 1,000 rows, without a server
around it, on two shared cores: good for comparing forms of a model, not machines. *bytes* are those of the form's file.

"""
HEAD = ("model", "framework", "task", "packages", "compiled", "serves", "native 1", "native 1,000", "onnx 1",
        "onnx 1,000", "native bytes", "onnx bytes")  # fmt: skip


@dataclass
class Page:
    """Rows as they come in; kept when all cases have come."""

    wanted: bool
    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, case: Case, bundle: Bundle) -> None:
        """Measure one bundle, where a page is wanted."""
        if self.wanted:
            self.rows[case.name] = row_of(case, bundle)

    def keep(self) -> None:
        """Write the page; a run of some cases only leaves it alone."""
        if self.wanted and self.rows.keys() == {case.name for case in CASES}:
            PAGE.write_text(render([self.rows[case.name] for case in CASES]))


def render(rows: list[tuple[str, ...]]) -> str:
    """The page's text."""
    lines = [HEAD, tuple("---:" if place > 5 else "---" for place in range(len(HEAD))), *rows]
    return TITLE + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def read_rows(text: str) -> list[dict[str, str]]:
    """The rows of a page, by column."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [dict(zip(HEAD, line, strict=True)) for line in cells[1:] if not line[0].startswith("---")]


def row_of(case: Case, bundle: Bundle) -> tuple[str, ...]:
    """What the page says of a bundle."""
    manifest = bundle.manifest
    compiled, native = manifest.forms["onnx"], manifest.forms["native"]
    packages = [
        f"{name} {manifest.environment.packages[name]}" for name in SHOWN if name in manifest.environment.packages
    ]
    difference = f"{compiled.parity.max_difference:g}" if compiled.parity else compiled.refused
    framework = manifest.framework + (f" with {case.needs}" if case.needs not in ("", manifest.framework) else "")
    return (
        case.name,
        framework,
        manifest.task,
        ", ".join(packages),
        difference.replace("|", "/"),
        manifest.serves,
        *rates(bundle, "native"),
        *rates(bundle, "onnx"),
        size(bundle, native),
        size(bundle, compiled),
    )


def size(bundle: Bundle, form: Form) -> str:
    """Bytes of a form's file."""
    return f"{bundle.manifest.files[form.path].size:,}" if form.path else "–"


def rates(bundle: Bundle, name: str) -> Iterator[str]:
    """Rows per second, for calls of one row and of many."""
    form = bundle.manifest.forms[name]
    if not form.path:
        yield from ("–" for _ in ROWS)
        return
    model = load_runtime(form.runtime).load(bundle.folder, bundle.manifest, name)
    golden = read_golden(bundle.folder, bundle.manifest)
    for rows in ROWS:
        columns = {
            column: [values[place % golden.rows] for place in range(rows)]
            for column, values in golden.inputs.columns.items()
        }
        batch = batch_from_columns(bundle.manifest.signature, columns)
        yield f"{rows / best_seconds(partial(model.predict, batch)):,.0f}"
    model.close()


def best_seconds(call: Callable[[], Any]) -> float:
    """The shortest of some calls."""
    best, begun = float("inf"), time.perf_counter()
    for _ in range(CALLS):
        start = time.perf_counter()
        call()
        now = time.perf_counter()
        best = min(best, now - start)
        if now - begun > SECONDS:
            break
    return best
