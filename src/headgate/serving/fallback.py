"""Another version answers when the one that should have fails, is full or is late: better than no answer.

Not for a request that made room for one of a higher priority: its places are that one's now.
The failed try is counted and recorded on its own version with its reason; the answer on the fallback.
"""

import time
from collections.abc import Sequence

from headgate.errors import DeadlineExceeded, HeadgateError, ModelError, NoRoom, Unavailable
from headgate.serving.admission import Gate
from headgate.serving.contract import Rows
from headgate.serving.predict import LiveVariant, Prediction, Reply
from headgate.serving.server import Exchange

# of the time that a request has, for the first try
FIRST_SHARE = 0.5
# never for what the client did wrong: another version would say the same
REASONS = (ModelError, Unavailable, DeadlineExceeded)


class Replaceable(Prediction):
    """A prediction that is made again by the fallback when its own variant cannot make it."""

    __slots__ = ("_fallback", "_last")

    def __init__(
        self,
        fallback: LiveVariant,
        exchange: Exchange,
        variant: LiveVariant,
        reply: Reply,
        rows: Rows,
        deadline: float,
        gates: Sequence[Gate],
    ) -> None:
        first = exchange.started + (deadline - exchange.started) * FIRST_SHARE
        super().__init__(exchange, variant, reply, rows, first, gates)
        self._fallback = fallback
        self._last = deadline

    def start(self) -> None:
        """Ask the variant, or the fallback at once when that is full."""
        try:
            super().start()
        except Unavailable as error:
            self.fail(error)

    def fail(self, error: HeadgateError) -> None:
        """Have the fallback make it, if there is time and the variant is at fault."""
        at_fault = isinstance(error, REASONS) and not isinstance(error, NoRoom)
        if self.done or not at_fault or time.monotonic() >= self._last:
            super().fail(error)
            return
        self.done = error.status
        self.variant.tap.failed(self, error)
        # it holds the places from now on
        again = Prediction(self.exchange, self._fallback, self._same_format(), self.rows, self._last, self.gates)
        try:
            again.start()
        except HeadgateError as refusal:
            again.fail(refusal)

    def _same_format(self) -> Reply:
        """As the first try would have answered."""
        media_type = next(name for name, reply in self.variant.replies.items() if reply is self.reply)
        return self._fallback.replies[media_type]
