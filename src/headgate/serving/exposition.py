"""`/metrics`: read, measured and written in a thread, for what the kernel is asked would keep predictions waiting."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from headgate.errors import HeadgateError
from headgate.home import Home
from headgate.serving.crash_counts import render_crashes
from headgate.serving.memory import measured
from headgate.serving.metrics import render
from headgate.serving.responses import Exchange, head_of, refuse

HEAD = head_of(200, "text/plain; version=0.0.4; charset=utf-8")
log = logging.getLogger("headgate.serving")


class Exposition:
    """The metrics of the whole node; `versions` tells which version a digest is."""

    def __init__(self, loop: asyncio.AbstractEventLoop, home: Home, versions: Callable[[], Mapping[str, str]]) -> None:
        self._loop = loop
        self._home = home
        self._versions = versions
        # one thread: whoever asks again and again waits for himself
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")

    def answer(self, exchange: Exchange) -> None:
        """Answer with all metrics, soon."""

        def send(done: "asyncio.Future[bytes]") -> None:
            if error := done.exception():
                log.error("the metrics cannot be written", exc_info=error)
                refuse(exchange, HeadgateError("Headgate itself failed; its log says why."))
            else:
                exchange.answer(HEAD, done.result())

        self._loop.run_in_executor(self._thread, self._write, self._versions()).add_done_callback(send)

    def _write(self, versions: Mapping[str, str]) -> bytes:
        return render(self._home.run / "metrics", measured(self._home, versions)) + render_crashes(self._home)
