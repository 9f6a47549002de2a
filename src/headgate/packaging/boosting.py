"""Boosted trees inside scikit-learn's pipelines: skl2onnx is told how to write them, in the converter's process."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from headgate.errors import HeadgateError
from headgate.packaging.forest_graph import link_nodes, tree_node
from headgate.packaging.frameworks.framework import Trees
from headgate.packaging.frameworks.registry import FRAMEWORKS, missing_of, read_forest

PROBABLE = ("sigmoid", "softmax")


def teach_boosting() -> None:
    """Register the wrappers of every framework that is loaded here."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common import shape_calculator

    classifies = shape_calculator.calculate_linear_classifier_output_shapes
    regresses = shape_calculator.calculate_linear_regressor_output_shapes
    options = {"zipmap": [True, False, "columns"], "output_class_labels": [False, True], "nocl": [True, False]}
    for name, trees in _loaded():
        for kind in trees.classifiers:
            wrapper = getattr(sys.modules[name], kind)
            # calibration asks for scores those that have them
            scores = {"raw_scores": [True, False]} if hasattr(wrapper, "decision_function") else {}
            alias = f"Boosted{kind}"
            update_registered_converter(
                wrapper, alias, classifies, _classifier, options=options | scores, parser=_parser(alias)
            )
        for kind in trees.regressors:
            wrapper = getattr(sys.modules[name], kind)
            update_registered_converter(wrapper, f"Boosted{kind}", regresses, _regressor)


def _loaded() -> Iterator[tuple[str, Trees]]:
    for name, framework in FRAMEWORKS.items():
        if framework.trees and name in sys.modules:
            yield name, framework.trees


def _parser(alias: str) -> Callable[..., Any]:
    """Two outputs: CatBoost's classifier is none by scikit-learn's marks."""
    from skl2onnx.common.data_types import Int64TensorType, guess_tensor_type

    def parse(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
        operator = scope.declare_local_operator(alias, model)
        operator.inputs = inputs
        operator.outputs.append(scope.declare_local_variable("label", Int64TensorType()))
        operator.outputs.append(scope.declare_local_variable("probabilities", guess_tensor_type(inputs[0].type)))
        return operator.outputs

    return parse


def _classifier(scope: Any, operator: Any, container: Any) -> None:
    forest = read_forest(operator.raw_operator)
    if forest is None or forest.refused or forest.link not in PROBABLE:
        raise HeadgateError(f"{type(operator.raw_operator).__name__}: {forest.refused if forest else 'no trees'}")
    raw = _wants_scores(container, operator.raw_operator)
    chances = _written(scope, operator, container, replace(forest, link="identity") if raw else forest)
    if forest.outputs == 1:
        chances = _both(scope, container, chances, 0.0 if raw else 1.0)
    labels, probabilities = (output.full_name for output in operator.outputs)
    _cast(container, chances, probabilities, operator.outputs[1].type)
    place = scope.get_unique_variable_name("place")
    container.add_node("ArgMax", [chances], [place], op_version=13, axis=1, keepdims=0)
    _name_classes(scope, container, place, labels, operator.raw_operator.classes_)


def _wants_scores(container: Any, model: Any) -> bool:
    # only those that have scores know the option
    known = container.has_options(model, "raw_scores")
    return known and bool(container.get_options(model, {"raw_scores": False})["raw_scores"])


def _regressor(scope: Any, operator: Any, container: Any) -> None:
    forest = read_forest(operator.raw_operator)
    if forest is None or forest.refused:
        raise HeadgateError(f"{type(operator.raw_operator).__name__}: {forest.refused if forest else 'no trees'}")
    answer = _written(scope, operator, container, forest)
    _cast(container, answer, operator.outputs[0].full_name, operator.outputs[0].type)


def _written(scope: Any, operator: Any, container: Any, forest: Any) -> str:
    """The sums of the leaves and what becomes of them, as the framework rounds the values it is given."""
    if missing_of(operator.raw_operator):
        raise HeadgateError(f"{type(operator.raw_operator).__name__}: a number stands for missing values")
    from onnx import TensorProto
    from skl2onnx.operator_converters.common import concatenate_variables

    joined = concatenate_variables(scope, operator.inputs, container)
    source = joined if isinstance(joined, str) else joined[0]
    given, sums, answer = (str(scope.get_unique_variable_name(name)) for name in ("given", "sums", "answer"))
    kind = TensorProto.FLOAT if forest.single else TensorProto.DOUBLE
    container.add_node("Cast", [source], [given], op_version=13, to=kind)
    container.nodes.append(tree_node(forest, given, sums, wide=not forest.single))
    container.nodes += link_nodes(forest, sums, answer)
    return answer


def _both(scope: Any, container: Any, second: str, whole: float) -> str:
    """The first class's column beside the second's; together they make the `whole`."""
    from onnx import TensorProto

    total, first, both = (str(scope.get_unique_variable_name(name)) for name in ("whole", "first", "both"))
    container.add_initializer(total, TensorProto.FLOAT, [1], [whole])
    container.add_node("Sub", [total, second], [first], op_version=14)
    container.add_node("Concat", [first, second], [both], op_version=13, axis=1)
    return both


def _name_classes(scope: Any, container: Any, place: str, target: str, classes: Any) -> None:
    """From the place of the class to its name."""
    from onnx import TensorProto

    text = classes.dtype.kind in "OU"
    names = [str(name).encode() for name in classes] if text else [int(name) for name in classes]
    known = scope.get_unique_variable_name("classes")
    container.add_initializer(known, TensorProto.STRING if text else TensorProto.INT64, [len(names)], names)
    container.add_node("Gather", [known, place], [target], op_version=13, axis=0)


def _cast(container: Any, source: str, target: str, kind: Any) -> None:
    from onnx import TensorProto

    wanted = TensorProto.DOUBLE if type(kind).__name__.startswith("Double") else TensorProto.FLOAT
    container.add_node("Cast", [source], [target], op_version=13, to=wanted)
