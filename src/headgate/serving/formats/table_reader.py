"""The worker's side of reading tables: one process per worker, started with the first table, replaced when it dies.

Called in threads. A body on which the process dies or hangs is answered as malformed; nobody else's request suffers.
"""

import atexit
import logging
import subprocess
import sys
import threading

import msgspec

from headgate.errors import HeadgateError, Malformed, Unavailable, all_errors
from headgate.serving.contract import Contract, Rows
from headgate.serving.formats.arrow_columns import rows_of
from headgate.serving.formats.format import NO_HEADERS, Decode, Headers
from headgate.serving.formats.table_wire import Answer, Ask, read_frame, unpack, write_frame

log = logging.getLogger("headgate.serving")
# for one body; one of the largest takes well under a second
READ_SECONDS = 10.0
START_SECONDS = 30.0
_answers = msgspec.msgpack.Decoder(Answer)
COMMAND = (sys.executable, "-m", "headgate.serving.formats.table_process")


class TableReader:
    """Has tables read elsewhere."""

    def __init__(self, seconds: float = READ_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def decoder(self, form: str, contract: Contract) -> Decode:
        """Decode bodies of one form for one contract."""
        ask = msgspec.msgpack.encode(
            Ask(form, contract.signature, contract.max_rows, contract.max_bytes, contract.largest)
        )

        def decode(body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
            answer = self._read(ask, body, form)
            if answer.code:
                error = all_errors().get(answer.code, HeadgateError)
                raise error(answer.message, detail=answer.detail)
            arrays = {name: unpack(packed) for name, packed in answer.columns.items()}
            return rows_of(contract, arrays, answer.count)

        return decode

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return None if self._process is None else self._process.pid

    def _read(self, ask: bytes, body: bytes | bytearray, form: str) -> Answer:
        with self._lock:
            process, seconds = self._process, self._seconds
            if process is None or process.poll() is not None:
                process, seconds = self._start(), START_SECONDS
            # a process that hangs takes no body either
            watchdog = threading.Timer(seconds, process.kill)
            watchdog.start()
            try:
                return self._exchange(process, ask, body)
            except (OSError, EOFError, msgspec.MsgspecError) as error:
                log.warning("the process that reads tables failed on %d bytes of %s: %s", len(body), form, error)
                self._end()
            finally:
                watchdog.cancel()
        raise Malformed(f"The body is damaged: the process that read it as {form} did not live through it.")

    def _start(self) -> "subprocess.Popen[bytes]":
        self._end()
        try:
            # in a session of its own: what is sent to the worker's terminal is not for it
            process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            raise Unavailable(f"The process that reads tables cannot be started: {error}.", retry_after=5.0) from None
        self._process = process
        atexit.register(self.close)
        return process

    def _exchange(self, process: "subprocess.Popen[bytes]", ask: bytes, body: bytes | bytearray) -> Answer:
        assert process.stdin is not None
        assert process.stdout is not None
        write_frame(process.stdin, ask)
        write_frame(process.stdin, body)
        return _answers.decode(read_frame(process.stdout))

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.close)
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue  # the rest of a body for which nobody is left
        process.wait()


READER = TableReader()
