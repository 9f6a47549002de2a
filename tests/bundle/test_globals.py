"""Files with code in them are named for it, whatever the trick; nothing in them runs or is imported."""

import io
import logging
import operator
import os
import pickle
import pkgutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from headgate.bundle.globals import foreign_globals, foreign_globals_in
from headgate.bundle.pickles import unpacked_stream
from headgate.errors import Malformed, TooLarge


class Call:
    """Pickles as the call of a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


def text(value: str) -> bytes:
    """SHORT_BINUNICODE."""
    return b"\x8c" + bytes([len(value)]) + value.encode()


def stack_global(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


SYSTEM = stack_global("os", "system")
COMMAND = text("touch /tmp/never") + b"\x85"  # a tuple of one
P4 = b"\x80\x04"

WRITTEN: dict[str, tuple[Call, str]] = {
    "os.system": (Call(os.system, "true"), f"{os.system.__module__}.system"),
    "eval": (Call(eval, "1"), "builtins.eval"),
    "exec": (Call(exec, "1"), "builtins.exec"),
    "compile": (Call(compile, "1", "", "eval"), "builtins.compile"),
    "open": (Call(open, "/tmp/never", "w"), f"{open.__module__}.open"),
    "__import__": (Call(__import__, "os"), "builtins.__import__"),
    "getattr": (Call(getattr, [], "append"), "builtins.getattr"),
    "setattr": (Call(setattr, [], "a", 1), "builtins.setattr"),
    "type": (Call(type, "a", (), {}), "builtins.type"),
    "pkgutil.resolve_name": (Call(pkgutil.resolve_name, "os:system"), "pkgutil.resolve_name"),
    "logging.FileHandler": (Call(logging.FileHandler, "/tmp/never"), "logging.FileHandler"),
    "operator.attrgetter": (Call(operator.attrgetter, "a"), "operator.attrgetter"),
    "operator.methodcaller": (Call(operator.methodcaller, "a"), "operator.methodcaller"),
    "nested joblib.load": (Call(joblib.load, "/tmp/never"), "joblib.numpy_pickle.load"),
    "numpy.load": (Call(np.load, "/tmp/never"), "numpy.load"),
    "numpy.fromfile": (Call(np.fromfile, "/tmp/never"), "numpy.fromfile"),
    "numpy.savetxt": (Call(np.savetxt, "/tmp/never", []), "numpy.savetxt"),
}
# module and name alone: the pass has no need of them, and what is not installed can be named too
NAMED = [
    "posix.system", "nt.system", "_pickle.loads", "subprocess.Popen",
    "subprocess.check_output", "_posixsubprocess.fork_exec",
    "runpy.run_path", "importlib.import_module", "ctypes.CDLL", "socket.create_connection", "shutil.rmtree",
    "uuid._get_command_stdout", "imaplib.IMAP4_stream", "_io.open", "_io.FileIO", "io.open", "io.open_code",
    "numpy.f2py.crackfortran._eval_length", "numpy.f2py.crackfortran.getlincoef", "numpy._core._ufunc_reconstruct",
    "numpy.core._ufunc_reconstruct", "numpy.testing._private.utils.runstring", "numpy.memmap.__new__",
    "numpy.ctypeslib.load_library", "numpy.rec.fromfile", "numpy.lib._npyio_impl.DataSource", "numpy.frompyfunc",
    "scipy.stats._distn_infrastructure.rv_continuous", "scipy.stats._distn_infrastructure.rv_generic",
    "scipy.io.loadmat", "scipy.optimize._optimize.brute",
    "sklearn.datasets._base.load_files", "sklearn.datasets.fetch_openml", "sklearn.utils._testing.TempMemmap",
    "sklearn.utils.fixes._open_text", "sklearn.utils.discovery.import_module", "sklearn.utils.check_memory",
    "sklearn.externals.array_api_compat.numpy.Anything", "sklearn.base.clone", "sklearn.metrics._scorer.get_scorer",
    "sklearn.tree._export.export_graphviz", "sklearn.metrics.pairwise.partial",
    "sklearn.ensemble._base.Bunch.__class__",
    "sklearn.linear_model.os.system", "sklearn.linear_model._base.sparse.linalg", "sklearn.svm..LinearSVC",
    "sklearnx.linear_model.Ridge", "sklearn.Ridge", "sklearn", "skl.earn",
    "joblib.numpy_pickle_compat.NDArrayWrapper", "joblib.numpy_pickle_compat.ZNDArrayWrapper",
    "joblib.numpy_pickle.NDArrayWrapper", "joblib.memory.Memory", "joblib._memmapping_reducer.unlink_file",
    "pandas.DataFrame", "pandas.Series", "pandas.core.frame.DataFrame", "pandas.eval", "pandas.read_pickle",
    "pandas.io.common.get_handle", "pandas.core.computation.eval.eval",
    "torch.load", "torch._dynamo.guards.GuardBuilder.get", "cloudpickle.cloudpickle._make_function", "types.CodeType",
    "types.FunctionType", "functools.reduce", "functools.singledispatch", "itertools.starmap", "builtins.map",
    "builtins.object.__subclasses__", "builtins.str.format", "builtins.globals", "builtins.vars", "builtins.breakpoint",
    "builtins.print", "builtins.input", "copyreg.add_extension", "copyreg.pickle", "codecs.decode", "_codecs.decode",
    "timeit.timeit", "cProfile.run", "pdb.run", "code.interact", "doctest.debug_script", "trace.Trace", "bdb.Bdb.run",
    "venv.create", "ensurepip._run_pip", "pip.main", "webbrowser.open", "asyncio.run", "multiprocessing.Process",
    "sys.settrace", "gc.get_objects", "inspect.getattr_static", "test.support.os_helper.rmtree", "__main__.Model",
    "mymodel.Transformer", "", ".", "os.", ".system",
]  # fmt: skip

TRICKS: dict[str, tuple[bytes, str]] = {
    "GLOBAL": (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
    "GLOBAL never called": (b"cos\nsystem\n.", "os.system"),
    "GLOBAL popped": (b"cos\nsystem\n0N.", "os.system"),
    "INST": (b"(S'true'\nios\nsystem\n.", "os.system"),
    "OBJ": (b"(cos\nsystem\nS'true'\no.", "os.system"),
    "REDUCE and POP": (P4 + SYSTEM + COMMAND + b"R0N.", "os.system"),
    "REDUCE and POP_MARK": (P4 + b"(" + SYSTEM + COMMAND + b"R1N.", "os.system"),
    "NEWOBJ": (P4 + SYSTEM + COMMAND + b"\x81.", "os.system"),
    "NEWOBJ_EX": (P4 + SYSTEM + COMMAND + b"}\x92.", "os.system"),
    "STACK_GLOBAL": (P4 + SYSTEM + COMMAND + b"R.", "os.system"),
    "STACK_GLOBAL of memoised text": (
        P4 + text("os") + b"\x940" + text("system") + b"\x940" + b"h\x00h\x01\x93.", "os.system"
    ),
    "STACK_GLOBAL by long memo": (
        P4 + text("os") + b"r\xff\xff\x00\x000" + text("system") + b"q\x070" + b"j\xff\xff\x00\x00h\x07\x93.",
        "os.system",
    ),
    "STACK_GLOBAL by text memo": (b"\x80\x04Vos\np9\n0Vsystem\np8\n0g9\ng8\n\x93.", "os.system"),
    "STACK_GLOBAL of the first operands": (text("os") + text("system") + b"\x93.", "os.system"),
    "memo overwritten": (
        P4 + text("collections") + b"q\x00" + text("os") + b"q\x00h\x00" + text("system") + b"\x93.", "os.system"
    ),
    "text in other opcodes": (
        P4 + b"X\x02\x00\x00\x00os" + b"\x8d" + struct.pack("<Q", 6) + b"system\x93.", "os.system"
    ),
    "DUP": (P4 + text("os") + b"2" + text("system") + b"\x93.", "os.system"),
    "dotted name": (P4 + stack_global("sklearn.base", "sys.modules") + b".", "sklearn.base.sys.modules"),
    "dotted class": (
        P4 + stack_global("sklearn.svm", "LinearSVC.__init__.__globals__") + b".",
        "sklearn.svm.LinearSVC.__init__.__globals__",
    ),
    "name of Python 2": (b"c__builtin__\neval\n.", "builtins.eval"),
    "module of Python 2": (b"ccPickle\nloads\n.", "pickle.loads"),
    "getattr of Python 2": (b"c__builtin__\ngetattr\n((lS'append'\ntR.", "builtins.getattr"),
    "PROTO in the middle": (P4 + b"N0\x80\x02c__builtin__\neval\n.", "builtins.eval"),
    "inside of a frame": (P4 + b"\x95" + struct.pack("<Q", len(SYSTEM) + 1) + SYSTEM + b".", "os.system"),
    "after STOP": (pickle.dumps(1) + P4 + SYSTEM + b".", "os.system"),
    "after two STOPs": (pickle.dumps(1) + pickle.dumps(2) + P4 + SYSTEM + b".", "os.system"),
    "broken afterwards": (P4 + SYSTEM + COMMAND + b"R\xff\xff", "os.system"),
    "cut off": (P4 + SYSTEM + COMMAND + b"R", "os.system"),
    "argument of an allowed one": (
        P4 + stack_global("functools", "partial") + SYSTEM + b"\x85R.", "os.system"
    ),
    "state of an allowed one": (
        P4 + stack_global("sklearn.svm._classes", "LinearSVC") + b")\x81}" + text("a") + SYSTEM + b"sb.", "os.system"
    ),
    "extension code": (b"\x80\x02\x82\x01.", "copyreg.extension.1"),
    "long extension code": (b"\x80\x02\x84\x01\x02\x00\x00.", "copyreg.extension.513"),
    "getattr of an allowed one": (
        P4 + stack_global("builtins", "getattr") + stack_global("numpy", "ndarray") + text("tofile") + b"\x86R.",
        "builtins.getattr",
    ),
}  # fmt: skip


def ways(model: Any) -> list[bytes]:
    """Every protocol, plain and by joblib, alone and compressed."""
    files = [pickle.dumps(model, protocol=protocol) for protocol in range(6)]
    for compress in (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)):
        for protocol in (2, 5):
            file = io.BytesIO()
            joblib.dump(model, file, compress=compress, protocol=protocol)
            files.append(file.getvalue())
    return files


@pytest.mark.parametrize("gadget", WRITTEN)
def test_written_gadgets_are_named_wherever_they_are(gadget: str) -> None:
    call, name = WRITTEN[gadget]
    places = (call, [np.arange(3), call], {"a": {"b": (call,)}}, np.array([1, call], dtype=object))
    for model in places:
        for content in ways(model):
            assert foreign_globals_in(content) == (name,)


@pytest.mark.parametrize("name", NAMED)
def test_what_no_estimator_needs_is_named(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert foreign_globals_in(P4 + stack_global(module, attribute) + b".") == (f"{module}.{attribute}",)


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks_are_seen_through(trick: str) -> None:
    content, name = TRICKS[trick]
    assert foreign_globals_in(content) == (name,)
    assert foreign_globals_in(content + content) == (name,)


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "m is empty: expected a model that joblib.dump or pickle.dump wrote, got 0 bytes"),
    "text": (b"y = 1", "at byte 1 of 5: 0x79 begins no instruction of a pickle"),
    "zeros": (bytes(9), "at byte 1 of 9: 0x00 begins no instruction of a pickle"),
    "only its start": (P4, "at byte 2 of 2: it ends early"),
    "a value too long": (P4 + b"\x8e" + b"\xff" * 7 + b"\x7f.", "at byte 12 of 12: it ends early"),
    "a frame cut off": (P4 + b"\x95" + struct.pack("<Q", 9) + b"X\x01", "pickle exhausted before end of frame"),
    "nothing to stop with": (P4 + b".", "it uses a value that it has not made"),
    "nothing to recall": (P4 + b"h\x07.", "Memo value not found at index 7"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_no_pickle_is_explained(fault: str) -> None:
    content, reason = BROKEN[fault]
    with pytest.raises(Malformed, match="[Ww]rite it again") as raised:
        foreign_globals_in(content, "m")
    assert reason in raised.value.message


def test_all_names_of_a_file_are_given(tmp_path: Path) -> None:
    path = tmp_path / "model.anything"
    path.write_bytes(pickle.dumps([WRITTEN["eval"][0], np.arange(3), WRITTEN["numpy.load"][0], WRITTEN["eval"][0]]))
    assert foreign_globals(path) == ("builtins.eval", "numpy.load")


def test_nothing_is_imported_or_run(tmp_path: Path) -> None:
    module = "this_module_would_be_noticed"
    (tmp_path / f"{module}.py").write_text("raise SystemExit('imported')")
    sys.path.insert(0, str(tmp_path))
    try:
        assert foreign_globals_in(P4 + stack_global(module, "x") + b".") == (f"{module}.x",)
    finally:
        sys.path.remove(str(tmp_path))
    assert module not in sys.modules
    for content, name in TRICKS.values():
        assert name in foreign_globals_in(content)
    assert not Path("/tmp/never").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", b"\x80", P4, P4 + b"N", P4 + b"N.tail", pickle.dumps(1)[:-1], b"PK\x03\x04" + bytes(100),
        b"x\x9c broken zlib", b"\x1f\x8b broken", b"BZ broken", b"\xfd7zXZ\x00 broken", b"\x04\x22\x4d\x18 lz4",
        b"ZF0x10              ", b"P0\n.", b"\x80\x04\x97.", b"\x80\x7f.",
        # a change of a class, and of something that is no object
        P4 + stack_global("sklearn.svm._classes", "LinearSVC") + b"}b.", P4 + b"]}b.",
        # a call of text, and of nothing
        P4 + text("a") + b")R.", P4 + b"N)R.",
    ],
)  # fmt: skip
def test_what_is_no_pickle_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        foreign_globals_in(content)


def test_a_bomb_is_refused() -> None:
    file = io.BytesIO()
    joblib.dump(bytes(10_000_000), file, compress=("zlib", 9))
    with pytest.raises(TooLarge, match="decompresses to more than"):
        unpacked_stream(file.getvalue(), limit=1_000_000)


def test_an_array_cannot_be_larger_than_its_file() -> None:
    content = ways(np.arange(1000, dtype="f8"))[6]
    assert foreign_globals_in(content) == ()
    for wrong in (content[:-100], content.replace(b"M\xe8\x03", b"M\xff\xff")):
        with pytest.raises(Malformed):
            foreign_globals_in(wrong)


opcodes = some.sampled_from(
    [
        SYSTEM, COMMAND, b"R", b"0", b"1", b"2", b"(", b"t", b"l", b"d", b"}", b"]", b")", b"N", b"b", b"s", b"u", b"a",
        b"e", b"o", b"\x81", b"\x92", b"\x85", b"\x94", b"h\x00", b"h\x01", b"\x93", b".", P4, b"\x8f", b"\x90",
        b"\x91",
        text("os"), text("system"), stack_global("numpy", "dtype"), stack_global("collections", "OrderedDict"),
        stack_global("joblib.numpy_pickle", "NumpyArrayWrapper"), b"K\x05", b"\x88", b"C\x02ab", b"Q",
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(content=some.one_of(some.binary(max_size=200), some.lists(opcodes, max_size=25).map(b"".join)))
def test_any_bytes_give_names_or_an_error_of_ours(content: bytes) -> None:
    try:
        names = foreign_globals_in(content)
    except Malformed:
        return
    assert all("." in name for name in names)
