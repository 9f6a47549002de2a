"""Pickles, which hold objects of several frameworks: opened only when all that they name is ordinary or trusted."""

from collections.abc import Sequence
from pathlib import Path

from headgate.bundle.globals import Globals, read_globals
from headgate.errors import Untrusted
from headgate.packaging.frameworks.framework import Kept, Trust
from headgate.packaging.loose_modules import refuse_loose
from headgate.runtimes.sklearn import load_estimator
from headgate.runtimes.skops import foreign_types

SUFFIXES = (".joblib", ".pkl", ".skops")
# taken too, and kept as .pkl
LONG = ".pickle"


def is_pickle(path: Path) -> bool:
    """Whether the name says so."""
    return path.suffix.lower() in (*SUFFIXES, LONG)


def open_pickle(kept: Path, trust: Trust, given: Path | None = None) -> Kept:
    """The object in the file; `given` is where a user has it, None for one that was pickled here.

    Raises `Untrusted` naming the foreign globals, or `Malformed`.
    """
    content = kept.read_bytes()
    named = _named_in(content, kept, str(given or kept))
    refuse_loose(named.foreign, given)
    _require_trust(given, [name for name in named.foreign if name not in trust])
    model = load_estimator(content, named.foreign, kept.name)
    return Kept(kept.name, model, named.foreign, packages=named.packages)


def _named_in(content: bytes, kept: Path, where: str) -> Globals:
    if kept.suffix == ".skops":
        return Globals(tuple(foreign_types(content)), frozenset())
    return read_globals(content, where)


def _require_trust(given: Path | None, unknown: Sequence[str]) -> None:
    if unknown:
        options = " ".join(f"--trust-code {name}" for name in unknown)
        raise Untrusted(
            f"{given or 'The model'} runs code that no ordinary estimator needs: {', '.join(unknown)}. "
            f"If you trust it, name it: trust_code={tuple(unknown)!r}, or {options}.",
            detail=[{"global": name} for name in unknown],
        )
