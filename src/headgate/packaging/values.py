"""Arrays ↔ the JSON scalars of golden requests and examples."""

import base64
from typing import Any

import numpy as np

from headgate.runtimes.batch import Array
from headgate.statistics.profile import missing


def to_json(values: Array) -> list[Any]:
    """JSON values of [rows, …]: null for missing and infinite, ISO 8601 for times, base64 for bytes."""
    if values.ndim > 1:
        return [to_json(row) for row in values]
    null = missing(values) | (np.isinf(values) if values.dtype.kind == "f" else False)
    plain = values.astype("datetime64[us]") if values.dtype.kind == "M" else values
    return [None if gone else _scalar(value) for value, gone in zip(plain.tolist(), null, strict=True)]


def _scalar(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else value
