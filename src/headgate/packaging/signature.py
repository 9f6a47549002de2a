"""From data and what the model says to the typed inputs and outputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from headgate.errors import SignatureMismatch
from headgate.packaging.facts import Facts
from headgate.packaging.roles import Given, is_aside, read_roles, require_known, with_feature
from headgate.packaging.synthesis import stand_in
from headgate.packaging.table import Table, dtype_of, nullable
from headgate.packaging.values import to_json
from headgate.records import Category, Column, Role, Scalar
from headgate.runtimes.batch import Array
from headgate.runtimes.columns import fits_shape
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES
from headgate.statistics.profile import missing

MAX_LEVELS = 256


def fit_table(table: Table, facts: Facts, roles: Mapping[str, tuple[Role, ...]]) -> Table:
    """The table with the model's names and order: features first, then the columns with other roles.

    Raises `SignatureMismatch` naming the columns that are missing or too many.
    """
    require_known(roles, table.names if table.named or not facts.named else facts.names)
    if not facts.columns:
        return _ordered(table, [name for name in table.names if not is_aside(roles.get(name, ()))])
    if not table.named and len(table.names) == len(facts.names):
        return table.rename(facts.names)
    if facts.named:
        return _by_name(table, facts, roles)
    features = [name for name in table.names if not is_aside(roles.get(name, ()))]
    if len(features) != len(facts.names):
        raise SignatureMismatch(
            f"The model was fitted on {len(facts.names)} columns, the data has {len(features)}: {', '.join(features)}. "
            f"Leave out the target, and give the columns that the model does not take a role: "
            f"roles={{'{features[-1]}': 'context'}}."
        )
    return _ordered(table, features)


def infer_inputs(table: Table | None, facts: Facts, given: Given | None) -> tuple[Table | None, tuple[Column, ...]]:
    """The table, fitted to the model, and one column of the signature for each of its columns.

    Without data it is what the fitted model says. Raises `SignatureMismatch` or, for a role, `Malformed`.
    """
    roles = read_roles(given)
    if table is None:
        if not facts.columns:
            raise SignatureMismatch(
                "The model does not say which columns it takes: give some rows of them, data=… or --data FILE."
            )
        require_known({name: told for name, told in roles.items() if not is_aside(told)}, facts.names)
        return None, tuple(_undescribed(column, roles.get(column.name, ())) for column in facts.columns)
    fitted = fit_table(table, facts, roles)
    taken = set(facts.names) if facts.named else {n for n in fitted.names if not is_aside(roles.get(n, ()))}
    columns = []
    told_shapes = {column.name: column.shape for column in facts.columns}
    for name, values in fitted.columns.items():
        told = with_feature(roles.get(name, ()), name in taken)
        seen = _describe(name, values, told, fitted.levels.get(name, ()))
        columns.append(_freed(seen, told_shapes.get(name, ())))
    return fitted, tuple(columns)


def without_extent(columns: Sequence[Column], facts: Facts) -> tuple[Column, ...]:
    """The columns of a few example rows: they show what a column is, not how far it goes; levels are the model's."""
    known = {column.name: column.categories for column in facts.columns}
    return tuple(
        msgspec.structs.replace(
            column,
            minimum=None,
            maximum=None,
            categories=None if "sensitive" in column.roles else known.get(column.name),
        )
        for column in columns
    )


def infer_outputs(outputs: Outputs) -> tuple[Column, ...]:
    """The columns that the model was seen to answer."""
    found = [Column(name=PREDICTIONS, dtype=dtype_of(outputs[PREDICTIONS]), shape=outputs[PREDICTIONS].shape[1:])]
    if PROBABILITIES in outputs:
        found.append(Column(name=PROBABILITIES, dtype="float64", shape=outputs[PROBABILITIES].shape[1:]))
    others = [name for name in outputs if name not in (PREDICTIONS, PROBABILITIES)]
    found += [Column(name=name, dtype=dtype_of(outputs[name]), shape=outputs[name].shape[1:]) for name in others]
    return tuple(found)


def sensitive_names(columns: Sequence[Column]) -> tuple[str, ...]:
    """Columns whose real values never enter a bundle."""
    return tuple(column.name for column in columns if "sensitive" in column.roles)


def _by_name(table: Table, facts: Facts, roles: Mapping[str, tuple[Role, ...]]) -> Table:
    lacking = [name for name in facts.names if name not in table.columns]
    surplus = [name for name in table.names if name not in facts.names and name not in roles]
    if lacking or surplus:
        problems = [f"lacks {', '.join(lacking)}"] if lacking else []
        problems += [f"has {', '.join(surplus)} too"] if surplus else []
        raise SignatureMismatch(
            f"The model was fitted on the columns {', '.join(facts.names)}; the data {' and '.join(problems)}. "
            f"Drop or rename columns; a target is named by target=…, a column for other uses by roles=….",
            detail=[
                *({"column": name, "expected": "a column of the data", "got": None} for name in lacking),
                *({"column": name, "expected": None, "got": "a column of the data"} for name in surplus),
            ],
        )
    return _ordered(table, facts.names)


def _ordered(table: Table, first: Sequence[str]) -> Table:
    names = [*first, *(name for name in table.names if name not in set(first))]
    return Table({name: table.columns[name] for name in names}, table.named, table.levels)


def _undescribed(column: Column, roles: tuple[Role, ...]) -> Column:
    told = with_feature(roles, True)
    kept = None if "sensitive" in told else column.categories
    bare = msgspec.structs.replace(column, roles=told, categories=kept)
    return msgspec.structs.replace(bare, example=stand_in(bare, 0))


def _describe(name: str, values: Array, roles: tuple[Role, ...], levels: tuple[Category, ...]) -> Column:
    bare = Column(name=name, dtype=dtype_of(values), roles=roles, nullable=nullable(values), shape=values.shape[1:])
    if "sensitive" in roles:
        return msgspec.structs.replace(bare, example=stand_in(bare, 0))
    low, high = _range(values)
    return msgspec.structs.replace(
        bare, categories=levels or _levels(values), minimum=low, maximum=high, example=_example(values)
    )


def _freed(column: Column, told: tuple[int, ...]) -> Column:
    """The column with the sizes that its model leaves free, whatever those of the data."""
    return msgspec.structs.replace(column, shape=told) if -1 in told and fits_shape(column.shape, told) else column


def _range(values: Array) -> tuple[float | None, float | None]:
    if values.dtype.kind not in "iuf" or values.ndim != 1:
        return None, None
    present = values[np.isfinite(values)]
    return (float(present.min()), float(present.max())) if len(present) else (None, None)


def _levels(values: Array) -> tuple[Category, ...] | None:
    """Text is a category where levels come back: on average each twice or more, and no more than 256."""
    if values.dtype.kind != "O" or values.ndim != 1 or dtype_of(values) != "string":
        return None
    present = [value for value in values.tolist() if value is not None]
    found = sorted(set(present))
    return tuple(found) if 0 < len(found) <= min(MAX_LEVELS, len(present) // 2) else None


def _example(values: Array) -> Scalar:
    if values.ndim != 1:
        return None
    present: Any = values[~missing(values)]
    shown = to_json(present[:1])
    return shown[0] if shown and not isinstance(shown[0], list) else None
