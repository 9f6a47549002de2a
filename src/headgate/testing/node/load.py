"""Clients in closed loops that count what a takeover must not cost: answers that do not come."""

import http.client
import threading
import time
from contextlib import suppress
from types import TracebackType


class Load:
    """Some threads that ask all the time: half keep their connection, half open a new one for every request."""

    def __init__(self, port: int, clients: int = 8, path: str = "/healthz", body: bytes | None = None) -> None:
        self._port = port
        self._path = path
        self._body = body
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.answered = 0
        self.failures: list[str] = []
        self.longest_seconds = 0.0
        self._threads = [threading.Thread(target=self._ask, args=(place % 2 == 0,)) for place in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, keep: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        method = "GET" if self._body is None else "POST"
        headers = {} if keep else {"Connection": "close"}
        if self._body is not None:
            headers["Content-Type"] = "application/json"
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                connection.request(method, self._path, self._body, headers)
                answer = connection.getresponse()
                text = answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException) as error:
                self._count(began, repr(error))
                connection.close()
            else:
                self._count(began, "" if status == 200 else f"status {status}: {text[:200]!r}")
                if not keep or answer.will_close:
                    connection.close()
            time.sleep(0.001)
        with suppress(OSError):
            connection.close()

    def _count(self, began: float, failure: str) -> None:
        with self._lock:
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
            if failure:
                self.failures.append(failure)
            else:
                self.answered += 1
