"""What the model needs to be loaded again: the versions of its framework and of what that requires."""

import platform
import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

from headgate.bundle.manifest import Environment
from headgate.packaging.recognise import Recognised

REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
ROOTS = {
    "scikit-learn": ("scikit-learn",),
    "onnx": (),
    "python": ("numpy",),
    "pytorch": ("torch", "numpy"),
    "keras": ("keras", "torch"),
    "transformers": ("transformers", "torch", "safetensors", "peft"),
}


def lock_environment(recognised: Recognised, *, frames: bool) -> Environment:
    """Python's minor version and the locked packages; pandas too where the model takes `frames`."""
    roots = [*ROOTS[recognised.framework], *_providers(recognised.trusted)]
    if frames and recognised.framework != "onnx":
        roots.append("pandas")
    if recognised.framework == "onnx":
        return Environment(python=_python(), packages=_versions(["onnxruntime"]))
    return Environment(python=_python(), packages=_versions(closure(roots)))


def closure(roots: Iterable[str]) -> list[str]:
    """The distributions and all that they require and that is installed, without extras; sorted."""
    found: set[str] = set()
    open_names = [_plain(name) for name in roots]
    while open_names:
        name = open_names.pop()
        if name in found:
            continue
        try:
            required = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        found.add(name)
        open_names += [_plain(REQUIREMENT.match(line)[0]) for line in required if _applies(line)]  # type: ignore[index]  # a requirement starts with a name
    return sorted(found)


def _applies(requirement: str) -> bool:
    """What an extra asks for is not needed; a marker for another machine names what is not installed here."""
    return "extra ==" not in requirement and bool(REQUIREMENT.match(requirement))


def _providers(trusted: Iterable[str]) -> list[str]:
    """The distributions that trusted code comes from, as far as it comes from one."""
    if not trusted:
        return []
    known = packages_distributions()
    return sorted({name for code in trusted for name in known.get(code.partition(".")[0], ())})


def _versions(names: Iterable[str]) -> dict[str, str]:
    return {_plain(name): distribution(name).version for name in names}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _python() -> str:
    return ".".join(platform.python_version_tuple()[:2])
