"""The whole tour as a newcomer takes it, and what it does when something is not as promised."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headgate.client.client import Client
from headgate.demo.narrator import Narrator
from headgate.demo.tour import BrokenPromise, Tour, questions_of
from headgate.demo.training import Data, accuracy, load_data, train_forest, train_regression
from headgate.testing.control import KEY, fake_control

DATA = Data(("mean radius", "mean texture"), None, None, np.ones((3, 2)), None)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    found = {name: value for name, value in os.environ.items() if not name.startswith("HEADGATE_")}
    return found | {"TMPDIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.mark.heavy
def test_the_tour_keeps_its_promises_and_leaves_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "headgate", "demo", "--output", "json"]
    ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    seen: dict[str, Any] = json.loads(ran.stdout)
    assert (seen["failed"], seen["wrong"]) == (0, 0)
    assert seen["answered"].keys() == {seen["before"], seen["after"]}
    assert sum(seen["answered"].values()) == seen["sent"]
    assert [path.name for path in tmp_path.iterdir()] == ["config"]


@pytest.mark.heavy
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_tour_that_is_left_leaves_nothing(tmp_path: Path, environment: dict[str, str], number: int) -> None:
    command = [sys.executable, "-m", "headgate", "demo"]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as tour:
        assert tour.stdout is not None
        assert any(line.startswith("1. ") for line in tour.stdout)
        tour.send_signal(number)
        tour.stdout.read()
    assert tour.returncode in (130, 128 + signal.SIGTERM)
    assert [path.name for path in tmp_path.iterdir()] == ["config"]


@pytest.mark.heavy
def test_the_second_version_is_the_better_one() -> None:
    data = load_data()
    forest, regression = train_forest(data), train_regression(data)
    assert 0.9 < accuracy(forest, data) < accuracy(regression, data)
    questions = questions_of(data, {"m:1": forest, "m:2": regression}, 40)
    assert any(each.answers["m:1"].predictions != each.answers["m:2"].predictions for each in questions)
    assert json.loads(questions[0].body)["rows"][0].keys() == set(data.columns)


def test_a_name_that_is_taken_is_not_taken_again(tmp_path: Path) -> None:
    with fake_control() as control, Client(url=control.url, key=KEY) as client:
        assert Tour(client, Narrator(silent=True), tmp_path).name == "tumour"
        control.add_version("Tumour")
        control.add_version("tumour-2")
        assert Tour(client, Narrator(silent=True), tmp_path).name == "tumour-3"


def test_an_answer_that_should_have_been_refused_breaks_a_promise(tmp_path: Path) -> None:
    with fake_control() as control, Client(url=control.url, key=KEY) as client:
        tour = Tour(client, Narrator(silent=True), tmp_path)
        control.add_version(tour.name)
        client.deploy(f"{tour.name}:1", tour.name)
        with pytest.raises(BrokenPromise, match="text in a numeric column"):
            tour.refuse(DATA, f"{tour.name}:1")
