"""How an endpoint moves from one version to another: a table of names, and what each answers for a new table."""

from importlib import import_module
from typing import Protocol

from headgate.errors import Refused
from headgate.records import Variant

STRATEGIES: dict[str, str] = {
    "all-at-once": "headgate.rollout.strategies:AllAtOnce",
}


class Strategy(Protocol):
    """The plan of one rollout."""

    def variants(self, stable: Variant | None, candidate: Variant) -> tuple[Variant, ...]:
        """Who answers in the table that starts the rollout; `stable` is None on a new endpoint."""
        ...


class AllAtOnce:
    """The candidate takes everything as soon as a worker has loaded and verified it; until then the stable answers."""

    def variants(self, stable: Variant | None, candidate: Variant) -> tuple[Variant, ...]:
        return (candidate,)


def load_strategy(name: str) -> Strategy:
    """The strategy of that name; raises `Refused` naming the known ones."""
    address = STRATEGIES.get(name)
    if address is None:
        raise Refused(f"There is no strategy {name!r}; expected one of: {', '.join(STRATEGIES)}.")
    module, _, attribute = address.partition(":")
    strategy: Strategy = getattr(import_module(module), attribute)()
    return strategy
