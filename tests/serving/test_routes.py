"""Which table is in force, and which models are held, while tables come and go."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from headgate.crashes import CallMark, CallMarks
from headgate.home import Home
from headgate.records import RouteTable
from headgate.serving import loading
from headgate.serving.routes import Models, Routes
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table


def test_a_table_that_is_gone_before_it_is_looked_at_is_no_fault(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    publish(home, route_table(build_bundle(home.cache)))
    composed: list[Any] = []

    async def live() -> None:
        routes = Routes(home, Settings(), CallMarks(home.run / "w0.calls"), cast("Any", composed.append), lambda: None)
        routes.refresh()
        (loading,) = routes._loading.values()
        (home.routes / "fraud.json").unlink()
        routes.refresh()
        await loading
        assert (routes.live, routes.digests, composed) == ({}, (), [])
        routes.close()

    asyncio.run(live())


def test_a_table_that_is_taken_back_while_it_is_loaded_answers_nobody(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    bundle = build_bundle(home.cache)
    publish(home, route_table(bundle))
    composed: list[int] = []

    def compose(table: RouteTable, _models: Models) -> Any:
        composed.append(table.generation)
        return SimpleNamespace(table=table)

    async def live() -> None:
        routes = Routes(home, Settings(), CallMarks(home.run / "w0.calls"), compose, lambda: None)
        routes.refresh()
        while not routes._taking:
            await asyncio.sleep(0)
        publish(home, route_table(bundle, generation=2))
        routes.refresh()
        await routes.settled()
        assert composed == [2]
        assert routes.live["fraud"].table.generation == 2
        routes.close()

    asyncio.run(live())


def test_a_version_is_in_call_while_its_model_works_and_not_while_its_files_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path).create()
    (variant,) = route_table(build_bundle(home.cache)).variants
    flags, seen = bytearray(2), {}

    def watch(place: Any, name: str) -> None:
        real = getattr(place, name)

        def watched(*given: Any) -> Any:
            seen[name] = flags[1]
            return real(*given)

        monkeypatch.setattr(place, name, watched)

    for name in ("read_manifest", "verify_files", "read_golden", "load_runtime", "verify_golden", "measure"):
        watch(loading, name)
    loading.load_inline(home.cache, variant, CallMark(flags, 1))
    assert seen == {
        "read_manifest": 0, "verify_files": 0, "read_golden": 0, "load_runtime": 0, "verify_golden": 1, "measure": 1,
    }  # fmt: skip
    assert flags[1] == 0
