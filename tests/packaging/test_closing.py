"""A category that the model itself fails on is refused in every form; one that it ignores is taken."""

from pathlib import Path

import pandas
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from headgate.errors import SignatureMismatch
from headgate.packaging.package import package
from headgate.records import Column, EndpointSpec, Signature
from headgate.rollout.compatibility import differences
from headgate.runtimes.local import load
from headgate.serving.contract import Contract
from headgate.serving.value_policies import watch_values

DATA = pandas.DataFrame({"city": ["Porto", "Lisboa", "Faro"] * 20})
TARGET = [1, 0, 0] * 20


@pytest.fixture(autouse=True)
def _own_key(signing_key: Path) -> None:
    """Bundles are signed with a key of this test."""


@pytest.mark.parametrize(
    ("encoder", "closed"),
    [(OrdinalEncoder(), True), (OneHotEncoder(), True), (OneHotEncoder(handle_unknown="ignore"), False)],
    ids=["ordinal", "one-hot", "one-hot that ignores"],
)
def test_it_is_the_model_that_says(tmp_path: Path, encoder: object, closed: bool) -> None:
    model = make_pipeline(encoder, LogisticRegression()).fit(DATA, TARGET)
    bundle = package(model, name="towns", data=DATA, target=TARGET, output=tmp_path / "towns")
    column = bundle.manifest.signature.inputs[0]
    assert column.closed is closed
    loaded = load(bundle)
    assert loaded.predict([{"city": "Porto"}]).tolist() == [1]
    if closed:
        with pytest.raises(SignatureMismatch, match="row 0, column 'city'"):
            loaded.predict([{"city": "Berlin"}])
    else:
        assert len(loaded.predict([{"city": "Berlin"}])) == 1


def column(closed: bool, *levels: str) -> Column:
    return Column(name="city", dtype="string", categories=levels, closed=closed)


def test_an_endpoint_refuses_it_whatever_the_policy() -> None:
    contract = Contract(Signature(inputs=(column(True, "Faro", "Porto"),)), 10)
    watch = watch_values(contract, EndpointSpec())
    assert watch is not None
    assert watch(contract.rows([("Porto",)])) == []
    with pytest.raises(SignatureMismatch) as raised:
        watch(contract.rows([("Porto",), ("Berlin",)]))
    assert raised.value.detail[0]["row"] == 1


@pytest.mark.parametrize(
    ("sent", "taken", "fits"),
    [
        (column(False, "Porto"), column(True, "Porto"), False),
        (column(True, "Faro", "Porto"), column(True, "Porto"), False),
        (column(True, "Porto"), column(True, "Faro", "Porto"), True),
        (column(True, "Porto"), column(False, "Porto"), True),
    ],
)
def test_a_version_that_fails_on_more_does_not_take_the_contract(sent: Column, taken: Column, fits: bool) -> None:
    assert (differences(Signature(inputs=(sent,)), Signature(inputs=(taken,))) == ()) is fits
