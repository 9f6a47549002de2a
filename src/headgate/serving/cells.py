"""The type of one value of a column, as msgspec checks it; made once per route table, used for every cell."""

from datetime import UTC, datetime
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from headgate.records import Column, Dtype

FLOAT32_MAX = float(np.finfo(np.float32).max)
INTEGERS: dict[str, tuple[int, int]] = {
    kind: (int(np.iinfo(kind).min), int(np.iinfo(kind).max))
    for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")
}
# beyond it a float does not tell whole numbers apart
WHOLE_MAX = 1 << 53
# types made at run time: what a type checker cannot follow goes through these two
_ANNOTATED: Any = Annotated
_LIST: Any = list


class Unsigned64(int):
    """An integer below 2^64: the one width whose bounds msgspec cannot check itself."""


def cell_type(column: Column, optional: bool = False, largest: float | None = None) -> Any:
    """The type of one row's value, as msgspec checks it: no coercion, but a whole number is a fine float.

    `largest` bounds numbers on either side of 0.
    """
    kind = _scalar_type(column.dtype, largest)
    for size in reversed(column.shape):
        kind = list_of(kind) if size < 0 else list_of(kind, size, size)
    return kind | None if column.nullable or optional else kind


def _scalar_type(dtype: Dtype, largest: float | None) -> Any:
    if bounds := bounds_of(dtype, largest):
        return _ANNOTATED[int if dtype in INTEGERS else float, Meta(ge=bounds[0], le=bounds[1])]
    others: dict[str, Any] = {
        "uint64": Unsigned64, "float64": float, "bool": bool, "string": str, "bytes": bytes, "datetime": np.datetime64,
    }  # fmt: skip
    return others[dtype]


def bounds_of(dtype: Dtype, largest: float | None) -> tuple[float, float] | None:
    """The least and the largest number of a dtype that is taken; None where any is, and where it holds no numbers."""
    if dtype in INTEGERS:
        low, high = INTEGERS[dtype]
        return (low, high) if largest is None else (max(low, -int(largest)), min(high, int(largest)))
    if dtype == "float32":
        # beyond it a float32 is infinite
        largest = FLOAT32_MAX if largest is None else min(largest, FLOAT32_MAX)
    return None if largest is None or not dtype.startswith("float") else (-largest, largest)


def list_of(kind: Any, low: int | None = None, high: int | None = None) -> Any:
    """The type of a list of that many values of a kind."""
    return _LIST[kind] if low is None else _ANNOTATED[_LIST[kind], Meta(min_length=low, max_length=high)]


def read_cell(kind: type, value: Any) -> Any:
    """msgspec's hook for the types it does not know; raises ValueError for what is none of them."""
    if kind is np.datetime64:
        return read_datetime(value)
    if kind is Unsigned64 and type(value := as_whole(value)) is int and 0 <= value < 1 << 64:
        return Unsigned64(value)
    raise ValueError(f"not a {kind.__name__}")


def as_whole(value: Any, rank: int = 0) -> Any:
    """A float that is a whole number as one, `13.0` for example, in lists of that rank; anything else as it is."""
    if rank and type(value) is list:
        return [as_whole(item, rank - 1) for item in value]
    return int(value) if type(value) is float and value.is_integer() and abs(value) <= WHOLE_MAX else value


def read_datetime(value: Any) -> np.datetime64:
    """ISO 8601 text in microseconds of UTC; a time without a zone is taken as UTC. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("not ISO 8601 text")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError as error:
            raise ValueError("beyond year 1 to 9999 in UTC") from error
    return np.datetime64(moment, "us")
