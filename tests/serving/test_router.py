"""Which variant answers."""

from collections import Counter
from dataclasses import dataclass

import pytest

from headgate.errors import NotFound, Refused
from headgate.records import Variant, VariantRole
from headgate.serving.router import Router


@dataclass(frozen=True)
class Live:
    record: Variant


def live(version: str, role: VariantRole, weight: int) -> Live:
    return Live(Variant(version=version, digest="d", role=role, weight=weight))


def canary(weight: int) -> Router[Live]:
    return Router("fraud", [live("fraud:1", "stable", 100 - weight), live("fraud:2", "candidate", weight)])


def test_a_single_variant_answers_all() -> None:
    router = Router("fraud", [live("fraud:1", "stable", 100), live("fraud:2", "shadow", 100)])
    assert {router.choose(None).record.version, router.choose(b"key").record.version} == {"fraud:1"}


def test_weights_are_kept() -> None:
    router = canary(20)
    by_key = Counter(router.choose(b"customer-%d" % number).record.version for number in range(10_000))
    by_chance = Counter(router.choose(None).record.version for _ in range(10_000))
    for counted in (by_key, by_chance):
        # six standard deviations
        assert 1760 < counted["fraud:2"] < 2240


def test_a_key_stays_and_only_ever_moves_to_the_candidate() -> None:
    keys = [b"customer-%d" % number for number in range(1000)]
    before = {key: canary(10).choose(key).record.version for key in keys}
    after = {key: canary(50).choose(key).record.version for key in keys}
    assert before == {key: canary(10).choose(key).record.version for key in keys}
    assert all(after[key] == "fraud:2" for key in keys if before[key] == "fraud:2")


def test_a_candidate_without_weight_is_asked_by_name_only() -> None:
    router = canary(0)
    assert {router.choose(b"%d" % number).record.version for number in range(200)} == {"fraud:1"}
    assert router.named("fraud:2").record.role == router.named("candidate").record.role == "candidate"
    with pytest.raises(NotFound, match="fraud:1, stable, fraud:2, candidate"):
        router.named("fraud:3")


def test_a_table_without_any_weight_is_refused() -> None:
    with pytest.raises(Refused, match="fraud"):
        Router("fraud", [live("fraud:1", "shadow", 100), live("fraud:2", "stable", 0)])
