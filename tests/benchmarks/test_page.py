"""The page of figures is what the report makes of the figures that are kept, and nobody's hand has changed it."""

import msgspec
from benchmarks.report import OF_THE_PAGE, PAGE, render
from benchmarks.results import load


def test_the_page_is_what_the_report_makes_of_its_figures() -> None:
    assert PAGE.read_text() == render(load(OF_THE_PAGE)), "run `make docs`"


def test_a_run_without_peers_keeps_those_of_the_page_and_says_so() -> None:
    page = load(OF_THE_PAGE)
    own = [found for found in page.contenders if found.name in ("headgate", "bare")]
    kept = msgspec.structs.replace(page, contenders=own, kept=()).with_peers_of(page)
    assert {found.name for found in kept.contenders} == {found.name for found in page.contenders}
    assert set(kept.kept) == {found.name for found in page.contenders} - {"headgate", "bare"}
    assert f"each against the bare server of its own round: {kept.kept[0]}" in render(kept)
