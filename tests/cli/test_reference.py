"""The reference pages that are committed are the ones that the code makes."""

from pathlib import Path

import pytest

from headgate.cli.main import COMMANDS
from headgate.cli.reference import main, pages
from headgate.settings import setting_declarations

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", pages())
def test_committed_pages_are_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == pages()[name], "run `make docs`"


def test_pages_name_every_command_and_setting() -> None:
    commands, settings = pages()["cli.md"], pages()["settings.md"]
    assert all(f"## `headgate {name}`" in commands for name in COMMANDS)
    assert all(f"`HEADGATE_{setting['name'].upper()}`" in settings for setting in setting_declarations())


def test_pages_are_written_where_asked(tmp_path: Path) -> None:
    main(tmp_path / "reference")
    assert {path.name for path in (tmp_path / "reference").iterdir()} == {*pages()}
