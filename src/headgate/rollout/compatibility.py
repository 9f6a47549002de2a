"""Whether a version can answer whatever an endpoint's contract lets clients send."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from headgate.records import Column, Dtype, Record, Signature

_NOT_NUMBERS = frozenset({"string", "datetime", "bytes"})


class Difference(Record, frozen=True, kw_only=True):
    """One thing that the contract has and the version does not take, or the other way round."""

    column: str
    what: str
    expected: str
    got: str

    @property
    def sentence(self) -> str:
        return f"{self.column}: {self.what}, expected {self.expected}, got {self.got}"

    @property
    def plain(self) -> dict[str, Any]:
        return {"column": self.column, "what": self.what, "expected": self.expected, "got": self.got}


def differences(contract: Signature, version: Signature) -> tuple[Difference, ...]:
    """Why the version cannot stand behind the contract; empty where it can.

    Inputs may widen (more dtypes' values, null where there was none, fewer features), outputs may narrow: what clients
    send must be taken, and what they are used to getting must come.
    """
    return (*_of_inputs(contract, version), *_of_outputs(contract, version))


def _of_inputs(contract: Signature, version: Signature) -> Iterator[Difference]:
    promised = {column.name: column for column in contract.inputs}
    for feature in version.features:
        sent = promised.get(feature.name)
        if sent is not None:
            yield from _of_feature(sent, feature)
        elif not feature.nullable:
            yield Difference(column=feature.name, what="a new required feature", expected="none", got=feature.dtype)


def _of_feature(sent: Column, taken: Column) -> Iterator[Difference]:
    if not holds(taken.dtype, sent.dtype):
        yield Difference(column=taken.name, what="a narrower dtype", expected=f"{sent.dtype} or wider", got=taken.dtype)
    if sent.nullable and not taken.nullable:
        yield Difference(column=taken.name, what="null is no longer taken", expected="nullable", got="not nullable")
    if taken.closed and (surplus := _levels_beyond(sent, taken)):
        yield Difference(column=taken.name, what="fails on other categories", expected=surplus, got="a closed set")
    if not _fits(sent.shape, taken.shape):
        yield Difference(column=taken.name, what="another shape", expected=str(sent.shape), got=str(taken.shape))


def _levels_beyond(sent: Column, taken: Column) -> str:
    """What the contract lets clients send and the version fails on; empty when there is nothing."""
    if not sent.closed or sent.categories is None:
        return "any category"
    surplus = sorted(set(map(str, sent.categories)) - set(map(str, taken.categories or ())))
    return ", ".join(surplus[:5])


def _of_outputs(contract: Signature, version: Signature) -> Iterator[Difference]:
    given = {column.name: column for column in version.outputs}
    for output in contract.outputs:
        answer = given.get(output.name)
        if answer is None:
            yield Difference(column=output.name, what="an output is gone", expected=output.dtype, got="nothing")
        elif not holds(output.dtype, answer.dtype):
            yield Difference(
                column=output.name,
                what="another output dtype",
                expected=f"{output.dtype} or narrower",
                got=answer.dtype,
            )


def holds(wide: Dtype, narrow: Dtype) -> bool:
    """Whether every value of `narrow` is one of `wide`: numpy's "safe" casting; text, times, bytes only themselves."""
    if wide in _NOT_NUMBERS or narrow in _NOT_NUMBERS:
        return wide == narrow
    return bool(np.can_cast(narrow, wide, casting="safe"))


def _fits(sent: tuple[int, ...], taken: tuple[int, ...]) -> bool:
    return len(sent) == len(taken) and all(wanted in (-1, size) for size, wanted in zip(sent, taken, strict=True))
