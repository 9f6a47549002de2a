"""The page of figures is what the report makes of the figures that are kept, and nobody's hand has changed it."""

from benchmarks.report import OF_THE_PAGE, PAGE, render
from benchmarks.results import load


def test_the_page_is_what_the_report_makes_of_its_figures() -> None:
    assert PAGE.read_text() == render(load(OF_THE_PAGE)), "run `make docs`"
