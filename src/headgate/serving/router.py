"""Which variant answers: by weight, the same one for the same sticky key, or the one that is asked for by name."""

import random
import zlib
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from headgate.errors import NotFound, Refused
from headgate.records import Variant


class Routed(Protocol):
    """Something that answers for a variant."""

    @property
    def record(self) -> Variant:
        """The variant's place in the route table."""
        ...


Live = TypeVar("Live", bound=Routed)
SHARING = ("stable", "candidate")


class Router(Generic[Live]):
    """Chooses among the variants of one route table."""

    def __init__(self, endpoint: str, variants: Sequence[Live], *, fixed: bool = False) -> None:
        sharing = [
            variant for variant in variants if fixed or (variant.record.role in SHARING and variant.record.weight > 0)
        ]
        if not sharing:
            raise Refused(f"No stable or candidate variant of {endpoint} has any weight: nothing could answer.")
        self._salt = zlib.crc32(endpoint.lower().encode())
        self._by_name: dict[str, Live] = {}
        for variant in variants:
            self._by_name[variant.record.version] = self._by_name[variant.record.role] = variant
        # one place per percent, so that choosing is one look-up
        self._places = [variant for variant in sharing for _ in range(variant.record.weight)]
        self.only = sharing[0] if len(sharing) == 1 else None

    def choose(self, key: bytes | None) -> Live:
        """The variant for a request; one key always gets the same one while the weights stay."""
        if self.only is not None:
            return self.only
        if key is None:
            return random.choice(self._places)
        # growing a candidate's weight only ever moves keys from the stable to it
        return self._places[zlib.crc32(key, self._salt) % len(self._places)]

    @classmethod
    def to(cls, endpoint: str, variant: Live) -> "Router[Live]":
        """One that always chooses the same variant, whatever its role and weight."""
        return cls(endpoint, [variant], fixed=True)

    def named(self, wanted: str) -> Live:
        """The variant of that version or role; raises `NotFound` naming those that there are."""
        if wanted not in self._by_name:
            raise NotFound(f"There is no variant of that name here; there are: {', '.join(self._by_name)}.")
        return self._by_name[wanted]
