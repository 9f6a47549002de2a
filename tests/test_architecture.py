"""The house rules of docs/architecture.md as tests: direction of imports, no cycles, size caps, names."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "headgate"
FILES = sorted(SOURCE.rglob("*.py"))

# Each place may import what stands after it, itself, and the leaves.
LEAVES = {
    "records", "errors", "settings", "clock", "home", "names", "origins", "processes", "crashes", "spool",
    "certificate", "metering", "exclusive", "log_lines", "installer", "conversion", "derived_secrets",
}  # fmt: skip
ALLOWED: dict[str, set[str]] = {
    **{leaf: set() for leaf in LEAVES},
    "statistics": set(),
    "bundle": {"statistics"},
    "runtimes": {"bundle", "statistics"},
    "packaging": {"importing", "runtimes", "bundle", "statistics"},
    "importing": {"storage"},
    "optimizing": {"packaging", "runtimes", "bundle", "statistics"},
    "serving": {"runtimes", "bundle", "statistics"},
    "agent": {"bundle"},
    "storage": set(),
    "ledger": {"storage"},
    "identity": {"storage", "ledger"},
    "registry": {"ledger", "identity", "storage", "bundle"},
    "rollout": {"registry", "ledger", "identity", "storage", "bundle", "statistics"},
    "client": {"bundle", "packaging"},
    "web": {"rollout", "registry", "ledger", "identity", "storage", "bundle"},
    "demo": {"client", "packaging", "bundle"},
    "cli": {"demo", "client", "packaging", "importing", "optimizing", "bundle", "agent", "registry"},
    "testing": {"agent", "client", "storage", "runtimes", "bundle"},
    # the composition root and the package's public face
    "app": {"web", "rollout", "registry", "ledger", "identity", "storage", "bundle"},
    "__init__": {"packaging", "bundle", "client", "runtimes"},
    "__main__": {"cli"},
}
FUNCTION_LINES, FILE_LINES, PUBLIC_METHODS, PARAMETERS, COMPLEXITY = 60, 500, 12, 8, 10
EMPTY_NAMES = re.compile(r"^(utils?|common|helpers?|misc|manager|handler|base)$|Manager|Handler|^Base[A-Z]", re.ASCII)
# places that call models and their libraries, and what only their boundary may catch
CALLING = {"runtimes", "packaging", "optimizing"}
BROAD = {"Exception", "BaseException", "SystemExit"}
BRANCHES = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension,
    ast.match_case,
)  # fmt: skip

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


def place_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def own_imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Full names of our own modules that the tree imports, with the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "headgate":
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno
        elif isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name.split(".")[0] == "headgate")


@cache
def module_names() -> frozenset[str]:
    return frozenset(module_of(path) for path in FILES)


def resolve(name: str) -> str | None:
    """The module that an imported name lives in."""
    while name and name not in module_names():
        name = name.rpartition(".")[0]
    return name or None


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def complexity(function: Function) -> int:
    """McCabe's number: one, and one more per decision."""
    decisions = sum(isinstance(node, BRANCHES) for node in ast.walk(function))
    return 1 + decisions + sum(len(node.values) - 1 for node in ast.walk(function) if isinstance(node, ast.BoolOp))


def identify(path: Path) -> str:
    return str(path.relative_to(SOURCE))


every_file = pytest.mark.parametrize("path", FILES, ids=identify)


@every_file
def test_imports_point_downwards(path: Path) -> None:
    here = place_of(module_of(path))
    assert here in ALLOWED, f"{here} has no place in the table of imports: add it to ALLOWED and docs/architecture.md"
    for name, line in own_imports(parse(path)):
        module = resolve(name)
        there = place_of(module) if module and module != "headgate" else "__init__"
        if here == "__init__" or there == here or name == "headgate.__version__":
            continue
        assert there in ALLOWED[here] | LEAVES, f"{path}:{line}: {here} may not import {there}"


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        module_of(path): {found for name, _ in own_imports(parse(path)) if (found := resolve(name))} for path in FILES
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join((*trail, module))
        if module not in done:
            for target in graph.get(module, set()) - {module}:
                visit(target, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@every_file
def test_own_code_is_imported_at_the_top(path: Path) -> None:
    for function in functions(parse(path)):
        for name, line in own_imports(function):
            pytest.fail(f"{path}:{line}: {name} is imported inside {function.name}")


@every_file
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES


@every_file
def test_functions_stay_short_and_simple(path: Path) -> None:
    for function in functions(parse(path)):
        where = f"{path}:{function.lineno}: {function.name}"
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        assert lines <= FUNCTION_LINES, f"{where} has {lines} lines"
        assert complexity(function) <= COMPLEXITY, f"{where} has a complexity of {complexity(function)}"
        count = len(function.args.args) + len(function.args.kwonlyargs)
        limit = PARAMETERS + (1 if function.name == "__init__" else 0)
        assert count <= limit or place_of(module_of(path)) == "cli" or is_door(function), f"{where} takes {count}"


def is_door(function: Function) -> bool:
    """The public `package` call and decorated commands mirror their contract's options."""
    return function.name == "package" or bool(function.decorator_list)


@every_file
def test_classes_stay_small(path: Path) -> None:
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ClassDef):
            public = [item.name for item in node.body if isinstance(item, Function) and not item.name.startswith("_")]
            assert len(public) <= PUBLIC_METHODS, f"{path}:{node.lineno}: {node.name} has {len(public)} public methods"


@every_file
def test_names_say_something(path: Path) -> None:
    assert not EMPTY_NAMES.search(path.stem), path
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ClassDef):
            assert not EMPTY_NAMES.search(node.name), f"{path}:{node.lineno}: {node.name}"


@every_file
def test_foreign_code_is_called_inside_one_boundary(path: Path) -> None:
    """Where models and their libraries are called, nothing but the boundary catches whatever there is."""
    if place_of(module_of(path)) not in CALLING or path == SOURCE / "runtimes" / "boundary.py":
        return
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ExceptHandler):
            named = [getattr(part, "id", "") for part in ast.walk(node.type)] if node.type else ["BaseException"]
            assert BROAD.isdisjoint(named), f"{path}:{node.lineno}: use headgate.runtimes.boundary"


@every_file
def test_no_thread_is_the_first_to_ask_msgspec_for_a_record(path: Path) -> None:
    """What msgspec knows of a record is built at first use, and two threads there end the process: so, at import."""
    for function in functions(parse(path)):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and (kind := kind_read(node)) is not None:
                named = [name.id for name in ast.walk(kind) if isinstance(name, ast.Name) and name.id[:1].isupper()]
                assert not named, (
                    f"{path}:{node.lineno}: {named[0]} is read inside {function.name}: make its "
                    "msgspec.json.Decoder, or headgate.conversion.converter, at the top of the module"
                )


def kind_read(call: ast.Call) -> ast.expr | None:
    """The type that such a call has msgspec look at."""
    called = ast.unparse(call.func)
    given = {word.arg: word.value for word in call.keywords}
    if called in ("msgspec.json.decode", "msgspec.msgpack.decode", "msgspec.yaml.decode", "msgspec.toml.decode"):
        return given.get("type")
    if called in ("msgspec.json.Decoder", "msgspec.msgpack.Decoder", "converter"):
        return call.args[0] if call.args else given.get("type")
    if called == "msgspec.convert":
        return call.args[1] if len(call.args) > 1 else given.get("type")
    return None


def test_the_public_face_is_small() -> None:
    exported: list[str] = []
    for node in parse(SOURCE / "__init__.py").body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            exported = ast.literal_eval(node.value)
    assert len(exported) <= 15
    assert exported == sorted(exported)


def test_async_stays_in_the_data_plane() -> None:
    for path in FILES:
        if place_of(module_of(path)) == "serving":
            continue
        for node in ast.walk(parse(path)):
            assert not isinstance(node, ast.AsyncFunctionDef), f"{path}:{node.lineno}: async outside of the data plane"
