"""A pickle of a class that lies beside the script that made it: no host would find it, so it is no bundle."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headgate.errors import UnsupportedType, Untrusted
from headgate.packaging.loose_modules import refuse_loose

CODE = """
class Doubler:
    def predict(self, rows):
        return rows[:, 0] * 2
"""
SCRIPT = """
import pickle
from pathlib import Path
{code}
Path("model.pkl").write_bytes(pickle.dumps(Doubler()))
"""
NAME = "surely_loose"


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pickle, with its class in a file beside it that this process finds and others do not."""
    (tmp_path / f"{NAME}.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__(NAME)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(module.Doubler()))
    monkeypatch.delitem(sys.modules, NAME)
    return tmp_path / "model.pkl"


@pytest.mark.parametrize("trust", [(), (f"{NAME}.Doubler",)])
@pytest.mark.parametrize("found", [True, False], ids=["on the path", "beside the model alone"])
def test_a_class_in_a_loose_file(
    package: Any, beside: Path, monkeypatch: pytest.MonkeyPatch, trust: tuple[str, ...], found: bool
) -> None:
    if not found:
        monkeypatch.setattr(sys, "path", [each for each in sys.path if each != str(beside.parent)])
    with pytest.raises(UnsupportedType) as refused:
        package(beside, trust_code=trust)
    message = refused.value.message
    assert f"{beside} needs {NAME}.Doubler of the loose module {NAME} ({beside.with_name(NAME)}.py)" in message
    assert all(way in message for way in ("--trust-code", f"register_pickle_by_value({NAME})", "defines `model`"))


def test_a_class_that_every_interpreter_finds(
    package: Any, beside: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(Untrusted, match="--trust-code"):
        package(beside)
    rows = [[1.0], [2.0]]
    bundle = package(beside, data=rows, target=[2.0, 4.0], trust_code=(f"{NAME}.Doubler",))
    assert bundle.manifest.trusted_code == (f"{NAME}.Doubler",)


def test_a_class_of_the_script_itself(package: Any, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT.format(code=CODE))
    subprocess.run([sys.executable, "train.py"], cwd=tmp_path, check=True, timeout=60)
    with pytest.raises(UnsupportedType, match=r"loose module __main__, .* write the pickle by cloudpickle, or put"):
        package(tmp_path / "model.pkl")


@pytest.mark.parametrize("foreign", [("builtins.exec",), ("nowhere_at_all.Thing",), ("-c.Thing", "a\0b.Thing")])
def test_others_are_left_to_the_list_of_trust(foreign: tuple[str, ...]) -> None:
    refuse_loose(foreign, Path("model.pkl"))
