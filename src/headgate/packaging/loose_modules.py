"""Modules that only this process finds: beside a script, in the folder it stands in, or the script itself.

No process that serves the model looks there, so a pickle that names one is refused before anything is made of it.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from headgate.errors import ModelError, UnsupportedType

SCRIPT = "__main__"
SECONDS = 60.0
# asked of an interpreter that starts as those of model hosts do; finding a module runs none of it
LOOK = "import sys, importlib.util as u; print(*[n for n in sys.argv[1:] if u.find_spec(n)], sep='\\n')"


def refuse_loose(foreign: Sequence[str], given: Path | None) -> None:
    """Raises `UnsupportedType` where a global of the pickle comes from such a module, with the ways round.

    A module that is not found anywhere is left to what loads the pickle.
    """
    first = {name.partition(".")[0]: name for name in reversed(foreign)}
    named = sorted(module for module in first.keys() - sys.stdlib_module_names if module.isidentifier())
    files = {module: _file_of(module, given) for module in named}
    here = {module for module, file in files.items() if file or module == SCRIPT}
    loose = min(here - _installed(here), default=None)
    if loose is not None:
        raise UnsupportedType(_sentence(first[loose], loose, files[loose], given))


def _sentence(name: str, module: str, file: str, given: Path | None) -> str:
    where = f" ({file})" if file else ""
    way = "" if module == SCRIPT else f" with cloudpickle.register_pickle_by_value({module})"
    return (
        f"{given or 'The model'} needs {name} of the loose module {module}{where}, which no process that serves it "
        f"finds: expected a module of an installed package. Install it as a package and name it by --trust-code, or "
        f"write the pickle by cloudpickle{way}, or put the class into the .py file that defines `model`."
    )


def _file_of(module: str, given: Path | None) -> str:
    """Where this process finds it, or where it lies beside the model's file; empty where neither."""
    known = sys.modules.get(module)
    if module == SCRIPT:
        # a file's script is not known any more
        return "" if given else str(getattr(known, "__file__", None) or "")
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is not None:
        return str(spec.origin or next(iter(spec.submodule_search_locations or ()), ""))
    beside = [given.parent / f"{module}.py", given.parent / module / "__init__.py"] if given else []
    return next((str(path) for path in beside if path.is_file()), "")


def _installed(modules: Iterable[str]) -> frozenset[str]:
    """Those that an interpreter without this one's folders finds."""
    asked = sorted(set(modules) - {SCRIPT})
    if not asked:
        return frozenset()
    try:
        told = subprocess.run(
            [sys.executable, "-P", "-c", LOOK, *asked],
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ModelError(f"An interpreter that looks for {', '.join(asked)} did not answer: {error}.") from error
    return frozenset(told.stdout.split())
