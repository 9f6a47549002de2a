"""The real agent over the fakes: `python -m headgate.testing.node.agent --home H [--no-control]`."""

import sys

from headgate.agent.launcher import Programs
from headgate.agent.main import main

FAKES = Programs(
    worker=(sys.executable, "-m", "headgate.testing.node.worker"),
    template=(sys.executable, "-m", "headgate.testing.node.template"),
    control=(sys.executable, "-m", "headgate.testing.node.control"),
)

if __name__ == "__main__":
    sys.exit(main(programs=FAKES))
