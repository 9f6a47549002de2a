"""The bundle's `requirements.txt`: every package in the version that the model was packaged with, with its hashes.

One spelling, as pip and uv read it, and nothing but `name==version` and hashes: no URL, no option, no path, no marker.
What a file of that name in a stranger's bundle says beyond that is refused before an installer sees it.
"""

import re
from collections.abc import Mapping, Sequence

from headgate.bundle.manifest import REQUIREMENTS, Environment
from headgate.errors import EnvironmentMismatch

NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII)
VERSION = re.compile(r"[0-9][0-9A-Za-z.!+_-]*", re.ASCII)
HASH = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def plain_name(name: str) -> str:
    """A distribution's name in its one spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements_text(packages: Mapping[str, str], hashes: Mapping[str, Sequence[str]]) -> str:
    """The file: sorted, and so the same for the same packages. Raises `EnvironmentMismatch` for a name that is none."""
    return "".join(
        " \\\n    ".join([_pin(name, version), *(f"--hash={each}" for each in sorted(set(hashes.get(name, ()))))])
        + "\n"
        for name, version in sorted(packages.items())
    )


def read_hashes(text: str) -> dict[str, tuple[str, ...]]:
    """Package → its hashes, of such a file. Raises `EnvironmentMismatch` for anything else in it."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split()
        if not words:
            continue
        name, _, version = words[0].partition("==")
        hashes = tuple(word.removeprefix("--hash=") for word in words[1:])
        _pin(name, version)
        if not all(HASH.fullmatch(each) for each in hashes):
            raise EnvironmentMismatch(f"Expected `name==version` and hashes in {REQUIREMENTS}, got {line[:200]!r}.")
        found[name] = hashes
    return found


def check_requirements(text: str, environment: Environment) -> None:
    """It names the manifest's packages, each with a hash, in our spelling; raises `EnvironmentMismatch`."""
    hashes = read_hashes(text)
    bare = [name for name in environment.packages if not hashes.get(name)]
    if bare or requirements_text(environment.packages, hashes) != text:
        missing = f"no hash of {bare[0]}" if bare else "something else than the manifest names"
        raise EnvironmentMismatch(f"{REQUIREMENTS} holds {missing}: package the model again.")


def _pin(name: str, version: str) -> str:
    if not NAME.fullmatch(name) or not VERSION.fullmatch(version):
        raise EnvironmentMismatch(f"Expected a package and its version, got {name[:100]!r} and {version[:100]!r}.")
    return f"{name}=={version}"
