"""A bundle whose packages are not those of the host: it gets an environment of its own, or is refused naming both."""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.agent.conftest import MakeNode
from tests.wheels import make_wheel, repack

from headgate import installer
from headgate.agent import environments as module
from headgate.agent.environments import (
    BUILDING,
    KEPT_SECONDS,
    Environments,
    environments_in,
    lock_of,
)
from headgate.agent.loop import Loop
from headgate.bundle.bundle import Bundle, open_bundle
from headgate.bundle.fitting import installed_version
from headgate.bundle.manifest import REQUIREMENTS, Environment, Form, Manifest
from headgate.bundle.requirements import requirements_text
from headgate.bundle.signing import load_or_create_key, public_text, sign_folder, user_key_path
from headgate.errors import HeadgateError, Unavailable, Untrusted
from headgate.home import Home
from headgate.records import Column, Signature, SignerTable, Variant
from headgate.settings import Settings
from headgate.testing.bundles import write_bundle
from headgate.testing.node.node import host_pids, until
from headgate.testing.node.plane import table

PYTHON = ".".join(map(str, sys.version_info[:2]))
GREETING = "headgate-greeting"


def release(version: str) -> dict[str, str]:
    """The files of a package that says its version."""
    return {"headgate_greeting.py": f"VERSION = {version!r}\n"}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that a model of `GREETING` needs, in a version that is not installed here."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in ("numpy", "msgspec"):
        repack(name, folder)
    make_wheel("headgate_greeting", "2.1", release("2.1"), folder)
    return folder


def hashes_of(wheels: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for wheel in wheels.iterdir():
        name = wheel.name.partition("-")[0].replace("_", "-")
        found.setdefault(name, []).append(f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")
    return found


MODEL = """
import headgate_greeting

class Model:
    def predict(self, rows):
        return rows.sum(axis=1) + float(headgate_greeting.VERSION)

model = Model()
"""


def write_greeting(
    folder: Path,
    wheels: Path,
    name: str = "greeting",
    packages: dict[str, str] | None = None,
    hashes: dict[str, list[str]] | None = None,
    more: str = "",
    **environment: Any,
) -> Bundle:
    """A bundle that answers the sum of its two numbers and the version of the package it ran with."""
    versions = {GREETING: "2.1", "msgspec": msgspec.__version__, "numpy": np.__version__} | (packages or {})
    manifest = Manifest(
        name=name,
        framework="python",
        task="regression",
        signature=Signature(inputs=(Column(name="a", dtype="float64"), Column(name="b", dtype="float64"))),
        forms={"native": Form(runtime="python", path="model.py")},
        serves="native",
        environment=Environment(**{"python": PYTHON, "packages": versions, "direct": (GREETING,)} | environment),
        files={},
    )
    lock = requirements_text(versions, hashes or hashes_of(wheels)) + more
    built = write_bundle(folder, manifest, {"model.py": MODEL.encode(), REQUIREMENTS: lock.encode()})
    sign_folder(built.folder, load_or_create_key(user_key_path(os.environ)))
    return open_bundle(built.folder)


class Agent:
    """As much of an agent as environments need, its loop turned by hand."""

    def __init__(self, folder: Path, wheels: Path, **settings: Any) -> None:
        self.home = Home(folder / "home").create()
        self.wheels = wheels
        self.loop = Loop()
        self.needed: set[str] = set()
        self.refused: set[str] = set()
        chosen = Settings(**{"wheel_folder": str(wheels)} | settings)
        self.environments = Environments(self.loop, self.home, chosen, self._require_signed, lambda: self.needed)

    def bundle(self, **options: Any) -> Bundle:
        found = write_greeting(self.home.cache, self.wheels, **options)
        self.needed.add(found.digest)
        return found

    def ask(self, *bundles: Bundle) -> list[HeadgateError | None]:
        """The answers for all of them, asked at once."""
        answers: list[HeadgateError | None] = []
        for bundle in bundles:
            variant = Variant(version="m:1", digest=bundle.digest, form="native", placement="host")
            self.environments.ensure(variant, answers.append)
        deadline = time.monotonic() + 60
        while len(answers) < len(bundles) and time.monotonic() < deadline:
            self.loop.turn(0.1)
        assert len(answers) == len(bundles), "no answer within a minute"
        return answers

    def refusal(self, bundle: Bundle) -> str:
        [answer] = self.ask(bundle)
        assert answer is not None and answer.code == "ENVIRONMENT_MISMATCH", answer
        assert not self.note(bundle).exists()
        return answer.message

    def note(self, bundle: Bundle) -> Path:
        return self.home.cache / f"{bundle.digest}.python"

    def built(self) -> list[str]:
        return [path.name for path in environments_in(self.home).glob("*")]

    def _require_signed(self, digest: str) -> None:
        if digest in self.refused:
            raise Untrusted("It is not signed.")


MakeAgent = Callable[..., Agent]


@pytest.fixture
def make_agent(tmp_path: Path, wheels: Path) -> Iterator[MakeAgent]:
    """Makes one on the test's home; settings can be given."""
    made: list[Agent] = []

    def make(**settings: Any) -> Agent:
        made.append(Agent(tmp_path, wheels, **settings))
        return made[-1]

    yield make
    for each in made:
        each.loop.close()


@pytest.fixture
def agent(make_agent: MakeAgent) -> Agent:
    return make_agent()


def replies(python: Path, code: str) -> str:
    return installer.run_program((str(python), "-c", code), 60).strip()


def test_environments_are_built_once_shared_and_kept(
    agent: Agent, make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two bundles with one lock, asked at once, and again by the next agent."""
    builds: list[str] = []
    real = module.build_environment

    def counted(home: Home, settings: Settings, digest: str, lock: str) -> None:
        builds.append(lock)
        real(home, settings, digest, lock)

    monkeypatch.setattr(module, "build_environment", counted)
    first, second = agent.bundle(name="first"), agent.bundle(name="second")
    assert agent.ask(first, second, first) == [None, None, None]
    assert agent.ask(second) == [None]
    assert builds == agent.built() == [lock_of(first.manifest)]
    python = Path(agent.note(first).read_text().strip())
    assert agent.note(second).read_text() == agent.note(first).read_text()
    assert replies(python, "import headgate_greeting; print(headgate_greeting.VERSION)") == "2.1"
    # Headgate is ours, and nothing else of what is installed here can be seen
    assert replies(python, "import headgate; print(headgate.__version__)")
    with pytest.raises(Unavailable, match="No module named 'onnxruntime'"):
        replies(python, "import onnxruntime")
    assert make_agent().ask(first) == [None]
    assert len(builds) == 1


def test_a_bundle_that_fits_gets_none(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = agent.bundle()
    monkeypatch.setattr(module, "installed_version", lambda name: "2.1.7" if name == GREETING else "2.4.0")
    assert agent.ask(bundle) == [None]
    assert not agent.note(bundle).exists() and agent.built() == []


def test_without_permission_it_is_refused_with_both_versions(make_agent: MakeAgent) -> None:
    agent = make_agent(build_environments=False)
    numpy = installed_version("numpy")
    said = agent.refusal(agent.bundle(packages={"numpy": "1.26.4"}))
    assert f"{GREETING} 2.1 (here is none)" in said and f"numpy 1.26.4 (here is {numpy})" in said
    assert "set build_environments" in said and f"'{GREETING}==2.1'" in said


def test_what_is_not_signed_gets_none(agent: Agent) -> None:
    bundle = agent.bundle()
    agent.refused.add(bundle.digest)
    assert "not signed" in agent.refusal(bundle)


def test_without_hashes_none_is_built(agent: Agent) -> None:
    assert "no package index could be asked" in agent.refusal(agent.bundle(unlocked="no package index could be asked"))


FAULTS: dict[str, dict[str, Any]] = {
    "no such version": {"packages": {GREETING: "3.0"}},
    "other hash": {"hashes": dict.fromkeys((GREETING, "msgspec", "numpy"), [f"sha256:{'0' * 64}"])},
    "no such Python": {"python": "3.99"},
    "late": {},
    "broken": {},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_fails_leaves_nothing(fault: str, make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    if fault == "broken":
        monkeypatch.setattr(module, "PROBE", "import os; os.abort()")
    agent = make_agent(build_seconds=0.0 if fault == "late" else 600.0)
    said = agent.refusal(agent.bundle(**FAULTS[fault]))
    assert "failed" in said
    assert f"{GREETING} " in said
    assert "package the model again" in said
    assert agent.built() == []


@pytest.mark.parametrize(
    "line", ["--index-url=http://127.0.0.1:9/simple", "-r /etc/passwd", "x @ file:///x", "six==1.0"]
)
def test_requirements_that_say_more_than_the_manifest_are_refused(agent: Agent, line: str) -> None:
    """SEC-18"""
    bundle = agent.bundle(more=f"{line}\n")
    said = agent.refusal(bundle)
    assert f"{REQUIREMENTS} holds" in said or "Expected a package and its version" in said
    assert agent.built() == []


def test_half_built_and_old_environments_go_but_never_one_in_use(agent: Agent) -> None:
    used, old, young = agent.bundle(), "a" * 64, "b" * 64
    assert agent.ask(used) == [None]
    for name in (old, young, f"{BUILDING}{'c' * 64}-1"):
        (environments_in(agent.home) / name).mkdir()
    long_ago = time.time() - KEPT_SECONDS - 60
    for name in (old, lock_of(used.manifest)):
        os.utime(environments_in(agent.home) / name, (long_ago, long_ago))
    agent.environments.sweep()
    assert sorted(agent.built()) == sorted([young, lock_of(used.manifest)])
    # no table needs the bundle any more: its hosts may still be leaving
    agent.needed.clear()
    agent.environments.prune()
    assert lock_of(used.manifest) in agent.built()
    os.utime(environments_in(agent.home) / lock_of(used.manifest), (long_ago, long_ago))
    agent.environments.prune()
    assert agent.built() == [young]
    # and a note of one that is gone is no interpreter: it is built again
    assert agent.ask(used) == [None]
    assert Path(agent.note(used).read_text().strip()).exists()


def test_an_environment_whose_python_is_gone_is_built_again(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = agent.bundle()
    assert agent.ask(bundle) == [None]
    python = environments_in(agent.home) / lock_of(bundle.manifest) / "bin" / "python"
    python.unlink()
    python.symlink_to("/no/such/python")
    assert agent.ask(bundle) == [None]
    assert replies(Path(agent.note(bundle).read_text().strip()), "print(1)") == "1"
    assert len(agent.built()) == 1
    # and where it is not needed any more, nothing leads to it
    python.unlink()
    monkeypatch.setattr(module, "installed_version", lambda name: "2.1")
    assert agent.ask(bundle) == [None]
    assert not agent.note(bundle).exists()


def test_an_interpreter_that_somebody_named_stays(agent: Agent) -> None:
    bundle = agent.bundle()
    agent.note(bundle).write_text(sys.executable)
    assert agent.ask(bundle) == [None]
    assert agent.note(bundle).read_text() == sys.executable and agent.built() == []


def test_a_node_serves_it_from_its_own_environment(make_node: MakeNode, wheels: Path) -> None:
    """Real hosts, real templates; and the same bundle on a node that may not build."""
    bundle = write_greeting(wheels.parent / "made", wheels)
    trusted = public_text(load_or_create_key(user_key_path(os.environ)))
    allowed = make_node(fakes="worker,control", wheel_folder=str(wheels), load_seconds=60.0)
    signers = SignerTable(epoch=1, number=1, trusted=(trusted,))
    forbidden = make_node(fakes="worker,control", build_environments=False)
    for node in (allowed, forbidden):
        node.plane.say(signers=signers)
        node.plane.offer(bundle.folder)
        node.start()
        node.plane.publish(table("greeting", 1, bundle.digest, placement="host"))
    until(lambda: allowed.has("greeting", 1), "the version", 90)
    [host] = host_pids(allowed.home, bundle.digest)
    assert str(environments_in(allowed.home)) in str(Path(f"/proc/{host}/cmdline").read_bytes())
    failure = until(lambda: forbidden.report.failures["greeting"], "a refusal")
    assert f"{GREETING} 2.1 (here is none)" in failure.reason
    assert not host_pids(forbidden.home, bundle.digest)
