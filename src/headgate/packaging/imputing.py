"""Imputation over doubles and text, which onnxruntime's own operator cannot. Runs in the converter's process."""

from typing import Any

import numpy as np

# how onnxruntime spells a missing text that it is given as None
MISSING_TEXT = "None"


def teach_imputing() -> None:
    """Have skl2onnx write SimpleImputer with operators that exist for doubles and for text."""
    from skl2onnx.common import _registration
    from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
    from skl2onnx.operator_converters.common import concatenate_variables

    registered = _registration._converter_pool["SklearnSimpleImputer"]
    plain = registered._fct

    def convert(scope: Any, operator: Any, container: Any) -> None:
        imputer, kind = operator.raw_operator, type(operator.inputs[0].type)
        fill = np.asarray(imputer.statistics_)
        if kind not in (DoubleTensorType, StringTensorType) or imputer.add_indicator or not _fits(imputer, fill):
            plain(scope, operator, container)
            return
        joined = concatenate_variables(scope, operator.inputs, container)
        source = joined if isinstance(joined, str) else joined[0]
        write = _impute_text if kind is StringTensorType else _impute_numbers
        write(scope, container, source, operator.outputs[0].full_name, fill)

    registered._fct = convert


def _fits(imputer: Any, fill: Any) -> bool:
    """NaN or None is replaced, and no column was dropped for having no value."""
    nothing = imputer.missing_values
    is_null = nothing is None or (isinstance(nothing, float) and np.isnan(nothing))
    return is_null and not any(value is None or value != value for value in fill.tolist())


def _impute_numbers(scope: Any, container: Any, source: str, target: str, fill: Any) -> None:
    from onnx import TensorProto

    filled, absent = scope.get_unique_variable_name("fill"), scope.get_unique_variable_name("absent")
    container.add_initializer(filled, TensorProto.DOUBLE, [1, len(fill)], fill.astype(np.float64))
    container.add_node("IsNaN", [source], [absent], op_version=13)
    container.add_node("Where", [absent, filled, source], [target], op_version=9)


def _impute_text(scope: Any, container: Any, source: str, target: str, fill: Any) -> None:
    from onnx import TensorProto

    filled, absent = scope.get_unique_variable_name("fill"), scope.get_unique_variable_name("absent")
    nothing = scope.get_unique_variable_name("nothing")
    texts = [str(value).encode() for value in fill.tolist()]
    container.add_initializer(filled, TensorProto.STRING, [1, len(fill)], texts)
    container.add_initializer(nothing, TensorProto.STRING, [1], [MISSING_TEXT.encode()])
    container.add_node("Equal", [source, nothing], [absent], op_version=19)
    container.add_node("Where", [absent, filled, source], [target], op_version=9)
