"""Places and tokens over the workers of a node: never too many, none lost, whatever order things happen in."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from tests.serving.worker_process import wait_for

from headgate.errors import HeadgateError, Overloaded, TooManyRequests
from headgate.records import AccessKey, Limits
from headgate.serving import node_counts
from headgate.serving.admission import Gate, Gates, enter_all, leave_all
from headgate.serving.node_counts import NodeCounts

MOST = 3


def gate_of(gates: Gates, name: str = "fraud", **limits: float) -> Gate:
    (gate,) = gates.of_endpoint(name, Limits(**({"concurrency": 0} | limits)))  # type: ignore[arg-type] # both kinds
    return gate


def is_let_in(gate: Gate) -> bool:
    try:
        gate.enter()
    except HeadgateError:
        return False
    return True


class Accounting(RuleBasedStateMachine):
    """Some workers of one node, in one process: what they hold together is what a list of requests says."""

    workers = Bundle("workers")
    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(os.path.realpath(f"/proc/self/fd/{os.open('/tmp', os.O_RDONLY)}"))
