"""What holds for every command: help without loading, global options anywhere, errors in one shape, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from tests.cli.conftest import Headgate

from headgate import __version__
from headgate.cli.main import COMMANDS
from headgate.cli.main import headgate as root
from headgate.testing.control import FakeControl

# what a command line loads is measured in its own interpreter
LOADED = "import sys; from headgate.cli.main import run; code = run(sys.argv[1:]); print(code, *sorted(sys.modules))"
HEAVY = {"numpy", "httpx2", "rich", "msgspec", "yaml", "onnxruntime", "sqlalchemy", "fastapi", "pandas", "sklearn"}


def all_commands() -> list[tuple[tuple[str, ...], click.Command]]:
    found: list[tuple[tuple[str, ...], click.Command]] = []
    context = click.Context(root)
    for name in COMMANDS:
        command = root.get_command(context, name)
        assert command is not None
        found.append(((name,), command))
        if isinstance(command, click.Group):
            found += [((name, verb), command.commands[verb]) for verb in command.commands]
    return found


every_command = pytest.mark.parametrize(
    ("name", "command"), all_commands(), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)


@pytest.mark.parametrize("line", [["--version"], ["--help"]], ids=" ".join)
def test_help_and_version_load_nothing_heavy(line: list[str]) -> None:
    ran = subprocess.run([sys.executable, "-c", LOADED, *line], capture_output=True, text=True, check=True)
    code, *loaded = ran.stdout.splitlines()[-1].split()
    assert code == "0"
    assert not HEAVY & set(loaded)
    assert not [name for name in loaded if name.startswith("headgate.cli.") and name.count(".") == 2][2:]


def test_alone_it_shows_the_help(headgate: Headgate) -> None:
    ran = headgate()
    assert (ran.code, ran.out) == (2, "")
    assert "headgate demo" in ran.err


def test_python_m_headgate_is_headgate() -> None:
    ran = subprocess.run([sys.executable, "-m", "headgate", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == f"headgate {__version__}\n"


@every_command
def test_every_command_has_help_and_the_global_options(
    headgate: Headgate, name: tuple[str, ...], command: click.Command
) -> None:
    ran = headgate(*name, "--help")
    assert ran.code == 0
    assert command.help
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--url", "--output", "--quiet"} <= options


@every_command
def test_every_option_says_what_it_does(name: tuple[str, ...], command: click.Command) -> None:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help or parameter.show_default, f"{' '.join(name)} {parameter.name}"


@pytest.mark.parametrize(
    "line",
    [
        ("--output", "json", "model", "list"),
        ("model", "--output", "json", "list"),
        ("model", "list", "--output", "json"),
        ("--output", "yaml", "model", "list", "--output=json"),
    ],
    ids=" ".join,
)
def test_global_options_are_taken_anywhere(headgate: Headgate, control: FakeControl, line: tuple[str, ...]) -> None:
    control.add_version()
    assert headgate(*line).json[0]["name"] == "fraud"


def test_url_beats_the_environment(headgate: Headgate, control: FakeControl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_URL", "http://127.0.0.1:1")
    assert headgate("model", "list", "--url", control.url).code == 0


def test_yaml_is_the_same_data(headgate: Headgate, control: FakeControl) -> None:
    control.add_version()
    as_yaml = headgate("model", "show", "fraud", "--output", "yaml").out
    assert yaml.safe_load(as_yaml) == headgate("model", "show", "fraud", "--output", "json").json


def test_quiet_prints_names_alone(headgate: Headgate, control: FakeControl) -> None:
    control.add_version("a")
    control.add_version("b")
    assert headgate("model", "list", "-q").out == "a\nb\n"


def test_refused_is_1_with_the_reason_on_stderr(headgate: Headgate, control: FakeControl) -> None:
    ran = headgate("model", "show", "nothing")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "Error: There is no model 'nothing'. See `headgate model list`.\n"


def test_not_reachable_is_3(headgate: Headgate) -> None:
    ran = headgate("--url", "http://127.0.0.1:1", "model", "list")
    assert ran.code == 3
    assert "headgate up" in ran.err


def test_no_instance_at_all_is_3(headgate: Headgate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADGATE_URL", raising=False)
    assert headgate("model", "list").code == 3
    assert headgate("status").code == 3
    assert headgate("down").code == 3


@pytest.mark.parametrize(
    "line", [("nonsense",), ("model", "show"), ("approve", "fraud:1"), ("model", "list", "--output", "xml"), ("model",)]
)
def test_wrong_usage_is_2(headgate: Headgate, line: tuple[str, ...]) -> None:
    ran = headgate(*line)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err


@pytest.mark.parametrize(
    ("line", "code", "name"),
    [
        (("model", "show", "nothing"), 1, "NOT_FOUND"),
        (("--url", "http://127.0.0.1:1", "status"), 3, "UNREACHABLE"),
        (("approve", "fraud:1"), 2, "WRONG_USAGE"),
    ],
)
@pytest.mark.parametrize("output", ["json", "yaml"])
def test_errors_are_one_object_for_programs(
    headgate: Headgate, control: FakeControl, line: tuple[str, ...], code: int, name: str, output: str
) -> None:
    ran = headgate("--output", output, *line)
    assert (ran.code, ran.out) == (code, "")
    error = json.loads(ran.err)
    assert error.keys() == {"error", "code", "detail", "id"}
    assert error["code"] == name


def test_details_are_listed_below_the_error(headgate: Headgate, control: FakeControl) -> None:
    control.add_version()
    ran = headgate("deploy", "fraud:1", "--endpoint", "e", "--environment", "production")
    assert ran.code == 1
    assert ran.err.splitlines()[1] == "  gate: approval, state: reject, reason: not approved"


def test_a_file_that_cannot_be_read_is_no_crash(headgate: Headgate, control: FakeControl, tmp_path: Path) -> None:
    ran = headgate("predict", "fraud", "--data", str(tmp_path / "nothing.json"))
    assert ran.code == 1
    assert "no such file" in ran.err


def test_a_reader_that_leaves_is_no_crash(control: FakeControl) -> None:
    for number in range(200):
        control.add_version(f"m{number}")
    command = f"{sys.executable} -m headgate model list | head -1"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("MODEL")
    assert "Traceback" not in ran.stderr


def completed(*words: str, **environment: str) -> list[str]:
    asked = {"_HEADGATE_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    ran = subprocess.run(
        [sys.executable, "-m", "headgate"], env={**os.environ, **asked, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return [line.partition(",")[2] for line in ran.stdout.splitlines() if line]


def test_a_shell_is_told_commands_options_and_names(control: FakeControl) -> None:
    control.add_version()
    assert completed("headgate", "re") == ["register", "reject", "restore"]
    assert completed("headgate", "model", "d") == ["diff"]
    assert "--endpoint" in completed("headgate", "deploy", "--")
    assert "--output" in completed("headgate", "--")
    assert completed("headgate", "model", "show", "fr") == ["fraud:1"]
    assert completed("headgate", "model", "show", "fr", HEADGATE_URL="http://127.0.0.1:1") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(headgate: Headgate, shell: str) -> None:
    ran = headgate("completion", shell)
    assert ran.code == 0
    assert "_HEADGATE_COMPLETE" in ran.out
