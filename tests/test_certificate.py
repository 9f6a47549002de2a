"""The certificate in force: exchanged in place, kept when what comes is damaged, trusted exactly."""

import os
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.certificates import Authority, Pair, self_signed

from headgate.certificate import (
    Certificate,
    certificate_of,
    check_certificate,
    trust_authorities,
    trust_kept,
)
from headgate.errors import Malformed, Unreachable
from headgate.settings import Settings


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def greet(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "127.0.0.1") -> tuple[bytes, str]:
    """The certificate that the server shows (DER) and the version spoken; raises `ssl.SSLError`."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=name)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    done: set[ssl.SSLObject] = set()
    while len(done) < 2:
        for side in (ours, theirs):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                continue
    shown, version = ours.getpeercert(True), ours.version()
    assert shown and version
    return shown, version


def shown_by(pair: Pair) -> bytes:
    end = "-----END CERTIFICATE-----\n"
    return ssl.PEM_cert_to_DER_cert(pair.certificate.decode().partition(end)[0] + end)


def anybody() -> ssl.SSLContext:
    """Looks at what is shown, whatever it is."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def served(pair: Pair, folder: Path) -> Certificate:
    certificate, key = pair.write(folder)
    made = certificate_of(Settings(tls_cert=certificate, tls_key=key), folder)
    assert made is not None
    return made


def test_a_new_pair_is_taken_in_place(authority: Authority, tmp_path: Path) -> None:
    # another type of key too: nothing of the old pair is left to choose
    old, new = authority.sign(key=rsa.generate_private_key(65537, 2048)), authority.sign()
    certificate = served(old, tmp_path)
    context = certificate.context
    assert greet(context, anybody())[0] == shown_by(old)
    new.write(tmp_path)
    assert greet(context, anybody())[0] == shown_by(old)
    certificate.check()
    assert greet(context, anybody())[0] == shown_by(new)


@pytest.mark.parametrize("damage", ["certificate", "key", "other key", "gone", "password", "empty"])
def test_a_damaged_pair_leaves_the_old_one_in_force(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    old, new = authority.sign(), authority.sign()
    certificate = served(old, tmp_path)
    assert not certificate.fault
    bad = {
        "certificate": Pair(new.certificate[:300], new.key),
        "key": Pair(new.certificate, new.key[:100]),
        "other key": Pair(new.certificate, old.key),
        "password": authority.sign(password=b"secret"),
        "empty": Pair(b"", b""),
    }
    if damage == "gone":
        (tmp_path / "key.pem").unlink()
    else:
        bad[damage].write(tmp_path)
    for _ in range(3):
        certificate.check()
    assert certificate.fault
    assert greet(certificate.context, anybody())[0] == shown_by(old)
    assert caplog.text.count("The certificate in force stays") == 1
    assert "PRIVATE KEY" not in caplog.text
    # a process that starts now goes on with the old one, whoever asks for a start is told
    settings = Settings(tls_cert=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "key.pem"))
    restarted = certificate_of(settings, tmp_path)
    assert restarted is not None and restarted.fault
    assert greet(restarted.context, anybody())[0] == shown_by(old)
    with pytest.raises(Malformed):
        check_certificate(settings)
    new.write(tmp_path)
    for each in (certificate, restarted):
        each.check()
        assert not each.fault
        assert greet(each.context, anybody())[0] == shown_by(new)


def put_fifo(path: Path) -> None:
    os.mkfifo(path)


def put_hole(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(300_000_000)


@pytest.mark.parametrize(("put", "told"), [(put_fifo, "no regular file"), (put_hole, "more than 1000000 bytes")])
@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
def test_what_is_no_file_or_too_large_keeps_nobody_waiting(
    authority: Authority, tmp_path: Path, put: Callable[[Path], None], told: str, name: str
) -> None:
    old, new = authority.sign(), authority.sign()
    certificate = served(old, tmp_path)
    (tmp_path / name).unlink()
    put(tmp_path / name)
    check = threading.Thread(target=certificate.check, daemon=True)
    check.start()
    check.join(30)
    assert not check.is_alive()
    assert told in certificate.fault and name in certificate.fault
    assert greet(certificate.context, anybody())[0] == shown_by(old)
    new.write(tmp_path)
    certificate.check()
    assert not certificate.fault and greet(certificate.context, anybody())[0] == shown_by(new)


@pytest.mark.parametrize(("days", "told"), [(-2, "has expired"), (2, "is not valid yet")])
def test_one_that_is_not_valid_today_replaces_none_that_is(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture, days: float, told: str
) -> None:
    old, new = authority.sign(), authority.sign()
    certificate = served(old, tmp_path)
    authority.sign(days_from_now=days).write(tmp_path)
    certificate.check()
    certificate.check()
    settings = Settings(tls_cert=str(tmp_path / "cert.pem"), tls_key=str(tmp_path / "key.pem"))
    restarted = certificate_of(settings, tmp_path)
    assert restarted is not None
    for each in (certificate, restarted):
        assert told in each.fault
        assert greet(each.context, anybody())[0] == shown_by(old)
    assert caplog.text.count("The certificate in force stays") == 2
    new.write(tmp_path)
    certificate.check()
    assert not certificate.fault and greet(certificate.context, anybody())[0] == shown_by(new)


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_one_that_has_expired_is_taken_where_there_is_no_better(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else None
    first, second = authority.sign(key=key, days_from_now=-9), authority.sign(key=key, days_from_now=-5)
    certificate = served(first, tmp_path)
    second.write(tmp_path)
    certificate.check()
    assert not certificate.fault and greet(certificate.context, anybody())[0] == shown_by(second)
    assert caplog.text.count("has expired, and is in force for want of a better one") == 2


def test_without_any_pair_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(Malformed, match="tls_cert"):
        certificate_of(Settings(tls_cert=str(tmp_path / "cert.pem")), tmp_path)
    with pytest.raises(Malformed, match="--tls-cert"):
        certificate_of(Settings(tls_key=str(tmp_path / "key.pem")), tmp_path)


def test_one_file_may_hold_both(authority: Authority, tmp_path: Path) -> None:
    pair = authority.sign()
    (tmp_path / "both.pem").write_bytes(pair.key + pair.certificate)
    certificate = certificate_of(Settings(tls_cert=str(tmp_path / "both.pem")), tmp_path)
    assert certificate is not None
    assert greet(certificate.context, anybody())[0] == shown_by(pair)


def test_the_kept_pair_is_private_and_goes_with_tls(authority: Authority, tmp_path: Path) -> None:
    served(authority.sign(), tmp_path)
    assert (tmp_path / "tls.pem").stat().st_mode & 0o777 == 0o600
    assert certificate_of(Settings(), tmp_path) is None
    assert not (tmp_path / "tls.pem").exists()


def test_old_versions_are_not_spoken(authority: Authority, tmp_path: Path) -> None:
    context = served(authority.sign(), tmp_path).context
    assert greet(context, anybody())[1] == "TLSv1.3"
    older = anybody()
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    assert greet(context, older)[1] == "TLSv1.2"
    oldest = anybody()
    # OpenSSL itself refuses these at its usual level
    oldest.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        oldest.minimum_version = oldest.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        greet(context, oldest)


def test_local_clients_trust_the_certificate_in_force_alone(authority: Authority, tmp_path: Path) -> None:
    pair = authority.sign("gate.example")
    certificate = served(pair, tmp_path)
    client = trust_kept(tmp_path / "tls.pem")
    assert greet(certificate.context, client)[0] == shown_by(pair)
    # not what the same authority has signed for somebody else
    (tmp_path / "other").mkdir()
    other = served(authority.sign("gate.example"), tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        greet(other.context, client)
    with pytest.raises(Unreachable):
        trust_kept(tmp_path / "nothing.pem")
    (tmp_path / "nothing.pem").write_text("nothing")
    with pytest.raises(Unreachable):
        trust_kept(tmp_path / "nothing.pem")


def test_clients_elsewhere_trust_authorities_and_look_at_the_name(authority: Authority, tmp_path: Path) -> None:
    certificate = served(authority.sign("gate.example"), tmp_path)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    client = trust_authorities(str(tmp_path / "ca.pem"))
    greet(certificate.context, client, "gate.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        greet(certificate.context, client, "other.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        greet(certificate.context, trust_authorities(None), "gate.example")
    with pytest.raises(Malformed, match="nowhere"):
        trust_authorities(str(tmp_path / "nowhere"))


def test_one_that_nobody_signed_can_be_trusted_by_name(tmp_path: Path) -> None:
    pair = self_signed("gate.example")
    certificate = served(pair, tmp_path)
    greet(certificate.context, trust_authorities(str(tmp_path / "cert.pem")), "gate.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        greet(certificate.context, trust_authorities(str(tmp_path / "cert.pem")), "other.example")
