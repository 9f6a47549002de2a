"""The documents name files and guards that exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.endurance import read_endurance
from benchmarks.neighbours import read_neighbours
from benchmarks.reliability import PAGE, read_results, render
from tests.serving.test_reading import WAY

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
SOURCE_FILE = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py)`")
TEST_FILE = re.compile(r"`(tests/[a-z_/]+(?:\.py)?)`")
QUOTED = re.compile(r"`([^`]+)`")
IDENTIFIER = re.compile(r"[A-Za-z_]+(?:\.[a-z_]+)?", re.ASCII)
CITED = re.compile(r"\b(?:SEC|RC|I)-?\d\d\b|\bRC-\d+\b")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_points_at_exists(document: Path) -> None:
    text = document.read_text()
    for target in LINK.findall(text):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
    for name in TEST_FILE.findall(text):
        assert (ROOT / name).exists(), f"{document.name} names {name}"
    for name in SOURCE_FILE.findall(text):
        if not name.startswith("tests/"):
            assert (ROOT / "src" / "headgate" / name).exists() or (ROOT / name).exists(), (
                f"{document.name} names {name}"
            )


def test_guards_cited_in_the_code_are_explained() -> None:
    explained = set(CITED.findall((ROOT / "docs" / "security.md").read_text()))
    for path in sorted((ROOT / "src").rglob("*.py")):
        unknown = set(CITED.findall(path.read_text())) - explained
        assert not unknown, f"{path} cites {', '.join(sorted(unknown))}, which docs/security.md does not explain"


def test_guards_of_loaders_are_all_there() -> None:
    """SEC-02 to SEC-18 and SEC-34 to SEC-36: each has a row that says where it is and what proves it."""
    rows = [line.split("|") for line in (ROOT / "docs" / "security.md").read_text().splitlines()]
    guards = {cells[1].strip(): cells[4] for cells in rows if len(cells) == 6 and "SEC-" in cells[1]}
    for number in (*range(2, 19), *range(34, 37)):
        proofs = re.findall(r"`(tests/[^`]+)`", guards.get(f"SEC-{number:02}", ""))
        assert proofs, f"docs/security.md says nothing of SEC-{number:02}"
        assert all((ROOT / proof).exists() for proof in proofs)


def section(title: str) -> str:
    return (ROOT / "CONTRIBUTING.md").read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]


def names_in(path: Path) -> set[str]:
    """What a file defines (`function`, `Class.method`, `CONSTANT`), and its words, such as states."""
    tree = ast.parse(path.read_text())
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{item.name}" for item in node.body if isinstance(item, ast.FunctionDef)}
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found | {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is str}


def named(text: str) -> Iterator[tuple[str, str]]:
    """Each identifier of a trace, with the file that was named last."""
    file = ""
    for quoted in QUOTED.findall(text):
        if SOURCE_FILE.fullmatch(f"`{quoted}`"):
            file = quoted
        elif IDENTIFIER.fullmatch(quoted):
            yield file, quoted


@pytest.mark.parametrize("title", ["One prediction", "One deployment"])
def test_a_trace_names_what_there_is(title: str) -> None:
    source = ROOT / "src" / "headgate"
    pairs = list(named(section(title)))
    assert len(pairs) > 10
    on_the_way = set().union(*(names_in(source / file) for file in WAY))
    for file, name in pairs:
        # a step may name what another file of the way does for it
        assert name in names_in(source / file) | (on_the_way if file in WAY else set()), (
            f"{title}: {file} has no {name}"
        )


def test_the_trace_of_a_prediction_is_the_way_that_is_held_short() -> None:
    steps = section("One prediction").split("Beside the way")[0]
    assert {name for name in SOURCE_FILE.findall(steps) if not name.startswith("tests/")} == set(WAY)


def test_the_page_on_reliability_is_that_of_the_run() -> None:
    assert PAGE.read_text() == render(read_results(), read_endurance(), read_neighbours()), "run `make docs`"
