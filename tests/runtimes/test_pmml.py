"""PMML: what is read, what is refused, and a bundle of it."""

from pathlib import Path

import pytest

import headgate
from headgate.errors import HeadgateError, Malformed, ModelError
from headgate.runtimes.pmml import Field, fields_of, plain_text, read_pmml

TREE = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/><DataDictionary>
<DataField name="a" optype="continuous" dataType="double"/>
<DataField name="kind" optype="categorical" dataType="string"><Value value="x"/><Value value="z"/></DataField>
<DataField name="y" optype="categorical" dataType="string"><Value value="no"/><Value value="yes"/></DataField>
</DataDictionary><TreeModel functionName="classification" splitCharacteristic="binarySplit"><MiningSchema>
<MiningField name="y" usageType="target"/><MiningField name="a"/><MiningField name="kind"/></MiningSchema>
<Node score="no" recordCount="10"><True/>
<ScoreDistribution value="no" recordCount="6"/><ScoreDistribution value="yes" recordCount="4"/>
<Node score="no" recordCount="5"><SimplePredicate field="a" operator="lessOrEqual" value="0.5"/>
<ScoreDistribution value="no" recordCount="5"/><ScoreDistribution value="yes" recordCount="0"/></Node>
<Node score="yes" recordCount="5"><SimplePredicate field="a" operator="greaterThan" value="0.5"/>
<ScoreDistribution value="no" recordCount="1"/><ScoreDistribution value="yes" recordCount="4"/></Node>
</Node></TreeModel></PMML>"""
TEXT = '<DataField name="kind" optype="categorical" dataType="string"><Value value="x"/><Value value="z"/></DataField>'
NUMBER = '<DataField name="kind" optype="continuous" dataType="double"/>'


def test_fields_and_task_are_those_of_the_file() -> None:
    fields, task = fields_of(TREE.encode())
    assert fields == (Field("a", "float64"), Field("kind", "string", ("x", "z")))
    assert task == "classification"


@pytest.mark.heavy
@pytest.mark.parametrize("text", [TREE, TREE.replace("\n", "")], ids=["lines", "one line"])
def test_a_model_is_packaged_and_answers(tmp_path: Path, signing_key: Path, text: str) -> None:
    pytest.importorskip("sklearn_pmml_model", reason="no reader of PMML here: make test-all installs it")
    (tmp_path / "tree.pmml").write_text(text.replace(TEXT, NUMBER))
    bundle = headgate.package(tmp_path / "tree.pmml", name="tree", lock=False, output=tmp_path / "b")
    assert bundle.manifest.classes == ("no", "yes")
    model = headgate.load(bundle)
    rows = {"a": [0.1, 0.9], "kind": [1.0, 2.0]}
    assert model.predict(rows).tolist() == ["no", "yes"]
    assert model.predict_proba(rows).tolist() == [[1.0, 0.0], [0.2, 0.8]]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"<PMML/>", b"<PMML><TreeModel/></PMML>", b"not xml", TREE.replace("double", "blob").encode(),
        TREE.encode("utf-16"), b'<?xml version="1.0" encoding="utf-7"?>' + TREE.encode(),
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + TREE.encode(), b'<!doctype a SYSTEM "file:///etc/passwd">' + TREE.encode(),
    ],
)  # fmt: skip
def test_what_is_no_model_or_declares_entities_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        fields_of(content)
    with pytest.raises(HeadgateError):
        read_pmml(content)


@pytest.mark.heavy
def test_a_kind_that_the_reader_does_not_know_names_the_next_step() -> None:
    pytest.importorskip("sklearn_pmml_model", reason="no reader of PMML here: make test-all installs it")
    with pytest.raises(ModelError, match="ONNX"):
        read_pmml(TREE.replace("TreeModel", "AssociationModel").encode())


def test_a_byte_order_mark_is_no_harm() -> None:
    assert plain_text(b"\xef\xbb\xbf" + TREE.encode()) == TREE
