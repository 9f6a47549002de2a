"""A template that forks hosts without a model: `python -m headgate.testing.node.template --runtime R --home H`.

The name in a bundle's manifest says how its host behaves: `broken` fails its golden requests, `crashing` dies soon
after it was ready, `hanging` never gets ready, `slow` takes a second. The runtime `missing` cannot be imported, `late`
is only by the second template, and `asleep` never.
"""

import argparse
import json
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from headgate.home import Home, unix_address, write_atomically

SLOW_SECONDS = 1.0


def tell(**message: Any) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def live(order: dict[str, Any], home: Home, writer: int) -> None:
    """The child: load, prove, serve."""
    name = str(json.loads((home.cache / order["digest"] / "manifest.json").read_bytes())["name"])
    if "hanging" in name:
        time.sleep(3600)
    if "slow" in name:
        time.sleep(SLOW_SECONDS)
    if "broken" in name:
        os.write(writer, json.dumps({"failed": {"pid": os.getpid(), "reason": "row 0 differs"}}).encode() + b"\n")
        os._exit(1)
    if order["smoke"]:
        os._exit(0)
    door = socket.socket(socket.AF_UNIX)
    door.bind(unix_address(Path(order["socket"])))
    door.listen(16)
    note = {key: order[key] for key in ("digest", "form", "socket")} | {"pid": os.getpid()}
    write_atomically(Path(order["socket"]).parent / f"{os.getpid()}.json", json.dumps(note).encode())
    os.write(writer, json.dumps({"ready": {"pid": os.getpid()}}).encode() + b"\n")
    os.close(writer)
    if "crashing" in name:
        time.sleep(0.05)
        os._exit(3)
    signal.pause()


def fork(order: dict[str, Any], home: Home, writer: int) -> None:
    pid = os.fork()
    if pid == 0:
        for signum in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(signum, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        live(order, home, writer)
        os._exit(0)
    tell(started={"pid": pid, "digest": order["digest"], "socket": order["socket"]})


def relay(reader: int) -> None:
    """Pass on what children have said."""
    with suppress(BlockingIOError):
        os.write(1, os.read(reader, 65_536))


def reap(reader: int) -> None:
    try:
        while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            # its last words come before the news of its end
            relay(reader)
            tell(exited={"pid": ended[0], "status": os.waitstatus_to_exitcode(ended[1])})
    except ChildProcessError:
        return


def import_framework(runtime: str, home: Home) -> None:
    tried = home.run / f"{runtime}.tried"
    if runtime == "asleep" or (runtime == "late" and not tried.exists()):
        tried.touch()
        time.sleep(3600)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runtime", required=True)
    parser.add_argument("--home", type=Path, required=True)
    options = parser.parse_args()
    if options.runtime == "missing":
        sys.exit("ModuleNotFoundError: No module named 'missing'")
    home = Home(options.home)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    import_framework(options.runtime, home)
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    tell(preloaded=True)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(reader, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select(0.02):
            if key.fd == reader:
                relay(reader)
                continue
            content = os.read(0, 65_536)
            if not content:
                return
            for line in content.splitlines():
                fork(json.loads(line)["fork"], home, writer)
        reap(reader)


if __name__ == "__main__":
    main()
