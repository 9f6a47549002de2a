"""One call for many callers, and where that fails, fewer and fewer at a time: only whose own rows fail is told so."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from headgate.errors import HeadgateError
from headgate.serving.calls import Answer, Caller
from headgate.serving.responses import OUR_FAULT

log = logging.getLogger("headgate.serving")
# the rows of some callers → the checked answer; raises ModelError, or SignatureMismatch for rows that do not stack
Ask = Callable[[list[Any]], Answer]
Outcome = tuple[Answer | HeadgateError, Sequence[Caller]]


def answer_all(ask: Ask, callers: Sequence[Caller]) -> list[Outcome]:
    """Ask once for all; where that fails ask for each half, so that only a caller whose own rows fail is told so."""
    try:
        return [(ask([caller.rows for caller in callers]), callers)]
    except HeadgateError as error:
        reason = error
    except Exception:
        # a fault of ours, which must not leave callers without an answer
        log.exception("a batch of %d requests failed", len(callers))
        reason = HeadgateError(OUR_FAULT)
    if len(callers) == 1:
        return [(reason, callers)]
    # whoever has left or whose deadline has passed meanwhile is not asked for
    left = [caller for caller in callers if not caller.done]
    middle = len(left) // 2
    return [outcome for half in (left[:middle], left[middle:]) if half for outcome in answer_all(ask, half)]
