"""A template and its children, over the agent's lines."""

import json
import os
import signal
import socket
import stat
from pathlib import Path

import pytest
from tests.serving_hosts.process import TemplateProcess, eventually, is_running

from headgate.bundle.manifest import GOLDEN
from headgate.home import Home
from headgate.testing.bundles import BuiltBundle
from headgate.testing.zoo import MODEL_FILE, build_zoo


def test_it_has_one_thread_when_it_forks(home: Home, zoo: BuiltBundle) -> None:
    template = TemplateProcess(home, zoo, runtime="onnx")
    assert template.hear("preloaded") == {"preloaded": True, "missing": [], "threads": 1}
    template.end()


def test_a_host_is_ready_when_its_socket_answers(template: TemplateProcess) -> None:
    pid = template.host()
    [note] = template.folder.glob("*.json")
    told = json.loads(note.read_bytes())
    assert (told["pid"], told["digest"], told["form"]) == (pid, template.bundle.digest, "native")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(told["socket"])
    for path in (note, Path(told["socket"]), *template.home.logs.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_smoke_test_passes_and_leaves_nothing(template: TemplateProcess) -> None:
    pid = template.fork(smoke=True)
    template.hear("ready", pid=pid)
    assert template.hear("exited", pid=pid)["status"] == 0
    assert list(template.folder.glob("*")) == []


def spoil_file(bundle: BuiltBundle) -> str:
    (bundle.folder / MODEL_FILE).write_bytes(b"model = None")
    return "size or sha256 differ"


def spoil_golden(bundle: BuiltBundle) -> str:
    (bundle.folder / GOLDEN).unlink()
    return "missing"


def spoil_manifest(bundle: BuiltBundle) -> str:
    other = build_zoo(bundle.folder.parent, name="other")
    for path in bundle.folder.iterdir():
        path.write_bytes((other.folder / path.name).read_bytes())
    return "Expected the bundle"


def take_away(bundle: BuiltBundle) -> str:
    for path in bundle.folder.iterdir():
        path.unlink()
    return "is not a bundle"


@pytest.mark.parametrize("spoil", [spoil_file, spoil_golden, spoil_manifest, take_away])
@pytest.mark.parametrize("smoke", [True, False])
def test_a_bundle_that_is_not_whole_fails_with_the_reason(
    template: TemplateProcess, zoo: BuiltBundle, spoil: object, smoke: bool
) -> None:
    assert callable(spoil)
    reason = spoil(zoo)
    pid = template.fork(smoke=smoke)
    assert reason in template.hear("failed", pid=pid)["reason"]
    assert template.hear("exited", pid=pid)["status"] == 1
    assert list(template.folder.glob("*.sock")) == []


def test_a_model_with_another_golden_answer_never_listens(template: TemplateProcess, home: Home) -> None:
    wrong = build_zoo(home.cache, golden=(1.0, 99.0))
    pid = template.fork(digest=wrong.digest)
    assert "expected predictions 99.0, got 2.5" in template.hear("failed", pid=pid)["reason"]


def test_a_model_that_hangs_while_loading_is_ended(home: Home, zoo: BuiltBundle) -> None:
    template = TemplateProcess(home, zoo, {"HEADGATE_SETTINGS": json.dumps({"load_seconds": 0.3})}, runtime="onnx")
    hanging = build_zoo(home.cache, prelude="while True: pass")
    pid = template.fork(digest=hanging.digest)
    assert template.hear("exited", pid=pid)["status"] == -signal.SIGALRM
    assert "model.py" in template.logs(hanging.digest), "where it hung stands in the log"
    template.end()


def test_a_model_that_crashes_while_loading_is_told(template: TemplateProcess, home: Home) -> None:
    crashing = build_zoo(home.cache, prelude="import ctypes; ctypes.string_at(0)")
    pid = template.fork(digest=crashing.digest, smoke=True)
    assert template.hear("exited", pid=pid)["status"] == -signal.SIGSEGV
    assert "Segmentation fault" in template.logs(crashing.digest)


def test_a_killed_host_is_told_and_a_new_one_takes_its_place(template: TemplateProcess) -> None:
    first = template.host()
    os.kill(first, signal.SIGKILL)
    assert template.hear("exited", pid=first)["status"] == -signal.SIGKILL
    assert template.host() != first


def test_a_host_told_to_leave_takes_its_files_along(template: TemplateProcess) -> None:
    pid = template.host()
    os.kill(pid, signal.SIGTERM)
    assert template.hear("exited", pid=pid)["status"] == 0
    assert list(template.folder.glob("*")) == []


def test_hosts_outlive_the_template_and_its_agent(own_template: TemplateProcess) -> None:
    template = own_template
    pid = template.host()
    still_loading = template.fork()
    assert template.process.stdin is not None and template.process.stdout is not None
    template.process.stdin.close()
    # its end is seen though its children live on: they hold none of its pipes
    template.process.stdout.read()
    assert template.process.wait(30) == 0
    eventually(lambda: still_loading in template.pids())
    assert is_running(pid)
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not is_running(pid))


def test_ctrl_c_is_the_agents_business(template: TemplateProcess) -> None:
    pid = template.host()
    for process in (template.process.pid, pid):
        os.kill(process, signal.SIGINT)
    assert template.host() != pid
    assert is_running(pid)


def test_a_line_that_is_no_command_is_passed_over(template: TemplateProcess) -> None:
    template.send({"knife": 1})
    template.send({"fork": {"digest": 5}})
    assert template.host()


def test_many_forks_at_once(template: TemplateProcess) -> None:
    pids = [template.fork(smoke=True) for _ in range(20)]
    assert [template.hear("exited", pid=pid)["status"] for pid in pids] == [0] * 20


def test_an_unknown_runtime_ends_the_template_with_a_reason(home: Home, zoo: BuiltBundle) -> None:
    template = TemplateProcess(home, zoo, runtime="abacus")
    assert template.process.wait(30) == 1
    template.end()


def test_logs_do_not_pile_up_with_hosts(template: TemplateProcess) -> None:
    for _ in range(5):
        pid = template.host()
        os.kill(pid, signal.SIGKILL)
        template.hear("exited", pid=pid)
    assert len(list(template.home.logs.glob(f"host-{template.bundle.digest[:16]}-*.log"))) == 1


def test_hosts_do_not_draw_the_same_numbers(template: TemplateProcess, home: Home) -> None:
    random = build_zoo(
        home.cache, prelude="import random, numpy; print('drew', random.random(), numpy.random.random())"
    )
    pids = [template.fork(digest=random.digest, smoke=True) for _ in range(3)]
    for pid in pids:
        template.hear("exited", pid=pid)
    drawn = [
        number for line in template.logs(random.digest).splitlines() if "drew" in line for number in line.split()[-2:]
    ]
    assert len(drawn) == len(set(drawn)) == 6
