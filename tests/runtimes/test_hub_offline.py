"""A hub is not asked while a model is made, and can be asked again afterwards."""

import os
import subprocess
import sys
from types import ModuleType

import pytest

from headgate.errors import ModelError
from headgate.runtimes.hub_offline import CONSTANTS, OFFLINE, SWITCHES, offline
from headgate.runtimes.registry import load_runtime
from headgate.runtimes.transformers import open_model


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The hub's library, imported online."""
    module = ModuleType(CONSTANTS)
    vars(module).update(dict.fromkeys(SWITCHES, False))
    monkeypatch.setitem(sys.modules, CONSTANTS, module)
    for name in OFFLINE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    return module


def state(hub: ModuleType) -> tuple[dict[str, str | None], list[bool]]:
    return {name: os.environ.get(name) for name in OFFLINE}, [getattr(hub, name) for name in SWITCHES]


def test_a_process_is_offline_only_meanwhile(hub: ModuleType) -> None:
    before = state(hub)
    with pytest.raises(KeyError), offline():
        assert state(hub) == (OFFLINE, [True, True])
        raise KeyError
    assert state(hub) == before
    assert "HF_HUB_OFFLINE" not in os.environ


def test_a_process_that_is_offline_stays_so(hub: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    before = state(hub)
    with offline():
        pass
    assert state(hub) == before
    assert before[1] == [True, False]


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, CONSTANTS, raising=False)
    with offline():
        assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_a_user_s_process_is_left_as_it_is(hub: ModuleType) -> None:
    before = state(hub)
    load_runtime("transformers")
    with pytest.raises(ModelError):
        open_model({"config.json": b"{}"}, None, 1)
    assert state(hub) == before


def test_a_template_is_offline_before_it_imports_the_libraries() -> None:
    code = (
        "import os, sys, types; sys.meta_path.insert(0, types.SimpleNamespace(find_spec=lambda name, *rest: "
        "print(name, os.environ.get('HF_HUB_OFFLINE')) if name in ('torch', 'transformers') else None))\n"
        "from headgate.serving.hosts.template import preload; preload('transformers')"
    )
    clean = {name: value for name, value in os.environ.items() if name not in OFFLINE}
    told = subprocess.run(
        [sys.executable, "-c", code], env=clean, capture_output=True, text=True, timeout=120, check=True
    ).stdout
    assert told.splitlines()[0] == "torch 1"
