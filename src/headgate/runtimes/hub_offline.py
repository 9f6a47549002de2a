"""Nothing is asked of a model hub, and nothing told to one, while a model is made; afterwards all is as it was.

Model hosts have `OFFLINE` in force before they import the libraries, and for good. A process of a user's own may want
the hub before and after: there the libraries are imported as that process chose, and only then kept off it.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
# what the library has made of them when it was imported, and asks at every request
CONSTANTS = "huggingface_hub.constants"
SWITCHES = ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY")


@contextmanager
def offline() -> Iterator[None]:
    """Off the hub until the block ends; the libraries are imported before it."""
    constants = vars(sys.modules[CONSTANTS]) if CONSTANTS in sys.modules else {}
    variables = {name: os.environ.get(name) for name in OFFLINE}
    switches = {name: constants[name] for name in SWITCHES if name in constants}
    os.environ.update(OFFLINE)
    constants.update(dict.fromkeys(switches, True))
    try:
        yield
    finally:
        constants.update(switches)
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
