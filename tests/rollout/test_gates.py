"""What the gates say, where they bind, and what can be forced."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.errors import NotFound, Refused
from headgate.records import Column, Dtype, Signature, Variant
from headgate.rollout.compatibility import differences, holds
from headgate.rollout.gates import GATES, Case, Verdict, gate_names, judge, load_gate, require_passed
from headgate.rollout.strategies import STRATEGIES, load_strategy

AGE = Column(name="age", dtype="int32")
ANSWER = Column(name="predictions", dtype="int64")
MANIFEST = Manifest(
    name="fraud",
    framework="onnx",
    task="classification",
    signature=Signature(inputs=(AGE,), outputs=(ANSWER,)),
    forms={"onnx": Form(runtime="onnx", path="model.onnx")},
    serves="onnx",
    environment=Environment(python="3.11"),
    files={},
)
CASE = Case(
    version="fraud:2", approval="approved", manifest=MANIFEST, endpoint="fraud", needs_approval=True,
    contract=MANIFEST.signature,
)  # fmt: skip


def case(*inputs: Column, outputs: tuple[Column, ...] = (ANSWER,)) -> Case:
    """The version has these inputs, the contract is still `age`."""
    manifest = msgspec.structs.replace(MANIFEST, signature=Signature(inputs=inputs, outputs=outputs))
    return msgspec.structs.replace(CASE, manifest=manifest)


def verdict(verdicts: tuple[Verdict, ...], gate: str) -> Verdict:
    return next(each for each in verdicts if each.gate == gate)


def test_a_good_version_passes_all_gates_in_order() -> None:
    verdicts = judge(CASE)
    assert [each.gate for each in verdicts] == list(gate_names())
    assert {each.answer for each in verdicts} == {"accept"}
    require_passed(verdicts)


@pytest.mark.parametrize("name", GATES)
def test_every_gate_of_the_table_judges_with_a_reason(name: str) -> None:
    assert load_gate(name).judge(CASE).reason


def test_an_unknown_gate_is_refused_naming_the_known_ones() -> None:
    with pytest.raises(NotFound, match="approved"):
        load_gate("luck")


@pytest.mark.parametrize(("approval", "answer"), [("pending", "wait"), ("rejected", "reject"), ("approved", "accept")])
def test_approval_binds_in_production_and_is_evidence_elsewhere(approval: str, answer: str) -> None:
    production = msgspec.structs.replace(CASE, approval=approval)
    staging = msgspec.structs.replace(production, needs_approval=False)
    assert verdict(judge(production), "approved").answer == answer
    assert verdict(judge(staging), "approved").answer == answer
    require_passed(judge(staging))
    if answer != "accept":
        with pytest.raises(Refused, match="headgate approve fraud:2"):
            require_passed(judge(production))


def test_force_overrides_and_is_marked() -> None:
    verdicts = judge(msgspec.structs.replace(CASE, approval="rejected"), forced=True)
    require_passed(verdicts)
    assert verdict(verdicts, "approved").forced
    assert not verdict(verdicts, "serves").forced


def test_force_does_not_serve_what_has_no_form() -> None:
    manifest = msgspec.structs.replace(MANIFEST, serves="native")
    with pytest.raises(Refused, match="serves 'native', but its forms are onnx"):
        require_passed(judge(msgspec.structs.replace(CASE, manifest=manifest), forced=True))


def test_a_form_that_was_refused_at_packaging_does_not_serve() -> None:
    forms = {"onnx": Form(runtime="onnx", path="model.onnx", refused="labels differ")}
    manifest = msgspec.structs.replace(MANIFEST, forms=forms)
    with pytest.raises(Refused, match="labels differ"):
        require_passed(judge(msgspec.structs.replace(CASE, manifest=manifest)))


@pytest.mark.parametrize("needs_approval", [True, False])
def test_a_retired_version_is_refused_everywhere(needs_approval: bool) -> None:
    retired = msgspec.structs.replace(CASE, approval="retired", needs_approval=needs_approval)
    with pytest.raises(Refused, match="is retired"):
        require_passed(judge(retired))


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ((AGE, Column(name="income", dtype="float64")), "income: a new required feature"),
        ((Column(name="age", dtype="int16"),), "age: a narrower dtype, expected int32 or wider, got int16"),
        ((Column(name="age", dtype="string"),), "age: a narrower dtype"),
        ((Column(name="age", dtype="int32", shape=(3,)),), "age: another shape"),
    ],
)
def test_a_version_that_cannot_take_the_contract_is_refused_with_the_difference(
    inputs: tuple[Column, ...], said: str
) -> None:
    with pytest.raises(Refused) as refusal:
        require_passed(judge(case(*inputs)))
    assert said in refusal.value.message
    assert refusal.value.detail[0]["differences"][0]["column"] in {"age", "income"}


@pytest.mark.parametrize(
    "inputs",
    [
        (AGE,),
        (Column(name="age", dtype="int64"),),
        (Column(name="age", dtype="float64"),),
        (AGE, Column(name="income", dtype="float64", nullable=True)),
        (AGE, Column(name="segment", dtype="string", roles=("context",))),
        (),
    ],
)
def test_a_version_that_takes_more_passes(inputs: tuple[Column, ...]) -> None:
    require_passed(judge(case(*inputs)))


def test_null_must_stay_possible() -> None:
    contract = Signature(inputs=(Column(name="age", dtype="int32", nullable=True),))
    assert differences(contract, Signature(inputs=(AGE,)))[0].what == "null is no longer taken"


@pytest.mark.parametrize("outputs", [(), (Column(name="predictions", dtype="string"),)])
def test_what_clients_are_used_to_getting_must_come(outputs: tuple[Column, ...]) -> None:
    assert differences(MANIFEST.signature, Signature(inputs=(AGE,), outputs=outputs))


def test_a_new_endpoint_takes_its_contract_from_the_version() -> None:
    new = msgspec.structs.replace(CASE, contract=None)
    assert "takes its contract" in verdict(judge(new), "signature").reason


dtypes = st.sampled_from(get_args(Dtype))


@given(wide=dtypes, middle=dtypes, narrow=dtypes)
def test_holding_is_an_order(wide: Dtype, middle: Dtype, narrow: Dtype) -> None:
    assert holds(wide, wide)
    if holds(wide, middle) and holds(middle, narrow):
        assert holds(wide, narrow)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_brings_the_candidate_in(name: str) -> None:
    candidate = Variant(version="fraud:2", digest="b" * 64)
    stable = Variant(version="fraud:1", digest="a" * 64)
    for before in (None, stable):
        variants = load_strategy(name).variants(before, candidate)
        assert candidate.version in {variant.version for variant in variants}
        assert sum(each.weight for each in variants if each.role in {"stable", "candidate"}) == 100


@pytest.mark.parametrize("name", ["canary", "", "All-At-Once"])
def test_an_unknown_strategy_is_refused_naming_the_known_ones(name: str) -> None:
    with pytest.raises(Refused, match="expected one of: all-at-once"):
        load_strategy(name)
