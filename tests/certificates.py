"""Certificates for tests, made on the spot: an authority, and what it signs."""

import datetime
import ipaddress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Pair(NamedTuple):
    """A certificate with its chain and its key, both PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path) -> tuple[str, str]:
        """As files; the paths of both."""
        paths = folder / "cert.pem", folder / "key.pem"
        for path, content in zip(paths, self, strict=True):
            draft = path.with_suffix(".new")
            draft.write_bytes(content)
            draft.replace(path)
        return str(paths[0]), str(paths[1])


class Authority:
    """Signs certificates for this machine."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Test authority")
        self._certificate = (
            _builder(self._name, self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def sign(
        self, name: str = "localhost", *, key: Key | None = None, password: bytes = b"", days_from_now: float = 0
    ) -> Pair:
        """A certificate for the name, which is on loopback too; valid for a day, now or so many days from now."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        builder = _certified(_builder(_name(name), self._name, key, days_from_now), name)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Pair(certificate.public_bytes(serialization.Encoding.PEM) + self.pem, _pem(key, password))


def self_signed(name: str) -> Pair:
    """One that nobody else has signed, for a name that is not this machine's."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(name), _name(name), key)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return Pair(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), _pem(key, b""))


def _certified(builder: x509.CertificateBuilder, name: str) -> x509.CertificateBuilder:
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return builder.add_extension(x509.SubjectAlternativeName(names), critical=False)


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, days_from_now: float = 0) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days_from_now)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: Key, password: bytes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption(),
    )
