"""Ids for requests whose callers give none."""

import itertools
import secrets


class RequestIds:
    """Ids for requests whose callers give none: unique over workers and restarts, at the cost of counting."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(6)
        self._count = itertools.count(1).__next__

    def new(self) -> str:
        return f"{self._prefix}-{self._count():x}"
