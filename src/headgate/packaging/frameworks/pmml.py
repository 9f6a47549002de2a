"""PMML: a document says itself what it takes and answers."""

from functools import partial
from pathlib import Path

from headgate.packaging.facts import Facts
from headgate.packaging.frameworks.attributes import classes_of
from headgate.packaging.frameworks.copying import copied
from headgate.packaging.frameworks.distributions import version_of
from headgate.packaging.frameworks.framework import Files, Framework, Kept, Needs, Trust
from headgate.records import Column
from headgate.runtimes.pmml import fields_of, read_pmml


def _keep_file(path: Path, folder: Path, _trust: Trust) -> Kept:
    return Kept(copied(path, folder).name)


def _facts(kept: Kept, folder: Path) -> Facts:
    content = (folder / kept.file).read_bytes()
    classes = classes_of(read_pmml(content))
    fields, task = fields_of(content)
    columns = tuple(Column(name=each.name, dtype=each.dtype, categories=each.levels or None) for each in fields)
    return Facts(columns, True, task, classes if task == "classification" else ())


PMML = Framework(
    name="pmml",
    runtime="pmml",
    version=partial(version_of, "sklearn-pmml-model"),
    facts=_facts,
    compiling="PMML is read, not compiled.",
    needs=Needs(("sklearn-pmml-model", "scikit-learn", "pandas")),
    files=Files((".pmml",), _keep_file),
)
