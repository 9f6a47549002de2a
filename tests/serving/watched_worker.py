"""A worker that says in its log which thread imports what of pyarrow: `python -m tests.serving.watched_worker`."""

import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from headgate.serving.main import main


class Watcher:
    """Finds nothing, and says who asked."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        # the worker looks whether the package is there, which imports nothing, by its plain name
        if name.startswith("pyarrow."):
            sys.stderr.write(f"{name} imported by {threading.current_thread().name.partition('_')[0]}\n")
        return None


if __name__ == "__main__":
    sys.meta_path.insert(0, Watcher)
    sys.exit(main(sys.argv[1:]))
