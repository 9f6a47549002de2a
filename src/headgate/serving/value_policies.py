"""Values that training did not see: accepted, told in the answer's headers or refused, as the endpoint's spec says.

Compiled when a route table is taken. Only features of one value per row are looked at, and null is never unusual.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

import numpy as np

from headgate.metering.families import UNUSUAL
from headgate.records import Category, Column, EndpointSpec, Policy
from headgate.runtimes.batch import Batch
from headgate.runtimes.columns import column_array
from headgate.serving.contract import Contract, Rows
from headgate.serving.formats.format import Array
from headgate.serving.metrics import Metrics
from headgate.serving.problems import ECHOED, LISTED, Problem, excerpt, mismatch, problem

HEADER = "Headgate-Warnings"
TOLD = 8
LEVELS_SHOWN = 5


class Unusual(NamedTuple):
    """So many rows of a column are unusual in this way."""

    kind: str  # unseen_category or out_of_range
    column: str
    rows: int


# the rows → what is unusual and answered all the same; raises SignatureMismatch for what is refused
Watch = Callable[[Rows], Sequence[Unusual]]
# a column's values → which of them are unusual
Test = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Check:
    """One column, looked at in one way."""

    kind: str
    place: int
    column: Column
    policy: Policy
    expected: str
    test: Test


def watch_values(contract: Contract, spec: EndpointSpec) -> Watch | None:
    """What looks at the rows of every request, None where all values are accepted."""
    checks = [
        *(_unseen(place, column, spec.unseen_category) for place, column in enumerate(contract.features)),
        *(_beyond(place, column, spec.out_of_range) for place, column in enumerate(contract.features)),
    ]
    wanted = [check for check in checks if check is not None]
    if not wanted:
        return None

    return partial(_look, contract, wanted)


def _look(contract: Contract, checks: Sequence[Check], rows: Rows) -> Sequence[Unusual]:
    refused: list[Problem] = []
    warned = []
    for check in checks:
        values = _values(contract, rows, check)
        found = np.flatnonzero(check.test(values))
        if found.size and check.policy == "refuse":
            refused += (_problem(check, values, int(row)) for row in found[:LISTED])
        elif found.size:
            warned.append(Unusual(check.kind, check.column.name, int(found.size)))
    if refused:
        raise mismatch(sorted(refused, key=lambda entry: int(entry["row"])))
    return warned


def _values(contract: Contract, rows: Rows, check: Check) -> Array:
    if isinstance(rows.content, Batch):
        return rows.content.columns[check.column.name]
    if isinstance(rows.content, bytes):
        return np.frombuffer(rows.content, contract.dtype).reshape(rows.count, -1)[:, check.place]
    return column_array(check.column, [row[check.place] for row in rows.content])


def _unseen(place: int, column: Column, policy: Policy) -> Check | None:
    if column.categories is None or column.shape or (policy == "accept" and not column.closed):
        return None
    if column.closed:
        policy = "refuse"  # there is no answer to have
    levels = ", ".join(excerpt(level) for level in column.categories[:LEVELS_SHOWN])
    more = len(column.categories) - LEVELS_SHOWN
    expected = f"a category seen in training: {levels}" + (f" and {more} more" if more > 0 else "")
    return Check("unseen_category", place, column, policy, expected, _category_test(column.categories))


def _category_test(categories: Sequence[Category]) -> Test:
    known = frozenset(categories)

    def test(values: Array) -> Array:
        if values.dtype.kind == "O":
            return np.fromiter((value is not None and value not in known for value in values), bool, len(values))
        # few of the values differ
        different, places = np.unique(values, return_inverse=True)
        unseen = np.array([value == value and value not in known for value in different.tolist()], bool)
        return unseen[places]

    return test


def _beyond(place: int, column: Column, policy: Policy) -> Check | None:
    low, high = column.minimum, column.maximum
    if policy == "accept" or (low is None and high is None) or column.shape:
        return None
    least, most = (-np.inf if low is None else low), (np.inf if high is None else high)

    def test(values: Array) -> Array:
        beyond: Array = (values < least) | (values > most)
        return beyond

    expected = f"a number from {least:g} to {most:g}, as seen in training"
    return Check("out_of_range", place, column, policy, expected, test)


def _problem(check: Check, values: Array, row: int) -> Problem:
    value = values[row]
    return problem(row, check.column.name, check.expected, excerpt(value.item() if hasattr(value, "item") else value))


def header_line(unusual: Sequence[Unusual]) -> bytes:
    """The answer's header; names of columns are percent-encoded."""
    parts = [f"{kind};column={quote(name[:ECHOED], safe='')};rows={rows}" for kind, name, rows in unusual[:TOLD]]
    if len(unusual) > TOLD:
        parts.append(f"more;columns={len(unusual) - TOLD}")
    return f"{HEADER}: {', '.join(parts)}\r\n".encode()


class UnusualCounts:
    """Counts what was warned of, by column; series appear with the first warning. For one thread."""

    def __init__(self, metrics: Metrics, endpoint: str) -> None:
        self._metrics = metrics
        self._endpoint = endpoint
        self._places: dict[tuple[str, str], int] = {}

    def add(self, unusual: Sequence[Unusual]) -> None:
        """Count the rows of one request."""
        for kind, column, rows in unusual:
            place = self._places.get((kind, column))
            if place is None:
                labels = (("endpoint", self._endpoint), ("column", column), ("kind", kind))
                place = self._places[kind, column] = self._metrics.place(UNUSUAL, labels)
            self._metrics.values[place] += rows
