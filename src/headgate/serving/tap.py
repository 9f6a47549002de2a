"""From an answered request to its record in the spool. The request never waits for it, and never fails by it."""

import random
import time
from typing import Any

from headgate.runtimes.batch import Batch
from headgate.runtimes.runtime import Outputs
from headgate.serving.contract import Contract, Rows
from headgate.spool.segment import SpoolWriter

ROW_IDS = "row_ids"


class Tap:
    """Where the records of one version behind one endpoint go."""

    def __init__(
        self,
        writer: SpoolWriter,
        endpoint: str,
        version: str,
        contract: Contract,
        outputs: tuple[str, ...],
        share: float,
    ) -> None:
        self._writer = writer
        self._share = share
        self._sensitive = {column.name for column in contract.signature.inputs if "sensitive" in column.roles}
        self._as_matrix = contract.dtype is not None and not self._sensitive
        columns = [(column.name, column.dtype) for column in contract.features]
        self._schema = writer.schema(endpoint, version, columns, outputs, share)

    def record(
        self, request_id: str, seconds: float, status: int, rows: Rows, inputs: Batch | None, outputs: Outputs | None
    ) -> None:
        """Append one request, unless sampling passes it over; `seconds` is its latency."""
        if self._share < 1.0 and random.random() >= self._share:
            return
        matrix = inputs.matrix if inputs is not None else None
        plain = self._as_matrix and rows.others is None and rows.ids is None
        self._writer.append(
            self._schema,
            request_id,
            time.time_ns(),
            int(seconds * 1e9),
            status,
            matrix if plain else self._columns(rows, inputs),
            outputs,
        )

    def _columns(self, rows: Rows, inputs: Batch | None) -> dict[str, Any] | None:
        if inputs is None:
            return None
        columns: dict[str, Any] = {**inputs.columns, **(rows.others or {})}
        hidden = dict.fromkeys(self._sensitive & columns.keys(), [None] * inputs.rows)
        ids = {} if rows.ids is None else {ROW_IDS: rows.ids}
        return {**columns, **hidden, **ids}
