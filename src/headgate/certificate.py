"""TLS of both ports: the certificate in force, taken anew when its files change, and how a client trusts it."""

import logging
import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headgate.errors import Malformed, Unreachable
from headgate.home import write_atomically
from headgate.settings import Settings

KEPT = "tls.pem"
_FIRST = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_log = logging.getLogger("headgate.certificate")


class Certificate:
    """A certificate with its key, behind one context that stays while they are exchanged: no connection ends for it.

    The pair in force is kept in `kept`, so that a process which starts while the files are damaged can go on with it.
    """

    def __init__(self, files: tuple[Path, ...], kept: Path) -> None:
        self._files = files
        self.kept = kept
        self._seen: object = None
        self._in_force: ssl.SSLContext | None = None
        self.pem = b""  # the pair in force
        self.fault = ""  # why the files that are there now are not in force
        # answers every greeting with the pair in force at that moment
        self.context = _server_context()
        self.context.sni_callback = self._choose
        self.check()
        if self._in_force is None:
            self._fall_back()

    def check(self) -> None:
        """Take the files' content when they have changed; what cannot be used is logged, and the old pair stays."""
        seen = [_stamp(path) for path in self._files]
        if seen == self._seen and not self.fault:
            return
        try:
            pem = read_pair(self._files)
            self._in_force = _context_of(pem)
            self.pem = pem
        except Malformed as error:
            if (seen, error.message) != (self._seen, self.fault):
                _log.error("%s The certificate in force stays.", error.message)
            self._seen, self.fault = seen, error.message
            return
        if self._seen is not None:
            _log.info("the certificate in %s is in force", self._files[0])
        self._seen, self.fault = seen, ""
        self._keep(pem)

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        assert self._in_force is not None
        connection.context = self._in_force

    def _keep(self, pem: bytes) -> None:
        try:
            if not self.kept.exists() or self.kept.read_bytes() != pem:
                write_atomically(self.kept, pem)
        except OSError as error:
            _log.warning("%s cannot be written, local clients may not trust this instance: %s", self.kept, error)

    def _fall_back(self) -> None:
        try:
            pem = self.kept.read_bytes()
            self._in_force, self.pem = _context_of(pem), pem
        except (OSError, Malformed) as error:
            raise Malformed(self.fault) from error


def certificate_of(settings: Settings, run: Path) -> Certificate | None:
    """What both ports show, None where they speak plainly. Raises `Malformed` when there is none that can be used."""
    if files := _files_of(settings):
        return Certificate(files, run / KEPT)
    # a private key does not lie about when nobody needs it
    (run / KEPT).unlink(missing_ok=True)
    return None


def check_certificate(settings: Settings) -> None:
    """Raises `Malformed`, with what is wrong, where TLS is asked for with files that cannot be used."""
    if files := _files_of(settings):
        _context_of(read_pair(files))


def read_pair(files: tuple[Path, ...]) -> bytes:
    """Certificates and key as one PEM text; raises `Malformed`."""
    try:
        return b"\n".join(path.read_bytes() for path in files)
    except OSError as error:
        raise Malformed(f"Expected a certificate and its key in {_named(files)}, got: {error}.") from error


def trust(certificate: str, environment: Mapping[str, str], authorities: str = "") -> ssl.SSLContext:
    """How a client verifies an https address: by the one certificate that the credentials name, where they do.

    Else by the system's authorities and those in `authorities` or `HEADGATE_CA`. Raises `Unreachable` or `Malformed`.
    """
    if certificate:
        return trust_kept(Path(certificate))
    return trust_authorities(authorities or environment.get("HEADGATE_CA"))


def trust_kept(kept: Path) -> ssl.SSLContext:
    """For clients on this machine: trusts the very certificate in force there and no other, whatever name it is for.

    Raises `Unreachable` when there is none.
    """
    try:
        first = _FIRST.search(kept.read_text())
        if first is None:
            raise ValueError("no certificate in it")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # who holds the key of exactly this certificate is the instance: its names say where others reach it
        context.check_hostname = False
        return _trusting(context, cadata=first[0])
    except (OSError, ValueError) as error:
        raise Unreachable(f"Expected the instance's certificate in {kept}, got: {error}. Is it running?") from error


def trust_authorities(extra: str | None) -> ssl.SSLContext:
    """For clients elsewhere: trusts what the system trusts, and a PEM file of more. Raises `Malformed`."""
    context = ssl.create_default_context()
    if not extra:
        return context
    try:
        return _trusting(context, cafile=extra)
    except (OSError, ValueError) as error:
        raise Malformed(f"Expected certificates to trust in {extra} (PEM), got: {error}.") from error


def _trusting(context: ssl.SSLContext, **what: Any) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # a certificate that is named is trusted, also where another one signed it
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(**what)
    return context


def _files_of(settings: Settings) -> tuple[Path, ...]:
    if settings.tls_key and not settings.tls_cert:
        raise Malformed("Expected tls_cert beside tls_key: the certificate, then its chain (PEM). Set --tls-cert.")
    return tuple(Path(name) for name in (settings.tls_cert, settings.tls_key) if name)


def _server_context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _context_of(pem: bytes) -> ssl.SSLContext:
    """A context with this pair; raises `Malformed`."""
    context = _server_context()
    try:
        # OpenSSL reads files only: this one has no name, and cannot change between the certificate and the key
        with os.fdopen(os.memfd_create("certificate"), "wb") as file:
            file.write(pem)
            file.flush()
            context.load_cert_chain(f"/proc/self/fd/{file.fileno()}", password=_refuse_password)
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise Malformed(
            f"Expected a certificate, its chain and the matching key (PEM) in tls_cert and tls_key, got: {reason}."
        ) from error
    return context


def _refuse_password() -> str:
    # OpenSSL would ask the terminal
    raise Malformed("Expected a key without a password in tls_key: nobody is there to type it when a worker starts.")


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _named(files: tuple[Path, ...]) -> str:
    return " and ".join(map(str, files))
