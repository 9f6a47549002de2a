"""The child that converts: `python -m headgate.packaging.converter`. One JSON request per line in, one answer out.

skl2onnx is imported before the first request is read, so that a parent can start it early. Its seeds are fixed.
"""

import os
import random
import sys
import warnings
from pathlib import Path

import msgspec
import numpy as np

from headgate.errors import Refused
from headgate.packaging.frameworks.registry import load_exporter
from headgate.packaging.graph import widen_trees
from headgate.packaging.imputing import teach_imputing
from headgate.packaging.powers import teach_powers
from headgate.packaging.request import Answer, Request
from headgate.runtimes.boundary import Boundary, named

SEED = 0
_requests = msgspec.json.Decoder(Request)


def main() -> None:
    """Answer requests until stdin ends."""
    # whatever a library prints goes to stderr
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    widen_trees()
    teach_imputing()
    teach_powers()
    answers.write(b"{}\n")
    answers.flush()
    for line in sys.stdin.buffer:
        request = _requests.decode(line)
        answers.write(msgspec.json.encode(_answer(request)) + b"\n")
        answers.flush()


def _answer(request: Request) -> Answer:
    random.seed(SEED)
    np.random.seed(SEED)
    try:
        # whatever stops the converter is its answer
        with Boundary(lambda error: Refused(named(error)), passing=Refused):
            export = load_exporter(request.manifest.framework)
            Path(request.target).write_bytes(export(request))
    except Refused as error:
        return Answer(refused=error.message)
    return Answer()


if __name__ == "__main__":
    main()
