"""The node's link to the control plane: one thread that asks for tables, one that hands reports in.

Both only carry values between HTTP and the loop. A control plane that is dead, slow or confused costs nothing here.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from headgate.agent.control_api import ControlApi
from headgate.agent.loop import Loop
from headgate.agent.pace import Backoff
from headgate.errors import HeadgateError
from headgate.records import NodeReport, NodeTables

logger = logging.getLogger(__name__)

WAIT_SECONDS = 20
LONGEST_PAUSE = 2.0
# an answer without news that did not wait: a control plane that does not hold the poll must not be hammered
QUICK_SECONDS = 0.5
# a control plane that starts is not news
PATIENT_SECONDS = 10.0


class ControlLink:
    """`take` is called in the loop's thread with every answer that has news; `reached` after every one."""

    def __init__(
        self, loop: Loop, api: ControlApi, take: Callable[[NodeTables], None], reached: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._api = api
        self._take = take
        self._reached = reached
        self._stopped = threading.Event()
        self._outgoing = threading.Condition()
        self._report: NodeReport | None = None
        self._missed_since: float | None = None
        self._warned = False
        # why it is not reached; empty while it is
        self.trouble = "not reached yet"

    def start(self) -> None:
        for name, work in (("poll", self._poll), ("report", self._hand_in)):
            # daemons: a request that hangs does not keep the agent from leaving
            threading.Thread(target=work, name=f"control-{name}", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        with self._outgoing:
            self._outgoing.notify()

    def report(self, report: NodeReport) -> None:
        """Hand this in, soon; one that waits still is replaced by it."""
        with self._outgoing:
            self._report = report
            self._outgoing.notify()

    def _poll(self) -> None:
        backoff = Backoff(longest=LONGEST_PAUSE)
        cursor = 0
        while not self._stopped.is_set():
            asked = time.monotonic()
            try:
                answer = self._api.tables(cursor, WAIT_SECONDS)
            except HeadgateError as error:
                # one that comes back may have another history: ask for everything
                cursor = 0
                self._loop.post(partial(self._missed, error.message))
                self._stopped.wait(backoff.ended())
                continue
            backoff.forgive()
            self._loop.post(partial(self._heard, answer))
            if answer.cursor == cursor and time.monotonic() - asked < QUICK_SECONDS:
                self._stopped.wait(QUICK_SECONDS)
            cursor = answer.cursor

    def _hand_in(self) -> None:
        while not self._stopped.is_set():
            with self._outgoing:
                while self._report is None and not self._stopped.is_set():
                    self._outgoing.wait()
                report, self._report = self._report, None
            if report is None:
                return
            try:
                self._api.report(report)
            except HeadgateError as error:
                # the next heartbeat says the same and more; the poll tells the operator
                logger.debug("a report was not handed in: %s", error)
                self._stopped.wait(QUICK_SECONDS)

    def _heard(self, answer: NodeTables) -> None:
        if self.trouble:
            logger.info("the control plane is reached")
        self.trouble, self._missed_since, self._warned = "", None, False
        self._reached()
        self._take(answer)

    def _missed(self, text: str) -> None:
        if self._stopped.is_set():
            return
        if text != self.trouble:
            logger.info("%s", text)
        self.trouble = text
        now = self._loop.now()
        self._missed_since = self._missed_since or now
        if now - self._missed_since > PATIENT_SECONDS and not self._warned:
            logger.warning("the control plane is not reached; predictions go on: %s", text)
            self._warned = True
