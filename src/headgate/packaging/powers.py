"""PowerTransformer in double precision, one branch per value. Runs in the converter's process.

skl2onnx computes both branches, multiplies each by a mask of 0 and 1 and adds them up: where one overflows the sum is
NaN, which it then takes for 0.
"""

from typing import Any

import numpy as np


def teach_powers() -> None:
    """Have skl2onnx write PowerTransformer so that far values come out as scikit-learn has them."""
    from skl2onnx.common import _registration
    from skl2onnx.operator_converters.common import concatenate_variables

    def convert(scope: Any, operator: Any, container: Any) -> None:
        joined = concatenate_variables(scope, operator.inputs, container)
        source = joined if isinstance(joined, str) else joined[0]
        graph = _Graph(scope, container)
        wide = graph.cast(source)
        transformer = operator.raw_operator
        write = _yeo_johnson if transformer.method == "yeo-johnson" else _box_cox
        graph.name(_standardised(graph, transformer, write(graph, wide, transformer.lambdas_)), operator.outputs[0])

    _registration._converter_pool["SklearnPowerTransformer"]._fct = convert
    _registration._shape_calculator_pool["SklearnPowerTransformer"] = _as_doubles


def _as_doubles(operator: Any) -> None:
    from skl2onnx.common.data_types import DoubleTensorType

    rows = operator.inputs[0].type.shape[0]
    operator.outputs[0].type = DoubleTensorType([rows, len(operator.raw_operator.lambdas_)])


class _Graph:
    """Adds operators to a graph; each answers the name of its result."""

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container

    def add(self, kind: str, version: int, *sources: str, **attributes: Any) -> str:
        """One operator."""
        target: str = self._scope.get_unique_variable_name("power")
        self._container.add_node(kind, list(sources), [target], op_version=version, **attributes)
        return target

    def constant(self, values: Any) -> str:
        """Numbers, one per column or one for all."""
        from onnx import TensorProto

        name: str = self._scope.get_unique_variable_name("powers")
        numbers = np.atleast_1d(np.asarray(values, dtype=np.float64))
        self._container.add_initializer(name, TensorProto.DOUBLE, list(numbers.shape), numbers)
        return name

    def cast(self, source: str) -> str:
        """The same as doubles."""
        from onnx import TensorProto

        return self.add("Cast", 13, source, to=TensorProto.DOUBLE)

    def name(self, source: str, output: Any) -> None:
        """That is the output."""
        self._container.add_node("Identity", [source], [output.full_name], op_version=13)


def _yeo_johnson(graph: _Graph, source: str, lambdas: Any) -> str:
    """The negative side is the positive one of -x with 2 - lambda, turned over."""
    zero = graph.constant(0.0)
    negative = graph.add("Less", 13, source, zero)
    powers = graph.add("Where", 9, negative, graph.constant(2.0 - lambdas), graph.constant(lambdas))
    size = graph.add("Add", 13, graph.add("Abs", 13, source), graph.constant(1.0))
    raised = _raise(graph, size, powers)
    return graph.add("Where", 9, negative, graph.add("Neg", 13, raised), raised)


def _box_cox(graph: _Graph, source: str, lambdas: Any) -> str:
    """Nothing below zero has an answer: scikit-learn refuses it, this is NaN."""
    positive = graph.add("Less", 13, graph.constant(0.0), source)
    raised = _raise(graph, source, graph.constant(lambdas))
    return graph.add("Where", 9, positive, raised, graph.constant(np.nan))


def _raise(graph: _Graph, source: str, powers: str) -> str:
    """(x ^ p - 1) / p, and log(x) where p is 0."""
    one = graph.constant(1.0)
    flat = graph.add("Equal", 13, powers, graph.constant(0.0))
    safe = graph.add("Where", 9, flat, one, powers)
    steep = graph.add("Div", 13, graph.add("Sub", 13, graph.add("Pow", 13, source, safe), one), safe)
    return graph.add("Where", 9, flat, graph.add("Log", 13, source), steep)


def _standardised(graph: _Graph, transformer: Any, source: str) -> str:
    if not transformer.standardize:
        return source
    scaler = transformer._scaler
    centred = graph.add("Sub", 13, source, graph.constant(scaler.mean_))
    return graph.add("Div", 13, centred, graph.constant(scaler.scale_))
