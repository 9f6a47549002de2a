"""Weights in fewer bits, by onnxruntime's own tools.

Source: onnxruntime.quantization (dynamic, and static in QDQ form) and onnxruntime.transformers.float16. `reduce_range`
keeps 8-bit products exact on processors without VNNI, so that every machine gives the same answers.
"""

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from headgate.errors import ModelError
from headgate.runtimes.batch import Array
from headgate.runtimes.boundary import Boundary, in_a_line

# onnxruntime's numbers for what it logs from on
WARNINGS, ERRORS = 2, 3
Feed = Mapping[str, Array]
QUANTIZED = {"MatMulInteger", "DynamicQuantizeLinear", "QuantizeLinear", "ConvInteger", "DynamicQuantizeMatMul"}
# around onnxruntime's tools, and onnx
TOOLS = Boundary(lambda error: ModelError(f"{type(error).__name__}: {in_a_line(error, 200)}"))
NOTHING = "it has no weights of a kind that can be quantised"


def quantize_dynamically(content: bytes) -> bytes:
    """Weights as 8-bit integers, activations quantised as they come. Raises `ModelError` where that is not possible."""
    from onnxruntime.quantization import quantize_dynamic

    def make(source: Any, target: str) -> None:
        quantize_dynamic(source, target, reduce_range=True)

    return _quantized(content, make)


def quantize_statically(content: bytes, feeds: Sequence[Feed]) -> bytes:
    """Weights and activations as 8-bit integers, their ranges taken from these inputs. Raises `ModelError`."""
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    class Rows(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
        def __init__(self) -> None:
            self._left = iter(feeds)

        def get_next(self) -> Feed | None:
            return next(self._left, None)

    def make(source: Any, target: str) -> None:
        quantize_static(source, target, Rows(), reduce_range=True)

    return _quantized(content, make)


def halve(content: bytes) -> bytes:
    """Weights and sums in half precision, inputs and outputs as they were. Raises `ModelError`."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with _speaking_plainly():
        import onnx

        model = onnx.load_from_string(content)
        halved = convert_float_to_float16(model, keep_io_types=True)
    if not any(value.data_type == onnx.TensorProto.FLOAT16 for value in halved.graph.initializer):
        raise ModelError("it has no weights in single precision")
    return bytes(halved.SerializeToString(deterministic=True))


def _quantized(content: bytes, make: Callable[[Any, str], None]) -> bytes:
    with _speaking_plainly(), tempfile.TemporaryDirectory(prefix="headgate-quantize-") as folder:
        import onnx

        model = onnx.load_from_string(content)
        # shapes that an exporter wrote down contradict those that the quantiser infers
        del model.graph.value_info[:]
        target = Path(folder) / "model.onnx"
        make(model, str(target))
        done = onnx.load(target)
    if not any(node.op_type in QUANTIZED for node in done.graph.node):
        raise ModelError(NOTHING)
    return bytes(done.SerializeToString(deterministic=True))


@contextmanager
def _speaking_plainly() -> Iterator[None]:
    """One kind of error, and no remarks of the library on the way."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(ERRORS)
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"), TOOLS:
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(before)
        onnxruntime.set_default_logger_severity(WARNINGS)
