"""Models as other products keep them, where a folder says itself whose it is: then it is packaged as what is in it."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from headgate.importing.mlflow import MLMODEL, find


class Original(NamedTuple):
    """What is packaged, and what is known besides."""

    model: Any
    example: Any
    lineage: Mapping[str, str] | None


@contextmanager
def opened(model: Any, example: Any, lineage: Mapping[str, str] | None) -> Iterator[Original]:
    """An MLflow folder as its model with its own example and lineage, under what the caller gives; else as it is."""
    if not (isinstance(model, str | Path) and (Path(model) / MLMODEL).is_file()):
        yield Original(model, example, lineage)
        return
    with tempfile.TemporaryDirectory(prefix="headgate-mlflow-") as scratch:
        found = find(Path(model), Path(scratch))
        shown = example if example is not None else found.example
        yield Original(found.model, shown, {**found.lineage, **(lineage or {})})
