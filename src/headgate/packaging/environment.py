"""What the model needs to be loaded again: the versions of its framework and of what that requires."""

import ast
import platform
import re
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

from headgate.bundle.manifest import Environment
from headgate.bundle.requirements import plain_name
from headgate.packaging.frameworks.framework import Recognised
from headgate.packaging.frameworks.registry import frameworks
from headgate.runtimes.boosted import PICKLES as PICKLED

REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# what a model host of ours imports beside the model
HOST = ("msgspec", "numpy")


def name_packages(recognised: Recognised, source: Path, *, frames: bool) -> Environment:
    """Python's minor version and the packages; `source` is the model's file, pandas counts where it takes `frames`."""
    needs = recognised.framework.needs
    if needs.closed:
        return Environment(python=_python(), packages=_versions(needs.distributions), direct=needs.distributions)
    roots = [*needs.distributions, *_providers(_modules(recognised, source))]
    if recognised.kept.file.endswith(PICKLED):
        roots += needs.pickled
    if frames and needs.frames:
        roots.append("pandas")
    direct = tuple(sorted({plain_name(name) for name in roots} & set(closure(roots))))
    return Environment(python=_python(), packages=_versions(closure([*roots, *HOST])), direct=direct)


def required_by(name: str) -> list[str]:
    """The distributions that one requires and that are installed, without extras; in their one spelling, sorted."""
    names = {plain_name(found[0]) for line in _requires(name) if _applies(line) and (found := REQUIREMENT.match(line))}
    return sorted(each for each in names if _is_installed(each))


def closure(roots: Iterable[str]) -> list[str]:
    """The distributions and all that they require and that is installed, without extras; sorted."""
    found: set[str] = set()
    open_names = [plain_name(name) for name in roots]
    while open_names:
        name = open_names.pop()
        if name not in found and _is_installed(name):
            found.add(name)
            open_names += required_by(name)
    return sorted(found)


def imported_modules(source: bytes) -> set[str]:
    """The modules outside of the standard library that Python source imports anywhere, by their first name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names


def _modules(recognised: Recognised, source: Path) -> set[str]:
    """The modules that the model's own code comes from or imports."""
    if source.suffix == ".py":
        return imported_modules(source.read_bytes())
    needs, packages = recognised.framework.needs, recognised.kept.packages
    if not needs.named:
        # an estimator's parts may be of other frameworks, and the rest comes with its own
        packages &= {module for each in frameworks() for module in each.needs.modules}
    return {*(code.partition(".")[0] for code in recognised.kept.trusted), *needs.modules, *packages}


def _providers(modules: Iterable[str]) -> list[str]:
    """The distributions that modules come from, as far as they come from one."""
    named = set(modules)
    if not named:
        return []
    known = packages_distributions()
    return sorted({name for module in named for name in known.get(module, ())})


def _requires(name: str) -> list[str]:
    try:
        return distribution(name).requires or []
    except PackageNotFoundError:
        return []


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _applies(requirement: str) -> bool:
    """What an extra asks for is not needed; a marker for another machine names what is not installed here."""
    return "extra ==" not in requirement and bool(REQUIREMENT.match(requirement))


def _versions(names: Iterable[str]) -> dict[str, str]:
    return {plain_name(name): distribution(name).version for name in names}


def _python() -> str:
    return ".".join(platform.python_version_tuple()[:2])
