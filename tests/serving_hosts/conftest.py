"""A home with the bad model in its cache, and a template whose hosts run it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving_hosts.process import TemplateProcess

from headgate.home import Home
from headgate.testing.bundles import BuiltBundle
from headgate.testing.zoo import build_zoo


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / ".headgate").create()


@pytest.fixture
def zoo(home: Home) -> BuiltBundle:
    return build_zoo(home.cache)


@pytest.fixture
def template(home: Home, zoo: BuiltBundle) -> Iterator[TemplateProcess]:
    started = TemplateProcess(home, zoo)
    started.hear("preloaded")
    yield started
    started.end()
