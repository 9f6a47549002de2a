"""A packaged model in a host behind a worker: the whole way of a prediction without agent and control plane."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.serving.worker_process import WorkerProcess
from tests.serving_hosts.process import TemplateProcess

import headgate
from headgate.bundle.bundle import Bundle
from headgate.home import Home
from headgate.records import EndpointSpec, Limits, Variant
from headgate.settings import Settings
from headgate.testing.bundles import BuiltBundle, publish, route_table

SLOW = EndpointSpec(limits=Limits(timeout_ms=60_000))


def packaged(model: Any, home: Home, **options: Any) -> BuiltBundle:
    """The bundle of a model, in the home's cache."""
    bundle = headgate.package(model, output=home.path / "made", **({"name": "m"} | options))
    return cached(bundle, home)


def cached(bundle: Bundle, home: Home) -> BuiltBundle:
    """The bundle, moved into the home's cache."""
    folder = home.cache / bundle.digest
    bundle.folder.rename(folder)
    return BuiltBundle(folder, bundle.manifest, bundle.digest)


@contextmanager
def served(home: Home, *bundles: BuiltBundle) -> Iterator[WorkerProcess]:
    """A worker with an endpoint of its name for each bundle, all in hosts of the first one's runtime."""
    form = bundles[0].manifest.forms["native"]
    template = TemplateProcess(home, bundles[0], runtime=form.runtime)
    try:
        for bundle in bundles:
            template.begin(bundle)
            template.host()
            name = bundle.manifest.name
            variant = Variant(version=f"{name}:1", digest=bundle.digest, form="native", placement="host")
            publish(home, route_table(bundle, name, variants=(variant,), spec=SLOW))
        worker = WorkerProcess(home, Settings())
        yield worker
        worker.stop()
    finally:
        for bundle in bundles:
            template.begin(bundle)
            template.end_hosts()
        template.end()


def written(path: Path, source: str) -> Path:
    """A file with that source."""
    path.write_text(source)
    return path
