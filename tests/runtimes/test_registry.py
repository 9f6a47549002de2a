"""A runtime is found by its name, or it is said why not."""

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from headgate.errors import ModelError, NotFound
from headgate.runtimes import registry
from headgate.runtimes.registry import RUNTIMES, load_runtime, runtime_names
from headgate.testing.runtime import FAKE_RUNTIME, FakeRuntime


@pytest.mark.parametrize("name", sorted(RUNTIMES))
def test_every_runtime_in_the_table_is_there(name: str) -> None:
    assert load_runtime(name).name == name


def test_an_unknown_name_names_those_that_are_known() -> None:
    with pytest.raises(NotFound, match=r"no runtime 'paddle'; there are: .*onnx, .*python"):
        load_runtime("paddle")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("not_installed_here:Runtime", "cannot be imported from not_installed_here"),
        ("headgate.testing.runtime:Missing", "which is not one"), ("headgate.testing.runtime", "which is not one"),
        ("headgate.testing.runtime:FAKE_RUNTIME", "which is not one"),
    ],
)  # fmt: skip
def test_a_broken_entry_is_said_to_be_broken(monkeypatch: pytest.MonkeyPatch, target: str, message: str) -> None:
    monkeypatch.setitem(RUNTIMES, "broken", target)
    with pytest.raises(ModelError, match=message):
        load_runtime("broken")


def test_plug_ins_add_runtimes_and_replace_none(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint(name, FAKE_RUNTIME, "headgate.runtimes") for name in ("fake", "onnx")]

    def installed(**query: Any) -> list[EntryPoint]:
        return points if query == {"group": "headgate.runtimes"} else []

    monkeypatch.setattr(registry, "entry_points", installed)
    assert isinstance(load_runtime("fake"), FakeRuntime)
    assert load_runtime("onnx").name == "onnx"
    assert runtime_names()["onnx"] == RUNTIMES["onnx"]
