"""Headgate takes a trained model to production and keeps it healthy there."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headgate.bundle.bundle import Bundle
    from headgate.client.client import Client
    from headgate.packaging.package import package
    from headgate.runtimes.local import load
    from headgate.runtimes.traces import traces

__version__ = "0.1.0.dev0"
__all__ = ["Bundle", "Client", "load", "package", "traces"]

# Public name → where it lives, imported on first use: `import headgate` stays fast.
_PUBLIC = {
    "Bundle": "headgate.bundle.bundle:Bundle",
    "Client": "headgate.client.client:Client",
    "load": "headgate.runtimes.local:load",
    "package": "headgate.packaging.package:package",
    "traces": "headgate.runtimes.traces:traces",
}


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
