"""The table of products whose models can be imported: name → where its reader lives, imported on use."""

import importlib
from pathlib import Path

from headgate.errors import NotFound
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
    module, _, attribute = SOURCES[source].partition(":")
    found: Found = getattr(importlib.import_module(module), attribute)(location, scratch)
    return found
