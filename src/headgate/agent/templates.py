"""Template processes, one per runtime, and the forks asked of them: JSON lines down their stdin and up their stdout."""

import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec

from headgate.agent.footprint import Footprint
from headgate.agent.launcher import Launcher
from headgate.agent.links import Lines
from headgate.agent.logs import last_words, log_size
from headgate.agent.loop import Call, Loop, Timer
from headgate.agent.process import Process, hold, manner
from headgate.errors import HeadgateError, Late, ModelError, Unavailable

logger = logging.getLogger(__name__)
FORK_SECONDS = 60.0  # forking, on a busy machine
STOP_SECONDS = 5.0
EXIT_SECONDS = 1.0  # how long a template may take to tell how its child ended


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """About one child. `started` has digest and socket, `failed` the reason, `exited` the status.

    A `failed` without a pid is a fork that did not come about; it has the socket.
    """

    pid: int
    socket: str = ""
    reason: str = ""
    status: int = 0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a template."""

    preloaded: bool = False
    started: Told | None = None
    ready: Told | None = None
    failed: Told | None = None
    exited: Told | None = None


_messages = msgspec.json.Decoder(Message)


@dataclass(eq=False)
class Fork:
    """One child of a template: a model host, or a smoke test that exits when its golden requests have passed."""

    digest: str
    form: str
    socket: Path
    smoke: bool
    # called when it is ready and when it has ended
    changed: Callable[["Fork"], None]
    process: Process | None = None
    ready: bool = False
    # whether it has ever been ready
    served: bool = False
    # whether it has been asked to go, so that its end is no crash
    leaving: bool = False
    ended: bool = False
    status: int | None = None
    # its template is gone, so nobody will tell its status
    orphaned: bool = False
    trouble: HeadgateError | None = None
    began: float = 0.0
    # the host that goes when this one is ready
    replaces: "Fork | None" = field(default=None, repr=False)
    # what it took of the machine when it was ready
    first: Footprint | None = None
    # since when it has been stopped by a signal
    stopped: float | None = None
    deadline: Timer | None = field(default=None, repr=False)

    @property
    def passed(self) -> bool:
        return self.ended and self.status == 0 and self.trouble is None

    def order(self) -> bytes:
        """The line that asks for it."""
        order = {"digest": self.digest, "form": self.form, "socket": str(self.socket), "smoke": self.smoke}
        return msgspec.json.encode({"fork": order}) + b"\n"

    def stop(self) -> None:
        """Ask it to leave."""
        if self.process is not None:
            self.process.send(signal.SIGTERM)

    def kill(self, trouble: HeadgateError | None = None) -> None:
        self.trouble = self.trouble or trouble
        if self.process is not None:
            self.process.send(signal.SIGKILL)

    def sweep(self) -> None:
        """Remove what it has left on disk, and end what it has started."""
        self.socket.unlink(missing_ok=True)
        if self.process is not None:
            (self.socket.parent / f"{self.process.pid}.json").unlink(missing_ok=True)
            # it led a group of its own; the number is no other group's while a member lives
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Nursery:
    """Watches forks from start to end, whether their template lives or not."""

    def __init__(self, loop: Loop, load_seconds: float) -> None:
        self._loop = loop
        self._load_seconds = load_seconds

    def begin(self, fork: Fork, pid: int) -> None:
        """It runs under this pid."""
        fork.began = self._loop.now()
        fork.process = hold(pid)
        if fork.ended:
            # it came too late; nobody waits for it any more
            fork.kill()
            return
        if fork.process is None:
            self._loop.after(EXIT_SECONDS, lambda: self.conclude(fork))
            return
        process = fork.process
        self._loop.watch(process, lambda: self._gone(fork))
        if not fork.ready:
            late = ModelError(f"Expected the model to load within {self._load_seconds:g} s; it did not.")
            self.expect(fork, self._load_seconds, late)

    def expect(self, fork: Fork, seconds: float, late: HeadgateError, hung: Call = lambda: None) -> None:
        """It is ready, or over, within that time; else `hung` is called first."""
        if fork.deadline is not None:
            fork.deadline.cancel()

        def judge() -> None:
            hung()
            fork.kill(late)
            if fork.process is None:
                self.conclude(fork)

        fork.deadline = self._loop.after(seconds, judge)

    def is_ready(self, fork: Fork) -> None:
        fork.ready = fork.served = True
        # a smoke test still has to exit
        if fork.deadline is not None and not fork.smoke:
            fork.deadline.cancel()
        if not fork.ended:
            fork.changed(fork)

    def conclude(self, fork: Fork) -> None:
        """It is over; say so once."""
        if fork.ended:
            return
        fork.ended, fork.ready = True, False
        if fork.deadline is not None:
            fork.deadline.cancel()
        if fork.process is not None:
            self._loop.forget(fork.process)
            fork.process.close()
        fork.changed(fork)

    def _gone(self, fork: Fork) -> None:
        assert fork.process is not None
        self._loop.forget(fork.process)
        if fork.status is not None or fork.orphaned:
            self.conclude(fork)
        else:
            # only its template, the parent, learns the status
            self._loop.after(EXIT_SECONDS, lambda: self.conclude(fork))


class Template:
    """One template process. `command` starts it, once; when it ends, whoever needs another makes one.

    Importing the framework has `load_seconds`, but no less than forking, and what is asked meanwhile waits for it.
    """

    def __init__(
        self, loop: Loop, launcher: Launcher, command: tuple[str, ...], runtime: str, nursery: Nursery, log: str
    ) -> None:
        self.runtime = runtime
        self._log = log
        self._loop = loop
        self._nursery = nursery
        self._home = launcher.home
        self._lines = Lines()
        self._asked: dict[str, Fork] = {}
        self._forks: dict[int, Fork] = {}
        self._log_start = log_size(launcher.home, log)
        self._process = launcher.start(log, (*command, "--runtime", runtime), talks=True)
        os.set_blocking(self._output.fileno(), False)
        os.set_blocking(self._input.fileno(), False)
        loop.watch(self._output, self._read)
        loop.watch(self._process, self._end)
        self.ended = False
        # whether no fork should be asked of it any more
        self.stopping = False
        self._imported = False
        self._patience = max(launcher.settings.load_seconds, FORK_SECONDS)
        self._deadline = loop.after(self._patience, self._give_up)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def busy(self) -> bool:
        return bool(self._asked) or any(not fork.ended for fork in self._forks.values())

    @property
    def importing(self) -> frozenset[str]:
        """The bundles whose forks wait until the framework is imported."""
        return frozenset() if self._imported else frozenset(fork.digest for fork in self._asked.values())

    def fork(self, fork: Fork) -> None:
        """Ask for a child; the fork is told how it goes."""
        self._asked[str(fork.socket)] = fork
        if self._imported:
            self._expect(fork)
        # a broken pipe is a template that has ended, which its pidfd says; a full one lets the fork's deadline pass
        with suppress(OSError):
            os.write(self._input.fileno(), fork.order())

    def stop(self) -> None:
        """Let it go: it ends with its stdin, and by a signal if it does not read it. Its hosts stay."""
        if self.stopping:
            return
        self.stopping = True
        with suppress(OSError):
            self._input.close()
        self._process.send(signal.SIGTERM)
        # one that was stopped hears nothing else
        self._loop.after(STOP_SECONDS, self.kill)

    def kill(self) -> None:
        self._process.send(signal.SIGKILL)

    def _expect(self, fork: Fork) -> None:
        late = Late(
            f"Expected the template of runtime {self.runtime} to fork within {FORK_SECONDS:g} s, it did not: the "
            "machine has too much to do. Deploy again when it has less."
        )
        self._nursery.expect(fork, FORK_SECONDS, late, self._judge)

    def _give_up(self) -> None:
        """The framework is not imported in time: another template may do better."""
        logger.warning("the template of %s did not import it in %g s and is killed", self.runtime, self._patience)
        late = Late(
            f"Expected the framework of runtime {self.runtime} to be imported within {self._patience:g} s, it was "
            f"not: see logs/{self._log}.log. Where the machine only has too much to do, raise the setting "
            "load_seconds (--load-seconds), or deploy again when it has less."
        )
        self.stopping = True
        asked = list(self._asked.values())
        self._asked.clear()
        self.kill()
        for fork in asked:
            fork.trouble = fork.trouble or late
            self._nursery.conclude(fork)

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.child is not None and self._process.child.stdin is not None
        return self._process.child.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.child is not None and self._process.child.stdout is not None
        return self._process.child.stdout

    def _read(self) -> None:
        try:
            content = os.read(self._output.fileno(), 65_536)
            messages = [_messages.decode(line) for line in self._lines.feed(content)]
        except BlockingIOError:
            return
        except ValueError as error:
            logger.error("the template of %s does not speak the protocol and is killed: %s", self.runtime, error)
            self.kill()
            return
        if not content:
            self._loop.forget(self._output)
        for message in messages:
            if message.preloaded:
                self._begin()
            self._hear(message)

    def _judge(self) -> None:
        """It has not forked in time: end it if it hangs, so that whoever needs another makes one."""
        if self.ended or self.stopping:
            return
        logger.warning(
            "the template of %s does not fork and is killed; the hosts that it has forked go on", self.runtime
        )
        self.stopping = True
        self.kill()

    def _hear(self, message: Message) -> None:
        if told := message.started:
            if fork := self._asked.pop(told.socket, None):
                self._forks[told.pid] = fork
                self._nursery.begin(fork, told.pid)
            return
        if message.failed and not message.failed.pid and (fork := self._asked.pop(message.failed.socket, None)):
            fork.trouble = Unavailable(message.failed.reason)
            self._nursery.conclude(fork)
            return
        for told in (message.ready, message.failed, message.exited):
            fork = self._forks.get(told.pid) if told else None
            if told is not None and fork is not None:
                self._tell(fork, message, told)

    def _begin(self) -> None:
        """The framework is imported: from now on it is quick."""
        self._imported = True
        self._deadline.cancel()
        for fork in self._asked.values():
            self._expect(fork)

    def _tell(self, fork: Fork, message: Message, told: Told) -> None:
        if message.ready:
            self._nursery.is_ready(fork)
        elif message.failed:
            fork.trouble = fork.trouble or ModelError(told.reason or "The model failed without a reason.")
        else:
            fork.status = told.status
            if told.status != 0 and fork.trouble is None:
                fork.trouble = ModelError(f"The process that held the model ended with {manner(told.status)}.")
            del self._forks[told.pid]
            self._nursery.conclude(fork)

    def _end(self) -> None:
        """The template is gone. Hosts go on; what it had not forked yet never will be."""
        self._read_rest()
        self._deadline.cancel()
        self._loop.forget(self._process)
        self._loop.forget(self._output)
        how = self._process.reap()
        words = last_words(self._home, self._log, self._log_start)
        self.ended = True
        with suppress(OSError):
            self._input.close()
        self._output.close()
        self._process.close()
        level = logging.WARNING if self.busy and not self.stopping else logging.INFO
        logger.log(level, "the template of %s ended: %s %s", self.runtime, how, words)
        trouble = Unavailable(f"The template of runtime {self.runtime} ended ({how}): {words or 'it said nothing'}")
        for fork in self._asked.values():
            fork.trouble = fork.trouble or trouble
            self._nursery.conclude(fork)
        for fork in self._forks.values():
            fork.orphaned = True
            if fork.smoke:
                fork.kill(trouble)
        self._asked.clear()
        self._forks.clear()

    def _read_rest(self) -> None:
        with suppress(OSError):
            for line in self._lines.feed(os.read(self._output.fileno(), 1 << 20)):
                with suppress(msgspec.DecodeError):
                    self._hear(_messages.decode(line))
