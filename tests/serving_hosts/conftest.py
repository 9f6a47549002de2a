"""A home with the bad model in its cache, and a template whose hosts run it."""

from collections.abc import Iterator
from itertools import count

import pytest
from tests.serving_hosts.process import TemplateProcess

from headgate.home import Home
from headgate.testing.bundles import BuiltBundle
from headgate.testing.zoo import build_zoo

_numbers = count()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One for all tests: what a test needs for itself hangs on the digest of its bundle."""
    return Home(tmp_path_factory.mktemp("hosts") / ".headgate").create()


@pytest.fixture
def zoo(home: Home) -> BuiltBundle:
    """A bundle with a digest of its own."""
    return build_zoo(home.cache, name=f"zoo-{next(_numbers)}")


@pytest.fixture(scope="session")
def shared_template(home: Home) -> Iterator[TemplateProcess]:
    """Imports pandas once."""
    started = TemplateProcess(home, build_zoo(home.cache))
    started.hear("preloaded")
    yield started
    started.end()


@pytest.fixture
def template(shared_template: TemplateProcess, zoo: BuiltBundle) -> Iterator[TemplateProcess]:
    """A template that forks hosts of the test's own bundle."""
    shared_template.begin(zoo)
    yield shared_template
    shared_template.end_hosts()


@pytest.fixture
def own_template(home: Home, zoo: BuiltBundle) -> Iterator[TemplateProcess]:
    """One that the test may end."""
    # any template can fork hosts of any runtime; this one imports less
    started = TemplateProcess(home, zoo, runtime="onnx")
    yield started
    started.end()
