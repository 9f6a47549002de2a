"""A session of onnxruntime as we want it: nothing spins, nothing is sent, weights come from verified bytes."""

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from headgate.errors import ModelError
from headgate.runtimes.boundary import foreign
from headgate.runtimes.weights import hand_over

THREADS, MOST_THREADS = "threads", 64


def open_session(content: bytes, weights: Mapping[str, bytes] = MappingProxyType({}), threads: int = 1) -> Any:
    """An `InferenceSession` of the model in these bytes; `weights` are the files that it may name, by name.

    `threads` share one call. Raises `ModelError`.
    """
    # onnxruntime sends usage data to its makers unless it is told not to before it is loaded; nobody agreed to that
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # takes 0.1 s to import; a worker that serves no ONNX model does without
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    hand_over(options, weights)
    with foreign(f"onnxruntime {onnxruntime.__version__} cannot load the model", str):
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def threads_of(options: Mapping[str, str]) -> int:
    """What the form's option says: one thread, unless `headgate optimize` found that more pay."""
    told = options.get(THREADS, "1")
    if not (told.isascii() and told.isdigit() and 1 <= int(told) <= MOST_THREADS):
        raise ModelError(f"The form's option {THREADS} is {told!r}, expected 1 to {MOST_THREADS}.")
    return int(told)
