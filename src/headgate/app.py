"""The control plane as one process: every part built here, by hand, and handed to who needs it.

python -m headgate.app --home H      settings as JSON in HEADGATE_SETTINGS, else environment and headgate.toml
"""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType

import msgspec
from fastapi import FastAPI

from headgate.bundle.signing import (
    load_or_create_key,
    public_text,
    read_trusted_keys,
    trust_key,
    trusted_path,
    user_key_path,
)
from headgate.certificate import certificate_of
from headgate.clock import Clock, SystemClock
from headgate.errors import HeadgateError, Unauthenticated, Unavailable
from headgate.home import Home, write_atomically
from headgate.identity.access import note_requirement
from headgate.identity.founding import found_actors
from headgate.identity.keys import authenticate
from headgate.ledger.idempotency import forget_answers
from headgate.log_lines import configure
from headgate.metering.control_families import CONTROL_FAMILIES
from headgate.metering.counters import Counters
from headgate.processes import yield_processor
from headgate.records import PlaneRecord
from headgate.registry.artifacts import find_missing
from headgate.registry.claims import forget_ended
from headgate.registry.signers import learn_signers
from headgate.registry.upgrading import ready_instance
from headgate.rollout.bell import Bell
from headgate.rollout.controller import Controller
from headgate.rollout.nodes import Nodes
from headgate.rollout.publishing import BELL, begin_epoch
from headgate.settings import Settings, check_exposure, read_settings
from headgate.storage.database import Database, open_database, sqlite_url, stamp
from headgate.storage.home_lock import home_lock
from headgate.storage.stores import look_at, open_store_at
from headgate.web.api.application import build_api
from headgate.web.api.plane import ControlPlane, Stock
from headgate.web.api.uploads import sweep
from headgate.web.server import ControlServer

log = logging.getLogger("headgate.app")

PID_FILE = "control.json"
NICE = 5
# repetitions of a command are recognised for as long
REMEMBERED_DAYS = 7
HOUSEKEEPING_SECONDS = 3_600.0
AGAIN_SECONDS = 60.0
# how long a start waits for its artifact store
LOOK_SECONDS = 5.0
# more rings than there will be: only closing wakes who waits for it
NO_RING = sys.maxsize


class Credentials(PlaneRecord, frozen=True, kw_only=True):
    """How this machine's command line and agent reach the control plane: the content of `home.credentials`."""

    url: str
    key: str
    node_key: str
    # file of the very certificate to trust at that address; empty: what the system trusts
    certificate: str = ""


_credentials = msgspec.json.Decoder(Credentials)


@dataclass(frozen=True)
class App:
    """A control plane that is ready to be served; `start` moves its rollouts, `close` ends it."""

    api: FastAPI
    plane: ControlPlane
    controller: Controller
    threads: tuple[threading.Thread, ...]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        """Wake and end who waits, then close the database."""
        self.plane.bell.close()
        for thread in self.threads:
            if thread.is_alive():
                thread.join()
        self.plane.database.close()


def build(home: Home, settings: Settings, clock: Clock | None = None, control_port: int | None = None) -> App:
    """Open what is stored, bring it to this release, and put the parts together.

    Raises `Corrupt`, `Refused`, `Malformed` or `Unavailable` when that is not possible.
    """
    clock = clock or SystemClock()
    home.create()
    certificate = certificate_of(settings, home.run)
    counters = Counters(CONTROL_FAMILIES)
    store = open_store_at(settings.artifacts, home.artifacts)
    stock = Stock(fault=look_at(store, LOOK_SECONDS))
    if stock.fault:
        log.warning("the artifact store is not reached, and everything else starts: %s", stock.fault)
    database = open_state(home, settings, clock, counters)
    bell = Bell()
    database.attached[BELL] = bell
    nodes = Nodes(clock, bell.ring)
    plane = ControlPlane(
        home=home,
        settings=settings,
        clock=clock,
        database=database,
        counters=counters,
        store=store,
        stock=stock,
        nodes=nodes,
        bell=bell,
        certificate=certificate,
        control_port=settings.control_port if control_port is None else control_port,
    )
    bootstrap(plane)
    controller = Controller(database, nodes, clock, settings.load_seconds)
    threads = (
        threading.Thread(target=controller.run, args=(bell,), name="controller", daemon=True),
        threading.Thread(target=keep_house, args=(plane,), name="housekeeping", daemon=True),
    )
    return App(api=build_api(plane), plane=plane, controller=controller, threads=threads)


def open_state(home: Home, settings: Settings, clock: Clock, counters: Counters) -> Database:
    """The database, migrated, with its ledger open; closed again when that fails."""
    database = open_database(settings.database or sqlite_url(home.database), clock, counters)
    try:
        ready_instance(database, home.keys)
        with database.write() as tx:
            begin_epoch(tx)
            note_requirement(tx, required=settings.require_keys)
    except BaseException:
        database.close()
        raise
    return database


def keep_house(plane: ControlPlane) -> None:
    """Tidy up every hour until the bell is closed; what failed is tried again sooner."""
    while not plane.bell.closed:
        pause = HOUSEKEEPING_SECONDS
        try:
            tidy_up(plane)
        except HeadgateError as error:
            pause = AGAIN_SECONDS
            log.error("housekeeping failed and is tried again in %g s: %s", pause, error.message)
        plane.bell.wait(NO_RING, pause)


def tidy_up(plane: ControlPlane) -> None:
    """Drop what is kept for a time only, and look after the artifacts."""
    with plane.database.write() as tx:
        forget_answers(tx, stamp(plane.clock.now() - timedelta(days=REMEMBERED_DAYS)))
        forget_ended(tx)
    look_after_artifacts(plane)


def look_after_artifacts(plane: ControlPlane) -> None:
    """Raise the alarm when artifacts are gone: nodes go on with their caches, but no new one could be given them."""
    stock = plane.stock
    try:
        stock.missing, stock.fault = find_missing(plane.database, plane.store), ""
    except HeadgateError as error:
        stock.fault = error.message
        raise
    if stock.missing:
        log.error(
            "%d artifacts are missing from %s, the first is %s: predictions go on, but nothing of them can be deployed "
            "to a new node. Register their bundles again, or restore a backup.",
            len(stock.missing), plane.store.location, stock.missing[0],
        )  # fmt: skip


def bootstrap(plane: ControlPlane) -> None:
    """What a new instance needs, and what one keeps up to date: trusted keys, credentials, no leftovers."""
    sweep(plane.home)
    trust_owner(trusted_path(plane.home), os.environ)
    learn_trusted(plane)
    known = read_credentials(plane.home)
    if known is None or not _verify(plane.database, known):
        with plane.database.write() as tx:
            local, node = found_actors(tx)
        known = Credentials(url="", key=local.key, node_key=node.key)
    certificate = str(plane.certificate.kept) if plane.certificate else ""
    current = msgspec.structs.replace(known, url=plane.url, certificate=certificate)
    if current != known:
        write_atomically(plane.home.credentials, msgspec.json.encode(current))


def learn_trusted(plane: ControlPlane) -> None:
    """Trust the keys that the home's file names, but for those that were revoked; a wrong line trusts nobody."""
    try:
        keys = read_trusted_keys(trusted_path(plane.home)).keys
    except (HeadgateError, OSError) as error:
        log.warning("no key is taken from %s: %s", trusted_path(plane.home), error)
        return
    with plane.database.write() as tx:
        learn_signers(tx, keys, by="headgate")


def trust_owner(trusted: Path, environment: Mapping[str, str]) -> None:
    """On the first start, trust bundles that the owner of this machine's account has signed."""
    if trusted.exists():
        return
    try:
        key = load_or_create_key(user_key_path(environment))
    except (HeadgateError, OSError) as error:
        log.warning("no bundle that can run code is trusted yet: %s", error)
        return
    trust_key(trusted, public_text(key), note="owner of this instance")


def read_credentials(home: Home) -> Credentials | None:
    """The credentials of this home, None when there are none that can be read."""
    try:
        return _credentials.decode(home.credentials.read_bytes())
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        log.warning("%s cannot be read and is written anew: %s", home.credentials, error)
        return None


def _verify(database: Database, credentials: Credentials) -> bool:
    """Whether the database knows both keys: one that was restored may not."""
    try:
        with database.read() as tx:
            admin, node = authenticate(tx, credentials.key), authenticate(tx, credentials.node_key)
    except Unauthenticated:
        return False
    return admin.allows("backup") and node.allows("node")


def serve(home: Home, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `Refused`, `Unavailable` or what `build` raises."""
    check_exposure(settings)
    # on a machine that is too small for both, predictions come first
    yield_processor(NICE)
    home.create()
    with home_lock(home), listening(settings) as door:
        app = build(home, settings, control_port=door.getsockname()[1])
        try:
            app.start()
            server = ControlServer(app.api, app.plane.bell, settings, app.plane.certificate)
            announce(app.plane)
            server.run(sockets=[door])
        finally:
            app.close()
            (home.run / PID_FILE).unlink(missing_ok=True)


def listening(settings: Settings) -> socket.socket:
    """The listening socket. Raises `Unavailable` when the port is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.control_port), family=family, backlog=512)
    except OSError as error:
        raise Unavailable(
            f"Nothing can listen on {settings.host}:{settings.control_port} ({error.strerror}). "
            "Choose another port with --control-port."
        ) from error


def announce(plane: ControlPlane) -> None:
    """Write down who serves, for the agent and for `headgate status`."""
    about = {"pid": os.getpid(), "url": plane.url, "started": stamp(plane.clock.now())}
    write_atomically(plane.home.run / PID_FILE, msgspec.json.encode(about))
    log.info("the control plane answers at %s", plane.url)


def main(arguments: list[str] | None = None) -> int:
    """The process: 0 after SIGTERM, 1 with one line on stderr when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m headgate.app", description="The control plane of one instance.")
    parser.add_argument("--home", required=True, type=Path, help="folder of the instance")
    home = Home(parser.parse_args(arguments).home.absolute())
    logging.getLogger("alembic").setLevel(logging.WARNING)
    os.umask(0o077)
    for number in (signal.SIGTERM, signal.SIGINT):
        # while it starts; and uvicorn raises once more, when it has ended, what it was ended by
        signal.signal(number, _leave)
    try:
        settings = read_settings(home.path, os.environ)
        configure("control", settings.log_format)
        serve(home, settings)
    except HeadgateError as error:
        sys.stderr.write(f"headgate: {error.message}\n")
        return 1
    return 0


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
