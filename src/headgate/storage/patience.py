"""How long anything of PostgreSQL is waited for: a server may be busy, gone without a word, or stopped."""

from typing import Any

from sqlalchemy import URL, Connection, Engine, event, text

# for a connection, whether a new one or one of the pool, and for another writer
BUSY_SECONDS = 5.0
# a query that takes longer is given up by the server
QUERY_SECONDS = 15
# and one whose server says nothing at all is given up here
SILENT_SECONDS = 20.0
# a writer that is stopped in its transaction keeps the others out for so long
IDLE_SECONDS = 60
_POOL = {"pool_pre_ping": True, "pool_size": 8, "max_overflow": 32, "pool_recycle": 1800, "hide_parameters": True}
# what libpq does for connections over TCP: to notice a machine that is gone
_LIBPQ = {
    "connect_timeout": int(BUSY_SECONDS),
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": int(SILENT_SECONDS * 1000),
}
# libpq's PQTRANS_ACTIVE
_ACTIVE = 1
_BOUND = text(
    "SELECT set_config('statement_timeout', :query, true), set_config('lock_timeout', :lock, true), "
    "set_config('idle_in_transaction_session_timeout', :idle, true)"
)


def engine_options(url: URL) -> dict[str, Any]:
    """What an engine is made with; what the URL says itself stands."""
    chosen = {name: value for name, value in _LIBPQ.items() if name not in url.query}
    return {**_POOL, "pool_timeout": BUSY_SECONDS, "connect_args": chosen}


def bound(tx: Connection, query_seconds: float, lock_seconds: float = BUSY_SECONDS) -> None:
    """Limit what the server takes for this transaction, and how long it is waited for. 0: no limit."""
    driver: Any = tx.connection.driver_connection
    driver.headgate_patience = max(SILENT_SECONDS, query_seconds + BUSY_SECONDS) if query_seconds else None
    limits = {"query": query_seconds, "lock": lock_seconds, "idle": IDLE_SECONDS}
    tx.execute(_BOUND, {name: f"{int(seconds * 1000)}" for name, seconds in limits.items()})


def bound_waiting(engine: Engine) -> None:
    """Have every connection of this engine give up, and close, when its server is silent for too long."""

    def limit(connection: Any, _record: object) -> None:
        wait = connection.wait
        connection.headgate_patience = BUSY_SECONDS

        def wait_bounded(generator: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            try:
                return wait(generator, interval, timeout or connection.headgate_patience)
            except connection.OperationalError:
                # the server still owes an answer: nothing can be asked there any more
                if connection.pgconn.transaction_status == _ACTIVE:
                    connection.close()
                raise

        connection.wait = wait_bounded

    def forget(connection: Any, _record: object) -> None:
        # in the pool it is asked whether it lives, before it is used again; one that was lost is none any more
        if connection is not None:
            connection.headgate_patience = BUSY_SECONDS

    event.listen(engine, "connect", limit)
    event.listen(engine, "checkin", forget)
