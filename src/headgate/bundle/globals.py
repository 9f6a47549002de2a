"""The names in a pickle or joblib file that ordinary estimators do not need, found without importing any of them."""

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from headgate.bundle.allowed import ARRAY_WRAPPER, GETATTR, MEMORY_MAP, has_stand_in, is_allowed
from headgate.bundle.pickles import PickleMachine, count_of, unpacked_stream
from headgate.errors import Malformed

RECONSTRUCTOR = ("copyreg", "_reconstructor")
HAS_OBJECTS = 0x01  # numpy's NPY_ITEM_HASOBJECT in a dtype's flags


@dataclass(frozen=True)
class Globals:
    """What a file names."""

    foreign: tuple[str, ...]  # sorted `module.name` of those outside the allow-list
    packages: frozenset[str]  # the first part of every module


def foreign_globals(path: Path) -> tuple[str, ...]:
    """Sorted `module.name` of every global outside the allow-list, in this file, in what is nested in it, and in what
    follows its end. Empty means that loading it can run nothing but the constructors of ordinary estimators.

    Raises `Malformed` for a file that is no pickle, or is damaged without naming a foreign global.
    """
    return read_globals(path.read_bytes(), str(path)).foreign


def foreign_globals_in(content: bytes, where: str = "the file") -> tuple[str, ...]:
    """`foreign_globals` of a file's bytes."""
    return read_globals(content, where).foreign


def read_globals(content: bytes, where: str = "the file") -> Globals:
    """What a file's bytes name; raises as `foreign_globals` does."""
    stream = unpacked_stream(content)
    size = len(stream.getbuffer())
    if not size:
        raise Malformed(
            f"{where} is empty: expected a model that joblib.dump or pickle.dump wrote, got 0 bytes. Write it again."
        )
    foreign: set[str] = set()
    packages: set[str] = set()
    try:
        while True:
            _NameReader(stream, foreign, packages).load()
            if stream.tell() >= size:
                break
    except Exception as error:
        # a file may break only after it has run its payload: the names found so far decide
        if not foreign:
            raise Malformed(
                f"{where} cannot be read as a pickle at byte {stream.tell()} of {size}: {_reason(error)}. "
                "Expected a file that joblib.dump or pickle.dump wrote, whole. Write it again."
            ) from error
    return Globals(tuple(sorted(foreign)), frozenset(packages))


def _reason(error: Exception) -> str:
    """What is wrong, where pickle itself says no more than what tripped it."""
    if isinstance(error, EOFError):
        return "it ends early"
    if isinstance(error, KeyError) and isinstance(error.args[0], int):
        return f"0x{error.args[0]:02x} begins no instruction of a pickle"
    if isinstance(error, IndexError | KeyError):
        return "it uses a value that it has not made"
    text = " ".join(str(error).split())
    return (
        text.rstrip(".")
        if isinstance(error, pickle.UnpicklingError) and text
        else f"{type(error).__name__} {text}".strip()
    )


class _Nothing:
    """Stands for whatever a global, or a call of it, would have been."""

    def __init__(self, source: tuple[str, str], arguments: tuple[Any, ...] | None = None) -> None:
        self.source = source
        self.arguments = arguments  # None for the global itself
        self.state: Any = None

    def __call__(self, *arguments: Any) -> "_Nothing":
        # old protocols make an object of a class by calling this with the class
        if self.source == RECONSTRUCTOR and arguments and isinstance(arguments[0], _Nothing):
            return _Nothing(arguments[0].source, arguments[1:])
        return _Nothing(self.source, arguments)

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, item: Any) -> None: ...

    def extend(self, items: Any) -> None: ...

    def add(self, item: Any) -> None: ...


class _NameReader(PickleMachine):
    """Runs the opcodes with nothing in the place of every global."""

    def __init__(self, stream: io.BytesIO, foreign: set[str], packages: set[str]) -> None:
        super().__init__(stream)
        self.foreign = foreign
        self.packages = packages

    def resolve(self, module: str, name: str) -> _Nothing:
        self.packages.add(module.partition(".")[0])
        special = (module, name) in (ARRAY_WRAPPER, MEMORY_MAP, GETATTR)
        if not (special or is_allowed(module, name) or has_stand_in(module, name)):
            self.foreign.add(f"{module}.{name}")
        return _Nothing((module, name))

    def get_extension(self, code: int) -> None:
        self.foreign.add(f"copyreg.extension.{code}")
        self.stack.append(_Nothing(("copyreg", f"extension.{code}")))

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to objects outside of the file")

    def load_newobj(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self.stack[-1](*arguments)

    def load_newobj_ex(self) -> None:
        self.stack.pop()
        self.load_newobj()

    def call(self, function: Any, arguments: Any) -> Any:
        if not isinstance(function, _Nothing):
            raise pickle.UnpicklingError(f"it calls a {type(function).__name__}")
        if function.source == GETATTR and not _is_stand_in(arguments):
            self.foreign.add(".".join(GETATTR))
        return function(*arguments)

    def build(self, instance: Any, state: Any) -> Any:
        if not isinstance(instance, _Nothing) or instance.arguments is None:
            raise pickle.UnpicklingError("it changes something that it has not made")
        instance.state = state
        return self._skip_array(instance) if instance.source == ARRAY_WRAPPER else instance

    def _skip_array(self, wrapper: _Nothing) -> _Nothing:
        fields = cast("dict[str, Any]", wrapper.state)
        size, has_objects = _item(fields["dtype"])
        count = count_of(fields["shape"])
        if has_objects:
            _NameReader(self.stream, self.foreign, self.packages).load()
        else:
            self.skip_padding(fields.get("numpy_array_alignment_bytes"))
            self.take(count * size)
        return _Nothing(("numpy", "ndarray"), ())

    dispatch = {**PickleMachine.dispatch, pickle.NEWOBJ[0]: load_newobj, pickle.NEWOBJ_EX[0]: load_newobj_ex}


def _is_stand_in(arguments: Sequence[Any]) -> bool:
    owner = arguments[0] if arguments else None
    return isinstance(owner, _Nothing) and has_stand_in(*owner.source)


def _item(dtype: _Nothing) -> tuple[int, bool]:
    """Bytes of one item, and whether items are objects, from the way numpy pickles a dtype."""
    code = str((dtype.arguments or ("?",))[0])
    known = np.dtype(code)
    state = dtype.state if isinstance(dtype.state, tuple) else ()
    flags = state[7] if len(state) > 7 and isinstance(state[7], int) else 0
    return known.itemsize, known.hasobject or bool(flags & HAS_OBJECTS)
