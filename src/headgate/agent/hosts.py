"""Model hosts of the node: templates per runtime, smoke tests of new bundles, one pool per bundle that needs one."""

import logging
import secrets
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from pathlib import Path

import msgspec

from headgate.agent.bundles import cached_bundle
from headgate.agent.interpreters import interpreter_of
from headgate.agent.launcher import Launcher, Programs
from headgate.agent.loop import Loop
from headgate.agent.metrics import AgentMetrics
from headgate.agent.pools import Pool, Proven
from headgate.agent.templates import Fork, Nursery, Template
from headgate.errors import HeadgateError, NotFound
from headgate.records import HostReport, Variant

logger = logging.getLogger(__name__)

FOLDER_LETTERS = 16  # of the digest, as the name of a pool's folder
IDLE_TEMPLATE_SECONDS = 60.0


class Hosts:
    """All of it. `changed` is called when a host becomes ready or ends, `crashed` with the digest when one crashes."""

    def __init__(
        self,
        loop: Loop,
        launcher: Launcher,
        programs: Programs,
        metrics: AgentMetrics,
        changed: Callable[[], None],
        crashed: Callable[[str], None] = lambda digest: None,
    ) -> None:
        self._loop = loop
        self._launcher = launcher
        self._programs = programs
        self._metrics = metrics
        self._changed = changed
        self._crashed = crashed
        self._home = launcher.home
        self._nursery = Nursery(loop, launcher.settings.load_seconds)
        # by runtime and interpreter
        self._templates: dict[tuple[str, str], Template] = {}
        self._idle_since: dict[tuple[str, str], float] = {}
        self._pools: dict[str, Pool] = {}
        self._leaving: list[Pool] = []
        self._proven: set[tuple[str, str]] = set()
        self._proving: dict[tuple[str, str], list[Proven]] = {}
        self._smokes: set[Fork] = set()
        self._stopping = False

    def trust(self, variants: Iterable[Variant]) -> None:
        """What is on disk has passed here before."""
        variants = tuple(variants)
        self._metrics.learn(variants)
        self._proven |= {(variant.digest, variant.form) for variant in variants}

    def prove(self, variant: Variant, done: Proven) -> None:
        """Have the variant loaded and its golden requests passed in a host, then call `done` with None or why not.

        A variant placed in hosts keeps the one that passed: its pool is up when `done` is called.
        """
        if self._stopping:
            # nobody will need the answer
            return
        self._metrics.learn((variant,))
        if variant.placement == "host":
            self.pool(variant.digest, variant.form).prove(done)
        elif (variant.digest, variant.form) in self._proven:
            done(None)
        else:
            self._smoke((variant.digest, variant.form), done)

    def pool(self, digest: str, form: str) -> Pool:
        """The bundle's pool, made (empty) when there is none."""
        if digest not in self._pools:
            settings = self._launcher.settings
            crashed = partial(self._crashed, digest)
            folder, send = self._folder(digest), self._send_hosted
            self._pools[digest] = Pool(self._loop, folder, digest, form, settings, send, self._metrics, crashed)
        return self._pools[digest]

    def adopt(self, digest: str, form: str, pid: int, socket: Path) -> None:
        """Take over a host of an agent that was killed."""
        self.pool(digest, form).adopt(pid, socket, self._nursery)

    @property
    def importing(self) -> frozenset[str]:
        """Bundles that wait until a template has imported their framework, which has a deadline of its own."""
        return frozenset().union(*(template.importing for template in self._templates.values()))

    def settle(self, needed: set[str]) -> None:
        """Stop the pools of bundles that nothing needs, and templates that nothing has used for a while."""
        for digest in self._pools.keys() - needed:
            logger.info("no table needs the hosts of %s any more", digest[:12])
            pool = self._pools.pop(digest)
            # it answers what it was sent; nobody has sent it anything where all workers and their drains are told of
            pool.stop()
            self._leaving.append(pool)
        self._leaving = [pool for pool in self._leaving if not pool.empty]
        self._stop_idle_templates()

    def watch(self) -> None:
        """Hold all hosts to their limits."""
        for pool in self._pools.values():
            pool.watch()

    def reports(self) -> tuple[HostReport, ...]:
        return tuple(
            msgspec.structs.replace(report, python=self._python(report.digest))
            for pool in self._pools.values()
            for report in pool.reports()
        )

    def _folder(self, digest: str) -> Path:
        """Where the sockets of the bundle's hosts are."""
        return self._home.run / "hosts" / digest[:FOLDER_LETTERS]

    def _python(self, digest: str) -> str:
        try:
            return interpreter_of(self._home, digest)
        except HeadgateError:
            # what is wrong with it is said where a host is started
            return ""

    def failed(self) -> dict[str, HeadgateError]:
        """Digest → why the version counts as failed: its hosts keep ending."""
        return {digest: pool.failed for digest, pool in self._pools.items() if pool.failed is not None}

    def stop(self) -> None:
        """Let all hosts and templates go."""
        self._stopping = True
        self.settle(set())
        for pool in self._leaving:
            # no worker is left that would wait for an answer
            pool.stop()
        for fork in self._smokes:
            fork.kill()
        for template in self._templates.values():
            template.stop()

    def kill(self) -> None:
        for pool in self._leaving:
            pool.kill()
        for template in self._templates.values():
            template.kill()

    @property
    def gone(self) -> bool:
        """Whether all that `stop` let go has ended."""
        self._leaving = [pool for pool in self._leaving if not pool.empty]
        return not self._leaving and all(template.ended for template in self._templates.values())

    def _smoke(self, key: tuple[str, str], done: Proven) -> None:
        if key in self._proving:
            self._proving[key].append(done)
            return
        self._proving[key] = [done]
        folder = self._folder(key[0])
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # never listened on, and not named *.sock: workers would take it for a host
        fork = Fork(*key, folder / f"smoke-{secrets.token_hex(4)}", smoke=True, changed=self._smoked)
        self._smokes.add(fork)
        try:
            self._send(fork)
        except HeadgateError as error:
            fork.trouble, fork.ended = error, True
            self._loop.post(lambda: self._smoked(fork))

    def _smoked(self, fork: Fork) -> None:
        if not fork.ended:
            return
        self._smokes.discard(fork)
        key = (fork.digest, fork.form)
        if fork.passed:
            self._proven.add(key)
        trouble = fork.trouble if not fork.passed else None
        if not fork.passed and trouble is None:
            trouble = HeadgateError("The smoke test ended without an answer.")
        for done in self._proving.pop(key, []):
            done(trouble)

    def _send_hosted(self, fork: Fork) -> None:
        """A fork that stays: tell the node when it changes, after its pool."""
        tell_pool = fork.changed

        def changed(fork: Fork) -> None:
            tell_pool(fork)
            self._changed()

        fork.changed = changed
        self._send(fork)

    def _send(self, fork: Fork) -> None:
        manifest = cached_bundle(self._home, fork.digest).manifest
        form = manifest.forms.get(fork.form)
        if form is None:
            raise NotFound(f"Expected form {fork.form!r} in bundle {fork.digest[:12]}, got {sorted(manifest.forms)}.")
        self._template(form.runtime, interpreter_of(self._home, fork.digest)).fork(fork)

    def _template(self, runtime: str, interpreter: str) -> Template:
        kind = (runtime, interpreter)
        known = self._templates.get(kind)
        if known is None or known.ended or known.stopping:
            self._idle_since.pop(kind, None)
            own, *rest = self._programs.template
            # one log per interpreter: two templates must not cut each other's
            log = f"template-{runtime}-{sha256(interpreter.encode()).hexdigest()[:8]}" if interpreter else ""
            self._templates[kind] = Template(
                self._loop,
                self._launcher,
                (interpreter or own, *rest),
                runtime,
                self._nursery,
                log or f"template-{runtime}",
            )
        return self._templates[kind]

    def _stop_idle_templates(self) -> None:
        now = self._loop.now()
        for kind, template in list(self._templates.items()):
            if template.ended:
                del self._templates[kind]
            elif template.busy:
                self._idle_since[kind] = now
            elif now - self._idle_since.setdefault(kind, now) > IDLE_TEMPLATE_SECONDS:
                template.stop()
