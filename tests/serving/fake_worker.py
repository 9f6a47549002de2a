"""A worker that knows the fake runtime as well: `python -m tests.serving.fake_worker`, otherwise like the real one."""

import sys

from headgate.runtimes.registry import RUNTIMES
from headgate.serving.main import main
from headgate.testing.runtime import FAKE_RUNTIME

if __name__ == "__main__":
    RUNTIMES["fake"] = FAKE_RUNTIME
    sys.exit(main(sys.argv[1:]))
