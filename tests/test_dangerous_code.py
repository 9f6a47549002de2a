"""What can run or read a stranger's bytes is used in reviewed places only: a new one fails until it is looked at."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "headgate"

# module → the files that may import it, and what keeps each from harm
REVIEWED: dict[str, set[str]] = {
    # SEC-07, SEC-08: the one machine that reads pickles, its two readers, and the writer of what a user gives us
    "pickle": {
        "bundle/pickles.py",
        "bundle/globals.py",
        "runtimes/unpickling.py",
        "packaging/frameworks/python.py",
    },  # fmt: skip
    "_compat_pickle": {"bundle/pickles.py"},
    "cloudpickle": {"packaging/frameworks/python.py"},
    "joblib": {"packaging/frameworks/scikit_learn.py"},
    **dict.fromkeys(("dill", "marshal", "shelve", "jsonpickle", "tensorflow", "h5py"), set()),
    # tensors only (`weights_only`), or programs that were looked into before; the rest uses what these have loaded
    "torch": {
        "runtimes/torch.py",
        "runtimes/keras.py",
        "runtimes/transformers.py",
        "packaging/frameworks/pytorch.py",
        "packaging/network_converter.py",
    },  # fmt: skip
    # SEC-11, SEC-14: after our own list has been held against all that the file names
    "skops": {"runtimes/skops.py"},
    "keras": {"runtimes/keras.py"},
    # SEC-04: bundles have a reader of their own; these read what this instance has written and signed or hashed
    "tarfile": {
        "web/api/versions.py",
        "storage/backup.py",
        "storage/restoring.py",
        # on a user's own machine: plain members one by one, within limits, through Python's own filter
        "importing/folder.py",
    },  # fmt: skip
    # members are read in memory, nothing is unpacked
    "zipfile": {
        "packaging/data_files.py",
        "packaging/frameworks/pytorch.py",
        "runtimes/exported.py",
        "runtimes/keras.py",
        "runtimes/skops.py",
    },  # fmt: skip
    **dict.fromkeys(("lzma_archive", "rarfile", "py7zr"), set()),
    # SEC-15, SEC-31: each under a limit of what it becomes
    "bz2": {"bundle/pickles.py", "testing/runtime_conformance.py"},
    "lzma": {"bundle/pickles.py", "testing/runtime_conformance.py"},
    "gzip": {"testing/runtime_conformance.py"},
    # SEC-18: programs are started from lists
    "pty": set(),
    "commands": set(),
    # SEC-02: nothing fetches what a client names
    "urllib.request": set(),
    "ftplib": set(),
    # only to read little of what the collector answers that the operator named
    "requests": {"serving/otlp.py"},
}
# calls by name → the files that may hold them
CALLS: dict[str, set[str]] = {
    "eval": set(),
    "exec": {"runtimes/python.py"},  # the author's code, of a bundle that a trusted key has signed
    "system": set(),
    "popen": set(),
    "unpack_archive": set(),
    "extractall": set(),
    "full_load": set(),
    "unsafe_load": set(),
}


@cache
def sources() -> tuple[tuple[str, tuple[ast.AST, ...]], ...]:
    """Every file by name, with all nodes of its tree."""
    paths = sorted(SOURCE.rglob("*.py"))
    return tuple((path.relative_to(SOURCE).as_posix(), tuple(ast.walk(ast.parse(path.read_text())))) for path in paths)


def imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    return (node for node in nodes if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


@pytest.mark.parametrize("module", sorted(REVIEWED))
def test_what_reads_strangers_bytes_is_imported_in_reviewed_files_only(module: str) -> None:
    found = {
        name for name, tree in sources() for each in imported(tree) if each == module or each.startswith(f"{module}.")
    }
    assert found <= REVIEWED[module]


@pytest.mark.parametrize("function", sorted(CALLS))
def test_what_runs_strangers_text_is_called_in_reviewed_files_only(function: str) -> None:
    found = {
        name
        for name, tree in sources()
        for call in called(tree)
        if name_of(call) == function and not (isinstance(call.func, ast.Attribute) and function in ("eval", "exec"))
    }
    assert found <= CALLS[function]


def test_no_call_asks_for_a_shell_or_for_pickles_in_arrays() -> None:
    """SEC-15, SEC-18"""
    for name, tree in sources():
        for call in called(tree):
            for given in call.keywords:
                if given.arg in ("shell", "allow_pickle"):
                    assert isinstance(given.value, ast.Constant) and given.value.value is False, f"{name}:{call.lineno}"


def test_yaml_is_read_by_safe_loaders_only() -> None:
    """SEC-16"""
    for name, tree in sources():
        for call in called(tree):
            owner = getattr(getattr(call.func, "value", None), "id", "")
            if owner == "yaml" and name_of(call) in ("load", "load_all"):
                chosen = {given.arg: getattr(given.value, "id", "") for given in call.keywords}
                assert chosen.get("Loader") == "StrictLoader", f"{name}:{call.lineno}"


def test_no_route_takes_a_place_to_fetch_from() -> None:
    """SEC-02: bundles come as bytes; a parameter that names a URL or a path of the server would be new."""
    shapes = [tree for name, tree in sources() if name.startswith("web/api/")]
    named = {
        node.target.id
        for tree in shapes
        for node in tree
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    taken = {node.arg for tree in shapes for node in tree if isinstance(node, ast.arg)}
    assert not (named | taken) & {"source", "uri", "location", "file_path", "filename", "artifact_uri"}
