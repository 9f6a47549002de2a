"""The names that both ports answer to: the guard against pages that rebind a name of theirs to this machine.

`Host` is compared whole: a name of ours, alone or with our port. `Origin` always means a port, so it needs ours.
"""

import re
from typing import NamedTuple

from headgate.settings import Settings

_PORT = re.compile(r":[0-9]+$", re.ASCII)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
WILDCARDS = frozenset({"0.0.0.0", "::", ""})


class Origins(NamedTuple):
    """All in lower case."""

    hosts: frozenset[str]  # what `Host` may carry
    pages: frozenset[str]  # what `Origin` may carry behind its scheme


def own_origins(settings: Settings, port: int) -> Origins:
    """The address listened on and loopback's names, with the port or without; `allowed_hosts` besides.

    A wildcard is no name: who listens on all addresses, behind a proxy, is reached by loopback and `allowed_hosts`.
    A name in `allowed_hosts` that has a port stands for that alone.
    """
    named = {name.strip().lower() for name in settings.allowed_hosts.split(",") if name.strip()}
    ours = {*LOOPBACK, *_listened(settings.host.lower())}
    with_port = {name if _PORT.search(name) else f"{name}:{port}" for name in ours | named}
    return Origins(hosts=frozenset(ours | named | with_port), pages=frozenset(named | with_port))


def _listened(host: str) -> set[str]:
    if host in WILDCARDS:
        return set()
    return {f"[{host}]" if ":" in host else host}
