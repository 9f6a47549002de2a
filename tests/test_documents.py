"""The documents name files and guards that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
SOURCE_FILE = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py)`")
TEST_FILE = re.compile(r"`(tests/[a-z_/]+(?:\.py)?)`")
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
