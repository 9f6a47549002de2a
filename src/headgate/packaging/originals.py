"""Models as other products keep them: packaged as the model that is in there, with what is said of it there."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from headgate.importing.found import Found
from headgate.importing.registry import find_model, product_of


class Original(NamedTuple):
    """What is packaged, and what is known besides."""

    model: Any
    example: Any
    lineage: Mapping[str, str] | None


@contextmanager
def opened(model: Any, example: Any, lineage: Mapping[str, str] | None) -> Iterator[Original]:
    """What was found in a product's folder, or a folder that says itself whose it is, as the model in it with its own
    example and lineage, under what the caller gives; else as it is.
    """
    product = product_of(Path(model)) if isinstance(model, str | Path) else None
    if isinstance(model, Found):
        yield _original(model, example, lineage)
    elif product is None:
        yield Original(model, example, lineage)
    else:
        with tempfile.TemporaryDirectory(prefix="headgate-import-") as scratch:
            yield _original(find_model(product, Path(model), Path(scratch)), example, lineage)


def _original(found: Found, example: Any, lineage: Mapping[str, str] | None) -> Original:
    shown = example if example is not None else found.example
    return Original(found.model, shown, {**found.lineage, **(lineage or {})})
