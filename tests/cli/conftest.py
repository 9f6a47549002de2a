"""The command line against a fake instance, in this process."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from headgate.cli.main import run
from headgate.testing.control import KEY, FakeControl, fake_control


@dataclass(frozen=True)
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Headgate = Callable[..., Ran]


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeControl]:
    with fake_control() as fake:
        monkeypatch.setenv("HEADGATE_URL", fake.url)
        monkeypatch.setenv("HEADGATE_KEY", KEY)
        yield fake


@pytest.fixture
def headgate(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Headgate:
    for name in ("HOME", "DATA_URL", "PORT", "HOST"):
        monkeypatch.delenv(f"HEADGATE_{name}", raising=False)

    def call(*arguments: str) -> Ran:
        capfd.readouterr()
        code = run(arguments)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return call
