"""Lists in pages."""

import pytest

from headgate.errors import Malformed
from headgate.storage.pages import Page, check_limit, cut_page


def test_the_last_page_has_no_cursor() -> None:
    found = [("a", 1), ("b", 2), ("c", 3)]
    assert cut_page(found, 2) == Page((1, 2), "b")
    assert cut_page(found, 3) == Page((1, 2, 3), None)
    assert cut_page([], 3) == Page((), None)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_limits_have_limits(limit: int) -> None:
    with pytest.raises(Malformed, match="1 to 1000"):
        check_limit(limit)
