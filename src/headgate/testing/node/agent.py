"""The real agent over the fakes: `python -m headgate.testing.node.agent --home H [--no-control]`.

`HEADGATE_FAKES` names those that are wanted, by default all of "worker,template,control"; the others are the real ones.
`HEADGATE_FORK_SECONDS` is what a template has at least.
"""

import os
import sys

from headgate.agent import templates
from headgate.agent.launcher import Programs
from headgate.agent.main import main


def programs(wanted: str) -> Programs:
    """Those named are fakes."""
    return Programs(**{name: (sys.executable, "-m", f"headgate.testing.node.{name}") for name in wanted.split(",")})


if __name__ == "__main__":
    templates.FORK_SECONDS = float(os.environ.get("HEADGATE_FORK_SECONDS", templates.FORK_SECONDS))
    sys.exit(main(programs=programs(os.environ.get("HEADGATE_FAKES", "worker,template,control"))))
