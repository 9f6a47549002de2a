"""The table of products whose models can be imported: name → where its reader lives, imported on use."""

import importlib
from pathlib import Path
from typing import Any

from headgate.errors import NotFound, Unavailable
from headgate.importing.found import Found
from headgate.names import shown

SOURCES = {
    "mlflow": "headgate.importing.mlflow:find",
    "sagemaker": "headgate.importing.sagemaker:find",
    "triton": "headgate.importing.triton:find",
    "bentoml": "headgate.importing.bentoml:find",
}


def find_model(source: str, location: Path, scratch: Path) -> Found:
    """What the product keeps at the location; files that must be made lie in `scratch`.

    Raises `NotFound` for a product that is not in the table, and what its reader raises.
    """
    if source not in SOURCES:
        raise NotFound(f"Models of {shown(source)} cannot be imported; there are {', '.join(SOURCES)}.")
    found: Found = named(SOURCES[source])(location, scratch)
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
