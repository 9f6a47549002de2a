"""TLS of both ports: the certificate in force, taken anew when its files change, and how a client trusts it."""

import contextlib
import logging
import os
import re
import ssl
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headgate.errors import Malformed, Unreachable
from headgate.home import write_atomically
from headgate.settings import Settings

KEPT = "tls.pem"
MOST_BYTES = 1_000_000  # of one file; a long chain takes tens of thousands
# files that cannot be used are looked at again after so long, changed or not: a clock or a folder's rights may have
AGAIN_SECONDS = 5.0
# what OpenSSL's verification says of dates
_DATES = {9: "is not valid yet", 10: "has expired"}
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
        self._again = 0.0
        self.fault = ""  # why the files that are there now are not in force
        # answers every greeting with the pair in force at that moment
        self.context = _server_context()
        self.context.sni_callback = self._choose
        self._in_force = self._read_kept()
        self.check()
        if self._in_force is None:
            raise Malformed(self.fault)

    @property
    def pem(self) -> bytes:
        """The pair in force."""
        assert self._in_force is not None
        return self._in_force.pem

    def check(self) -> None:
        """Take the files' content when they have changed; what cannot be used is logged, and the old pair stays."""
        seen = [_stamp(path) for path in self._files]
        now = time.monotonic()
        if seen == self._seen and not (self.fault and now >= self._again):
            return
        try:
            found = _Pair(read_pair(self._files))
            wrong = self._compare(found)
        except Malformed as error:
            if (seen, error.message) != (self._seen, self.fault):
                _log.error("%s The certificate in force stays.", error.message)
            self._seen, self._again, self.fault = seen, now + AGAIN_SECONDS, error.message
            return
        if wrong:
            _log.warning("the certificate in %s %s, and is in force for want of a better one", self._files[0], wrong)
        elif self._seen is not None:
            _log.info("the certificate in %s is in force", self._files[0])
        self._seen, self.fault, self._in_force = seen, "", found
        self._keep(found.pem)

    def _compare(self, found: "_Pair") -> str:
        """What is wrong with the dates of a new pair; raises `Malformed` where those of the one in force are right."""
        wrong = found.wrong_dates()
        if wrong and self._in_force is not None and not self._in_force.wrong_dates():
            raise Malformed(f"Expected a certificate that is valid today in {self._files[0]}, got one that {wrong}.")
        return wrong

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        assert self._in_force is not None
        connection.context = self._in_force.context

    def _keep(self, pem: bytes) -> None:
        try:
            if not self.kept.exists() or self.kept.read_bytes() != pem:
                write_atomically(self.kept, pem)
        except OSError as error:
            _log.warning("%s cannot be written, local clients may not trust this instance: %s", self.kept, error)

    def _read_kept(self) -> "_Pair | None":
        try:
            return _Pair(_read(self.kept))
        except (OSError, Malformed):
            return None


class _Pair:
    """A certificate with its key as one PEM text, and a context that shows it; raises `Malformed` for what is none."""

    def __init__(self, pem: bytes) -> None:
        self.pem = pem
        self.context = _context_of(pem)

    def wrong_dates(self) -> str:
        """Empty where the certificate is valid now.

        OpenSSL says it, when we greet ourselves: a library that reads dates would take 14 MB of every worker.
        """
        first = _FIRST.search(self.pem.decode("ascii", "replace"))
        if first is None:
            return ""
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = self.context.wrap_bio(to_server, to_client, server_side=True)
        try:
            client = _trusting(_nameless(), cadata=first[0]).wrap_bio(to_client, to_server)
            for side in (client, server, client):
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()
        except ssl.SSLCertVerificationError as error:
            return _DATES.get(error.verify_code, "")
        except (OSError, ValueError):
            # not for their dates: clients will say what they think of it
            return ""
        return ""


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
        return b"\n".join(map(_read, files))
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
        return _trusting(_nameless(), cadata=first[0])
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


def _nameless() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # who holds the key of exactly this certificate is the instance: its names say where others reach it
    context.check_hostname = False
    return context


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


def _read(path: Path) -> bytes:
    """What is in a file; raises `OSError`, at once, for what is none or too large for a certificate."""
    with open(path, "rb", opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{path} is no regular file")
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(f"{path} holds more than {MOST_BYTES} bytes")
    return content


def _open_at_once(path: str, flags: int) -> int:
    """Whoever put a fifo in the file's place is not waited for."""
    return os.open(path, flags | os.O_NONBLOCK)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size


def _named(files: tuple[Path, ...]) -> str:
    return " and ".join(map(str, files))
