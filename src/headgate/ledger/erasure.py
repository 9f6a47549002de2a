"""Erasing what the history says about a person, without breaking it."""

from headgate.ledger.events import Event, append
from headgate.ledger.personal import erase_text
from headgate.storage.database import Tx


def erase(tx: Tx, text: str, *, actor: str, reason: str) -> int:
    """Erase every actor's name, reason and personal value that is exactly this text; returns how many there were.

    The events stay, the chain stays sound, and the erasing is an event itself (which does not repeat the text).
    """
    count = erase_text(tx, text)
    append(tx, Event(actor=actor, verb="ledger.erase", object="ledger", reason=reason, after={"erased": count}))
    return count
