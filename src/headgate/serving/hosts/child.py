"""The life of a model host, from the fork of its template to its end."""

import contextlib
import gc
import json
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from headgate.bundle.bundle import read_manifest, verify_files
from headgate.bundle.golden import read_golden
from headgate.bundle.manifest import GOLDEN, Manifest
from headgate.errors import Corrupt, HeadgateError, NotFound
from headgate.home import Home, unix_address
from headgate.processes import yield_processor
from headgate.runtimes.boundary import foreign
from headgate.runtimes.registry import load_runtime
from headgate.runtimes.runtime import LoadedModel
from headgate.runtimes.verify import verify_golden
from headgate.serving.hosts.confinement import confine, which_limit
from headgate.serving.hosts.host import Host
from headgate.serving.hosts.log import HostLog
from headgate.settings import Settings

_log = logging.getLogger("headgate.host")

SMOKE_NICE = 10
# tells the template one thing about this child
Say = Callable[[dict[str, Any]], None]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a template is asked to fork."""

    digest: str
    form: str
    socket: str
    # exit after the golden requests instead of serving
    smoke: bool = False


def live(order: Order, home: Home, settings: Settings, say: Say) -> int:
    """Load, prove and serve the model; returns the exit status: 0 served or passed, 1 failed and said why."""
    if order.smoke:
        # a session of its own: some kernels share the processor by session, and this one's is to get less
        os.setsid()
        # nobody waits for it as clients wait for answers
        yield_processor(SMOKE_NICE)
    else:
        # the agent ends the group with the host
        os.setpgid(0, 0)
    name = f"{order.digest[:16]}-smoke" if order.smoke else order.digest[:16]
    log = HostLog(home.logs, name)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    # forks of one template would all draw the same numbers
    np.random.seed(int.from_bytes(secrets.token_bytes(4)))
    confine(settings)
    # a model that never finishes loading is ended by the kernel
    signal.setitimer(signal.ITIMER_REAL, settings.load_seconds)
    try:
        model, manifest = load(order, home)
    except HeadgateError as error:
        _log.error("the model is not fit to serve: %s", error)
        say({"failed": {"pid": os.getpid(), "reason": error.message + which_limit(error.message, settings)}})
        return 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if order.smoke:
        say({"ready": {"pid": os.getpid()}})
    else:
        _serve(order, model, manifest, log, say, settings.host_call_seconds)
    return 0


def load(order: Order, home: Home) -> tuple[LoadedModel, Manifest]:
    """The bundle's form, its files verified and its golden requests passed. Raises `HeadgateError` with the reason."""
    folder = home.cache / order.digest
    manifest, digest = read_manifest(folder)
    if digest != order.digest:
        raise Corrupt(f"Expected the bundle {order.digest} in {folder}, got {digest}. Remove it: it is fetched again.")
    verify_files(folder, manifest)
    form = manifest.forms.get(order.form)
    if form is None:
        raise NotFound(f"Expected a form {order.form!r} in the bundle, got {sorted(manifest.forms)}.")
    with foreign("The model cannot be loaded"):
        model = load_runtime(form.runtime).load(folder, manifest, order.form)
        if GOLDEN in manifest.files:
            verify_golden(model, manifest, read_golden(folder, manifest))
    return model, manifest


def _serve(order: Order, model: LoadedModel, manifest: Manifest, log: HostLog, say: Say, call_seconds: float) -> None:
    # the model is never garbage: the collector need not look at it
    gc.freeze()
    path = Path(order.socket)
    note = path.parent / f"{os.getpid()}.json"
    fields = {"pid": os.getpid(), "digest": order.digest, "form": order.form, "socket": order.socket}
    listener = listen(path)
    try:
        _write_note(note, {**fields, "started": time.time()})
        host = Host(model, manifest, listener, call_seconds=call_seconds, after_call=log.tidy)
        with _until_told_to_leave(host):
            say({"ready": {"pid": os.getpid()}})
            host.serve()
    finally:
        path.unlink(missing_ok=True)
        note.unlink(missing_ok=True)
        model.close()


def _write_note(path: Path, fields: dict[str, Any]) -> None:
    # whole or not there; it need not outlive the machine, so it costs no fsync
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(fields))
    draft.chmod(0o600)
    draft.rename(path)


def listen(path: Path) -> socket.socket:
    """A listening socket that appears under its name when it answers already."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{secrets.token_hex(4)}")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(unix_address(draft))
        draft.chmod(0o600)
        listener.listen(128)
        draft.rename(path)
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def _until_told_to_leave(host: Host) -> Any:
    """SIGTERM lets the host leave; it stops accepting at once, so its socket goes first."""
    woken, waker = socket.socketpair()
    woken.setblocking(False)
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: host.leave())
    host.wake_on(woken)
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        woken.close()
        waker.close()
