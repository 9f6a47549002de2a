"""A live server for the clients."""

from collections.abc import Iterator

import msgspec
import pytest
from tests.serving.test_access import key
from tests.serving.worker_process import WorkerProcess

from headgate.home import Home, write_atomically
from headgate.records import AccessTable
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table
from headgate.testing.tables import TABLES, build_table

KEY = "hg_secret"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker with the endpoint `fraud`, a classifier of age, income and balance, and one for every kind of table."""
    home = Home(tmp_path_factory.mktemp("clients")).create()
    publish(home, route_table(build_bundle(home.cache)))
    for table in TABLES.values():
        publish(home, route_table(build_table(home.cache, table), table.name))
    process = WorkerProcess(home)
    yield process
    assert process.stop() == 0, process.logged


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """The same, and it wants the key KEY."""
    home = Home(tmp_path_factory.mktemp("guarded-clients")).create()
    publish(home, route_table(build_bundle(home.cache)))
    table = AccessTable(epoch=1, number=1, required=True, keys=(key(KEY, "*"),))
    write_atomically(home.access, msgspec.json.encode(table))
    process = WorkerProcess(home, Settings(require_keys=True))
    yield process
    assert process.stop() == 0, process.logged
