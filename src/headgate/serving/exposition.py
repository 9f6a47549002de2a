"""`/metrics`: read, measured and written in a thread, for what the kernel is asked would keep predictions waiting."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from headgate.errors import HeadgateError
from headgate.home import Home
from headgate.metering.exposition import CONTENT_TYPE
from headgate.metering.series_file import Totals
from headgate.serving.crash_counts import crashed
from headgate.serving.memory import measured
from headgate.serving.metrics import render, totals
from headgate.serving.responses import OUR_FAULT, Exchange, head_of, refuse

HEAD = head_of(200, CONTENT_TYPE)
log = logging.getLogger("headgate.serving")


class Exposition:
    """The metrics of the whole node; `versions` tells which version a digest is."""

    def __init__(self, loop: asyncio.AbstractEventLoop, home: Home, versions: Callable[[], Mapping[str, str]]) -> None:
        self._loop = loop
        self._home = home
        self._versions = versions
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")
        # whoever asks while the metrics are written gets those that are written next, all at once
        self._waiting: list[Exchange] = []
        self._writing = False

    def answer(self, exchange: Exchange) -> None:
        """Answer with all metrics, soon."""
        self._waiting.append(exchange)
        if not self._writing:
            self._begin()

    def totals(self) -> Totals:
        """What all workers have counted so far; nothing is measured for it, so it is told at once."""
        return totals(self._home.run / "metrics")

    def _begin(self) -> None:
        self._writing = True
        asked, self._waiting = self._waiting, []
        work = self._loop.run_in_executor(self._thread, self._write, self._versions())
        work.add_done_callback(partial(self._send, asked))

    def _send(self, asked: Sequence[Exchange], done: "asyncio.Future[bytes]") -> None:
        self._writing = False
        error = done.exception()
        if error:
            log.error("the metrics cannot be written", exc_info=error)
        for exchange in asked:
            if error:
                refuse(exchange, HeadgateError(OUR_FAULT))
            else:
                exchange.answer(HEAD, done.result())
        if self._waiting:
            self._begin()

    def _write(self, versions: Mapping[str, str]) -> bytes:
        return render(self._home.run / "metrics", measured(self._home, versions) | crashed(self._home))
