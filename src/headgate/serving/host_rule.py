"""Which `Host` a request may name: the guard against pages that rebind their own name to this machine."""

import re

from headgate.settings import Settings

_GRAMMAR = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}))(?::[0-9]{1,5})?", re.ASCII)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
REMEMBERED = 1024


class HostRule:
    """Only names that are ours where they are known: on loopback, and wherever `allowed_hosts` is set."""

    def __init__(self, settings: Settings) -> None:
        named = {name.strip().lower() for name in settings.allowed_hosts.split(",") if name.strip()}
        address = f"[{settings.host}]" if ":" in settings.host else settings.host.lower()
        closed = bool(named) or (address in LOOPBACK and not settings.behind_proxy)
        self._names = named | LOOPBACK | {address} if closed else None
        self._fine: set[bytes | None] = set()

    def allows(self, host: bytes | None) -> bool:
        """Is this the value of a `Host` header that we answer to?"""
        if host in self._fine:
            return True
        if host is None or not self._fits(host):
            return False
        if len(self._fine) < REMEMBERED:
            self._fine.add(host)
        return True

    def _fits(self, host: bytes) -> bool:
        match = _GRAMMAR.fullmatch(host.decode("latin-1"))
        return match is not None and (self._names is None or match[1].lower() in self._names)
