"""The table of products whose models can be imported; their readers are imported on use."""

import importlib
from pathlib import Path
from typing import Any, NamedTuple

from headgate.errors import NotFound, Unavailable
from headgate.importing.found import Found
from headgate.names import shown


class Source(NamedTuple):
    """A product."""

    reader: str  # "module:attribute"
    mark: str = ""  # the file by which a folder says itself whose it is; without one, the user says it


SOURCES = {
    "mlflow": Source("headgate.importing.mlflow:find", mark="MLmodel"),
    "sagemaker": Source("headgate.importing.sagemaker:find"),
    "triton": Source("headgate.importing.triton:find"),
    "bentoml": Source("headgate.importing.bentoml:find"),
}


def product_of(folder: Path) -> str | None:
    """The product whose folder it is, where that is plain to see."""
    return next((name for name, each in SOURCES.items() if each.mark and (folder / each.mark).is_file()), None)


def find_model(source: str, location: Path, scratch: Path) -> Found:
    """What the product keeps at the location; files that must be made lie in `scratch`.

    Raises `NotFound` for a product that is not in the table, and what its reader raises.
    """
    if source not in SOURCES:
        raise NotFound(f"Models of {shown(source)} cannot be imported; there are {', '.join(SOURCES)}.")
    found: Found = named(SOURCES[source].reader)(location, scratch)
    return found


def named(target: str, extra: str = "") -> Any:
    """What `module:attribute` stands for. Raises `Unavailable` where the extra that it needs is not installed."""
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        if not extra:
            raise
        raise Unavailable(f"This needs the extra {extra} ({error}): pip install 'headgate[{extra}]'.") from error
