"""PMML files, read into scikit-learn estimators by sklearn-pmml-model. Named columns in, as the file names them.

Source: PMML 4.4 (Data Mining Group), as far as that library knows it: trees, forests, boosting, linear models, naive
Bayes, support vectors, neighbours, networks.
"""

import io
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from headgate.bundle.bundle import verified_bytes
from headgate.bundle.manifest import Form, Manifest
from headgate.errors import Malformed, ModelError
from headgate.names import shown
from headgate.records import Dtype, Task
from headgate.runtimes.boundary import foreign
from headgate.runtimes.python import PythonModel, wrap_model

DTYPES: dict[str, Dtype] = {
    "double": "float64", "float": "float32", "integer": "int64", "string": "string", "boolean": "bool",
}  # fmt: skip
TASKS: dict[str, Task] = {"classification": "classification", "regression": "regression"}
ENTITIES = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
ENCODING = re.compile(r"""^\s*<\?xml[^>]*encoding\s*=\s*["']([^"']+)["']""")


class Field(NamedTuple):
    """A field that the model takes."""

    name: str
    dtype: Dtype
    levels: tuple[str, ...] = ()


class PmmlRuntime:
    """Loads PMML files."""

    name = "pmml"
    preload: tuple[str, ...] = ("numpy", "pandas", "sklearn.ensemble")

    def load(self, folder: Path, manifest: Manifest, form: str) -> PythonModel:
        """Load one form; raises `ModelError` with the reason, `Malformed` for what is no PMML."""
        content = verified_bytes(folder, manifest, manifest.forms[form].path)
        # fields are found by name; that scikit-learn itself did not learn the names is no news, and told once a call
        warnings.filterwarnings("ignore", message="X has feature names, but")
        return wrap_model(read_pmml(content), manifest, Form(runtime=self.name, path="", options={"input": "frame"}))


def read_pmml(content: bytes) -> Any:
    """The estimator in a file's bytes; raises `Malformed`, `ModelError` where the library does not know the model."""
    text = plain_text(content)
    try:
        from sklearn_pmml_model.auto_detect import auto_detect_estimator
    except ImportError as error:
        raise ModelError(f"PMML needs its reader: pip install 'headgate[pmml]' ({error}).") from error
    with foreign("The PMML model cannot be read", then=". Export it as ONNX instead."), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # it looks for the kind of model line by line
        return auto_detect_estimator(pmml=io.BytesIO(re.sub(r">\s*<", ">\n<", text).encode()))


def plain_text(content: bytes) -> str:
    """The file as text; raises `Malformed` for what is no UTF-8, and for entities: they can grow without bound."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"Expected PMML in UTF-8: {error}. Save it in UTF-8.") from error
    named = ENCODING.match(text)
    if named and named[1].lower() not in ("utf-8", "us-ascii", "ascii"):
        raise Malformed(f"Expected PMML in UTF-8, it says {shown(named[1])}. Save it in UTF-8.")
    if ENTITIES.search(text):
        raise Malformed("The PMML file declares a document type or entities; a model needs neither. Remove them.")
    return text


def fields_of(content: bytes) -> tuple[tuple[Field, ...], Task | None]:
    """The active fields of the model and its task; raises `Malformed` for what is no PMML."""
    try:
        root = ElementTree.fromstring(plain_text(content))
        declared = {field.get("name", ""): field for field in _all(root, "DataField")}
        model = next(part for part in root if _tag(part).endswith("Model"))
        schema = next(part for part in model if _tag(part) == "MiningSchema")
        active = [each.get("name", "") for each in schema if each.get("usageType", "active") == "active"]
        fields = tuple(_field(name, declared[name]) for name in active)
    except (ElementTree.ParseError, StopIteration, KeyError, RecursionError) as error:
        raise Malformed(f"The file is no PMML with a model and its fields: {error!r}.") from error
    return fields, TASKS.get(model.get("functionName", ""))


def _field(name: str, declared: ElementTree.Element) -> Field:
    kind = declared.get("dataType", "")
    if kind not in DTYPES:
        raise Malformed(f"The PMML field {shown(name)} is of type {shown(kind)}; known are {', '.join(DTYPES)}.")
    levels = tuple(value.get("value", "") for value in declared if _tag(value) == "Value")
    return Field(name, DTYPES[kind], levels if DTYPES[kind] == "string" else ())


def _all(root: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    return (part for part in root.iter() if _tag(part) == tag)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
