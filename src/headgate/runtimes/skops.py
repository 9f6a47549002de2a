"""scikit-learn models in skops files: every class and function that the file names is held against our own list.

skops has a list too; both must agree. What is built is looked at as what comes out of a pickle is: trees whose nodes
lead out of them, vectorisers that open files.
"""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from headgate.bundle.allowed import is_allowed
from headgate.errors import ModelError, Untrusted
from headgate.runtimes.boundary import foreign
from headgate.runtimes.trees import check_tree
from headgate.runtimes.unpickling import check_attributes

SUFFIX = ".skops"
# nodes that fetch an attribute or a method by name
FETCHING = ("MethodNode", "OperatorFuncNode")


def foreign_types(content: bytes) -> list[str]:
    """What the file names beyond the allowed; raises `ModelError` for what is no skops file."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            schema = json.loads(archive.read("schema.json"))
        return sorted(set(_foreign(schema)))
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError) as error:
        raise ModelError(f"The file is no skops file: {error}. Save it with skops.io.dump(model, path).") from error


def load_skops(content: bytes, trusted: Iterable[str] = ()) -> Any:
    """The object in a file's bytes; raises `Untrusted` naming what is neither allowed nor trusted, or `ModelError`."""
    known = set(trusted)
    if unknown := [name for name in foreign_types(content) if name not in known]:
        options = " ".join(f"--trust-code {name}" for name in unknown)
        raise Untrusted(
            f"The model file names {', '.join(unknown)}, which no ordinary estimator needs. If you trust it: {options}"
        )
    try:
        from skops import io as skops
    except ImportError as error:
        raise ModelError(f"The model needs skops: pip install 'headgate[skops]' ({error}).") from error
    with foreign("The model file cannot be loaded"):
        loaded = skops.loads(content, trusted=skops.get_untrusted_types(data=content))
        for part in _parts(loaded, set()):
            check_attributes(part)
            check_tree(part)
    return loaded


def _foreign(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        module, name = str(document.get("__module__")), str(document.get("__class__"))
        if "__class__" in document and (document.get("__loader__") in FETCHING or not is_allowed(module, name)):
            yield f"{module}.{name}"
        document = list(document.values())
    for value in document if isinstance(document, list) else ():
        yield from _foreign(value)


def _parts(value: Any, seen: set[int]) -> Iterator[Any]:
    """All objects of scikit-learn's in it, each once."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        value = value.ravel().tolist()
    inner: Iterable[Any] = ()
    if isinstance(value, list | tuple | set):
        inner = value
    elif isinstance(value, dict):
        inner = value.values()
    elif type(value).__module__.startswith("sklearn."):
        yield value
        inner = getattr(value, "__dict__", {}).values()
    for part in list(inner):
        yield from _parts(part, seen)
