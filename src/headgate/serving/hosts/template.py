"""`python -m headgate.serving.hosts.template --home H --runtime R`: a process that has imported a framework and forks.

Importing scikit-learn takes seconds, a fork milliseconds. JSON lines come in on stdin, {"fork": {"digest", "form",
"socket", "smoke"}}, and go out on stdout: {"preloaded": true}, {"started": {"pid", "digest", "socket"}},
{"ready": {"pid"}}, {"failed": {"pid", "reason"}}, {"exited": {"pid", "status"}}. When stdin closes, the agent is dead:
the template ends, its hosts live on. Single-threaded from the first import to the last fork.
"""

import argparse
import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec

from headgate.errors import HeadgateError
from headgate.home import Home
from headgate.runtimes.registry import load_runtime
from headgate.serving.hosts.child import Order, live
from headgate.settings import Settings, read_settings

# threads do not survive a fork, and hosts share cores with workers; onnxruntime's thread is the one that sends usage
# data to its makers, which nobody here agreed to
SINGLE_THREADED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
}


class Command(msgspec.Struct, frozen=True):
    """One line of the agent."""

    fork: Order


_commands = msgspec.json.Decoder(Command)


class Template:
    """Forks on command and tells of its children, until the agent is gone."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._settings = settings
        self._lines = b""
        # what each child says, by the end of the pipe that it is read from
        self._reports: dict[int, bytes] = {}
        self._running = True
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()
        for end in (self._woken, self._waker):
            end.setblocking(False)

    def run(self) -> None:
        """Returns when stdin is closed or SIGTERM came."""
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        os.set_blocking(sys.stdin.fileno(), False)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, self._read_commands)
        self._selector.register(self._woken, selectors.EVENT_READ, self._reap)
        self._reap()
        while self._running:
            for key, _ in self._selector.select():
                key.data()

    def _stop(self) -> None:
        self._running = False

    def _read_commands(self) -> None:
        with contextlib.suppress(BlockingIOError):
            content = os.read(sys.stdin.fileno(), 1 << 16)
            if not content:
                self._stop()
                return
            *lines, self._lines = (self._lines + content).split(b"\n")
            for line in lines:
                self._obey(line)

    def _obey(self, line: bytes) -> None:
        try:
            order = _commands.decode(line).fork
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            print(f"expected a command, got {line[:200]!r}: {error}", file=sys.stderr)  # noqa: T201  # its log
            return
        self._fork(order)

    def _fork(self, order: Order) -> None:
        reader, writer = os.pipe()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(reader)
            os.close(writer)
            tell({"failed": {"pid": 0, "socket": order.socket, "reason": f"The machine cannot fork: {error}"}})
            return
        if pid == 0:
            os.close(reader)
            self._become_host(order, writer)
        os.close(writer)
        tell({"started": {"pid": pid, "digest": order.digest, "socket": order.socket}})
        os.set_blocking(reader, False)
        self._reports[reader] = b""
        self._selector.register(reader, selectors.EVENT_READ, lambda: self._read_report(reader))

    def _become_host(self, order: Order, writer: int) -> None:
        """In the child; never returns, for what is above on the stack belongs to the template."""
        status = 1
        try:
            self._let_go_of_the_template()
            status = live(order, self._home, self._settings, lambda message: _say(writer, message))
            sys.stdout.flush()
        finally:
            # an error on its way here has not been printed yet
            if (error := sys.exc_info()[1]) is not None:
                sys.excepthook(type(error), error, error.__traceback__)
            os._exit(status)

    def _let_go_of_the_template(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._selector.close()
        self._woken.close()
        self._waker.close()
        for reader in self._reports:
            os.close(reader)
        # the agent must see the end of the template's pipes though its hosts live on
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, sys.stdin.fileno())
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)

    def _read_report(self, reader: int) -> None:
        if reader not in self._reports:
            return  # closed a moment ago, when its child's end was told
        try:
            content = os.read(reader, 1 << 16)
        except BlockingIOError:
            return
        *lines, self._reports[reader] = (self._reports[reader] + content).split(b"\n")
        for line in lines:
            _write(line + b"\n")
        if not content:
            self._selector.unregister(reader)
            os.close(reader)
            del self._reports[reader]

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                # its last words come before the news of its end
                for reader in list(self._reports):
                    self._read_report(reader)
                tell({"exited": {"pid": ended[0], "status": os.waitstatus_to_exitcode(ended[1])}})


def preload(runtime: str) -> dict[str, Any]:
    """Import what the runtime's models need; says which of it is missing and how many threads that started."""
    missing = []
    found = load_runtime(runtime)
    os.environ.update(getattr(found, "environment", {}))
    for module in found.preload:
        try:
            importlib.import_module(module)
        except ImportError as error:
            missing.append(f"{module}: {error}")
    return {"preloaded": True, "missing": missing, "threads": len(list(Path("/proc/self/task").iterdir()))}


def tell(message: dict[str, Any]) -> None:
    """One line to the agent."""
    _write(json.dumps(message).encode() + b"\n")


def _write(line: bytes) -> None:
    # without an agent nobody listens; stdin tells of its end
    with contextlib.suppress(BrokenPipeError):
        while line:
            line = line[os.write(sys.stdout.fileno(), line) :]


def _say(writer: int, message: dict[str, Any]) -> None:
    # the template may be gone by now
    with contextlib.suppress(BrokenPipeError):
        os.write(writer, json.dumps(message).encode() + b"\n")


def _run_single_threaded() -> None:
    """Begin again with the environment that the libraries read when they are imported, which some are already."""
    if not SINGLE_THREADED.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **SINGLE_THREADED})


def main() -> int:
    parser = argparse.ArgumentParser(prog="headgate.serving.hosts.template")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--runtime", required=True)
    options = parser.parse_args()
    _run_single_threaded()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    settings = read_settings(options.home, os.environ)
    try:
        tell(preload(options.runtime))
        # what is there now is never garbage; a collector that leaves it alone leaves its pages shared with every child
        gc.collect()
        gc.freeze()
    except HeadgateError as error:
        print(error, file=sys.stderr)  # noqa: T201  # the log of the process
        return 1
    Template(Home(options.home.absolute()), settings).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
