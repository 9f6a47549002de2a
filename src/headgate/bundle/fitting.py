"""Does a form of a bundle run with the packages that are installed here?

A compiled form needs none of them. For the original, what matters was measured: 13 kinds of scikit-learn models, saved
by scikit-learn 1.5, 1.7 and 1.9 on NumPy 1.26 to 2.4, loaded by 1.5 to 1.9 and on Python 3.11 and 3.12. Within one
minor release of scikit-learn all answer the same; an older file in a newer minor release fails for up to three kinds.
NumPy's minor release makes no difference, its major release does: six kinds saved on 2 do not load on 1. Python's minor
release makes none, except for code that a pickle holds by value. Hence:

- a package that the model itself names is here in the same `major.minor`;
- NumPy, SciPy and pandas, which keep what they write within a major release, are here in the same `major`;
- Python is the same `major.minor` where the pickle holds code that was trusted by name;
- anything else may differ: the golden requests are asked before the version serves.
"""

import platform
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from headgate.bundle.manifest import Manifest
from headgate.errors import EnvironmentMismatch
from headgate.records import Record

BY_MAJOR = ("numpy", "pandas", "scipy")
COMPILED = frozenset({"onnx"})
# the version of a distribution that is installed, None where it is not
Installed = Callable[[str], str | None]


class Misfit(Record, frozen=True, kw_only=True):
    """One package in two versions."""

    package: str
    wanted: str
    found: str  # empty: it is not installed

    def __str__(self) -> str:
        return f"{self.package} {self.wanted} (here is {self.found or 'none'})"


def misfits(manifest: Manifest, form: str, installed: Installed, python: str) -> tuple[Misfit, ...]:
    """What keeps the form from running here; empty when it fits."""
    if form not in manifest.forms or manifest.forms[form].runtime in COMPILED:
        return ()
    return tuple(_misfits(manifest, installed, python))


def require_fit(manifest: Manifest, form: str) -> None:
    """Raises `EnvironmentMismatch` naming the packages and both versions where the form does not run here."""
    lacking = misfits(manifest, form, installed_version, python_version())
    if lacking:
        raise EnvironmentMismatch(
            f"Bundle {manifest.name!r} expects {', '.join(map(str, lacking))}. Have Headgate serve it, which builds an "
            f"environment for it, or {what_to_install(lacking)}."
        )


def what_to_install(lacking: tuple[Misfit, ...]) -> str:
    """What a person may do about it."""
    pins = " ".join(f"'{each.package}=={each.wanted}'" for each in lacking if each.package != "Python")
    return f"install {pins} beside Headgate" if pins else "run Headgate on that Python"


@cache
def installed_version(name: str) -> str | None:
    """Of a distribution, here."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def python_version() -> str:
    """Ours, as manifests spell it."""
    return ".".join(platform.python_version_tuple()[:2])


def _misfits(manifest: Manifest, installed: Installed, python: str) -> Iterator[Misfit]:
    environment = manifest.environment
    if manifest.trusted_code and environment.python != python:
        yield Misfit(package="Python", wanted=environment.python, found=python)
    for name, wanted in sorted(environment.packages.items()):
        parts = 1 if name in BY_MAJOR else 2 if name in environment.direct else 0
        found = installed(name) if parts else wanted
        if found is None or _release(found)[:parts] != _release(wanted)[:parts]:
            yield Misfit(package=name, wanted=wanted, found=found or "")


def _release(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with; what is not written is zero."""
    found = re.match(r"(?:\d+!)?v?(\d+(?:\.\d+)*)", version)
    numbers = [int(part) for part in found[1].split(".")] if found else []
    return (*numbers, 0, 0)
