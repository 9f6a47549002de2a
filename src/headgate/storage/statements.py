"""How long the database takes for each statement."""

import time
from typing import Any

from sqlalchemy import Connection, Engine, event

from headgate.metering.control_families import STATEMENT_SECONDS
from headgate.metering.counters import Counters
from headgate.metering.series_file import Labels

# execution option of a transaction that changes nothing
READING = "headgate_read"
READ: Labels = (("kind", "read"),)
WRITE: Labels = (("kind", "write"),)
_BEGUN = "headgate_begun"


def time_statements(engine: Engine, counters: Counters) -> None:
    """Observe every statement that the database answers, until the engine is let go."""

    def begin(connection: Connection, *_: Any) -> None:
        connection.info[_BEGUN] = time.monotonic()

    def end(connection: Connection, *_: Any) -> None:
        kind = READ if connection.get_execution_options().get(READING) else WRITE
        counters.observe(STATEMENT_SECONDS, time.monotonic() - connection.info[_BEGUN], kind)

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
