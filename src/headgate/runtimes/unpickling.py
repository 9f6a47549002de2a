"""Loading pickle and joblib files whose globals are all on the allow-list, or trusted by name."""

import copyreg
import functools
import importlib
import io
import pickle
import types
from collections.abc import Iterable
from typing import Any

import numpy as np

from headgate.bundle.allowed import ARRAY_WRAPPER, GETATTR, MEMORY_MAP, has_stand_in, is_allowed, is_sklearn, today
from headgate.bundle.pickles import PickleMachine, count_of, unpacked_stream
from headgate.errors import ModelError, Untrusted
from headgate.runtimes.batch import Array
from headgate.runtimes.boundary import foreign
from headgate.runtimes.trees import check_tree

# attributes that name a method which scikit-learn then calls on whatever is beside them
METHODS = ("stack_method", "stack_method_", "response_method", "_response_method", "chain_method", "chain_method_")
# packages whose classes are made empty and then given their state
ESTIMATORS = ("sklearn", "xgboost", "lightgbm", "catboost")
RESPONSES = {"auto", "decision_function", "predict", "predict_proba", "predict_log_proba", "transform", "score_samples"}


def unpickle(content: bytes, trusted: Iterable[str] = ()) -> Any:
    """The object in a pickle or joblib file's bytes; what follows the first pickle is not looked at.

    Raises `Untrusted` naming a global that is neither allowed nor trusted, before it is imported; `ModelError` when the
    file is damaged or a module is missing.
    """
    with foreign("The model file cannot be loaded"):
        return _GuardedUnpickler(unpacked_stream(content), frozenset(trusted)).load()


class _StandIn:
    """Keeps nothing and does nothing, in the place of what is not needed to predict."""

    def __new__(cls, *_arguments: Any, **_named: Any) -> "_StandIn":
        return object.__new__(cls)

    def __init__(self, *_arguments: Any, **_named: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...


class _ArrayWrapper:
    """What joblib builds where an array's bytes follow; an array takes its place."""

    shape: Any
    order: str
    dtype: np.dtype[Any]
    numpy_array_alignment_bytes: int | None = None


class _GuardedUnpickler(PickleMachine):
    def __init__(self, stream: io.BytesIO, trusted: frozenset[str]) -> None:
        super().__init__(stream)
        self.trusted = trusted
        self.globals: dict[int, Any] = {}  # what was looked up, by id: part of the program, not of the model
        self.built: list[Any] = []

    def load(self) -> Any:
        loaded = super().load()
        # at the end, because a list in an attribute can still grow after it was set
        for estimator in self.built:
            check_attributes(estimator)
            check_tree(estimator)
        return loaded

    def resolve(self, module: str, name: str) -> Any:
        found = self._look_up(module, name)
        self.globals[id(found)] = found
        return found

    def _look_up(self, module: str, name: str) -> Any:
        if (module, name) in REPLACED:
            return REPLACED[module, name]
        if has_stand_in(module, name):
            return _StandIn
        allowed = is_allowed(module, name)
        if not allowed and f"{module}.{name}" not in self.trusted:
            raise Untrusted(
                f"The model file names {module}.{name}, which no ordinary estimator needs and nobody has trusted. "
                f"If you know it: headgate package … --trust-code {module}.{name}"
            )
        found = _import(module, name)
        if allowed and is_sklearn(module, name) and not is_sklearn(today(str(getattr(found, "__module__", ""))), name):
            raise Untrusted(f"{module}.{name} is not what it seems: it is {found!r}.")
        return found

    def call(self, function: Any, arguments: Any) -> Any:
        # Ordinary files make estimators empty and set their state, which is checked; none calls an instance.
        if _is_estimator_class(function) or _is_instance_of_allowed(function) or _calls_a_base(function, arguments):
            raise Untrusted(f"The model file calls {function!r}, which no file of an ordinary estimator does.")
        return function(*arguments)

    def build(self, instance: Any, state: Any) -> Any:
        if id(instance) in self.globals or isinstance(instance, type | types.ModuleType):
            raise pickle.UnpicklingError(f"it changes {instance!r}, which it has not made")
        # the original takes the state from the top of the stack
        self.stack.append(state)
        pickle._Unpickler.load_build(self)  # type: ignore[attr-defined]  # typeshed leaves the opcodes' methods out
        if isinstance(instance, _ArrayWrapper):
            return self._read_array(instance)
        if type(instance).__module__.startswith("sklearn."):
            self.built.append(instance)
        return instance

    def _read_array(self, wrapper: _ArrayWrapper) -> Array:
        if wrapper.dtype.hasobject:
            nested: Array = _GuardedUnpickler(self.stream, self.trusted).load()
            return nested
        count = count_of(wrapper.shape)
        self.skip_padding(wrapper.numpy_array_alignment_bytes)
        data = bytearray(self.take(count * wrapper.dtype.itemsize))
        flat: Array = np.frombuffer(data, wrapper.dtype) if data else np.empty(count, wrapper.dtype)
        if not wrapper.dtype.isnative:
            flat = flat.astype(wrapper.dtype.newbyteorder("="))
        return flat.reshape(wrapper.shape[::-1]).T if wrapper.order == "F" else flat.reshape(wrapper.shape)


def _attribute_of_stand_in(owner: Any, name: str) -> _StandIn:
    if not isinstance(owner, _StandIn):
        raise Untrusted(f"The model file fetches the attribute {name!r} of a {type(owner).__name__}.")
    return _StandIn()


# A memory map would open the file that it names; joblib reads such arrays as plain ones.
REPLACED: dict[tuple[str, str], Any] = {
    ARRAY_WRAPPER: _ArrayWrapper,
    MEMORY_MAP: np.ndarray,
    GETATTR: _attribute_of_stand_in,
}


def _is_estimator_class(function: Any) -> bool:
    """Classes written in C need arguments to be made; those written in Python are made empty."""
    return (
        isinstance(function, type) and _package_of(function.__module__) in ESTIMATORS and function.__dictoffset__ != 0
    )


def _calls_a_base(function: Any, arguments: Any) -> bool:
    """`_reconstructor` initialises by the base class that it is given: `Booster(model_file)` would open the file."""
    return function is copyreg._reconstructor and any(map(_is_estimator_class, arguments[1:]))  # type: ignore[attr-defined]  # typeshed leaves it out


def _package_of(module: str) -> str:
    return module.partition(".")[0]


def _is_instance_of_allowed(function: Any) -> bool:
    root = _package_of(type(function).__module__)
    return isinstance(function, functools.partial) or root in (*ESTIMATORS, "scipy", "pandas")


def check_attributes(estimator: Any) -> None:
    """No text vectoriser that takes its documents for file names, no method but those that answer."""
    state = getattr(estimator, "__dict__", {})
    where = type(estimator).__name__
    if type(estimator).__module__ == "sklearn.feature_extraction.text" and state.get("input", "content") != "content":
        raise Untrusted(f"{where}(input={state['input']!r}) opens files that requests name; refit it on content.")
    for key in METHODS:
        named = state.get(key)
        for method in named if isinstance(named, list | tuple) else [named]:
            if method is not None and method not in RESPONSES:
                raise Untrusted(f"{where}.{key} is {method!r}, expected one of {sorted(RESPONSES)}.")


def _import(module: str, name: str) -> Any:
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ModelError(f"The model file needs {module}.{name}, which is not installed here: {error}.") from error
    return found
