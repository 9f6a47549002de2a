"""Signatures hold for one manifest and one key; what runs code needs one by a key that is trusted."""

import base64
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headgate.bundle.bundle import Bundle, open_bundle
from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.bundle.signing import (
    DetachedSignature,
    TrustedKeys,
    key_id,
    load_or_create_key,
    public_text,
    read_trusted_keys,
    require_trust,
    sign,
    sign_folder,
    signed_by,
    trust_key,
    user_key_path,
    verify,
)
from headgate.errors import Corrupt, HeadgateError, Malformed, Untrusted
from headgate.records import Column, Signature
from headgate.testing.bundles import BuiltBundle, write_bundle

KEY, OTHER = Ed25519PrivateKey.from_private_bytes(b"1" * 32), Ed25519PrivateKey.from_private_bytes(b"2" * 32)


def bundle(cache: Path, runtime: str = "python", trusted_code: tuple[str, ...] = ()) -> BuiltBundle:
    manifest = Manifest(
        name="fraud",
        framework=runtime,
        task="regression",
        signature=Signature(inputs=(Column(name="a", dtype="float64"),)),
        forms={"native": Form(runtime=runtime, path="model")},
        serves="native",
        environment=Environment(python="3.11"),
        files={},
        trusted_code=trusted_code,
    )
    return write_bundle(cache, manifest, {"model": b"model"})


def test_a_signature_names_its_key() -> None:
    assert verify(b"manifest", sign(b"manifest", KEY)) == public_text(KEY)
    assert sign(b"manifest", KEY).key_id == key_id(public_text(KEY))


def test_signing_changes_neither_identity_nor_contents(tmp_path: Path) -> None:
    built = bundle(tmp_path)
    sign_folder(built.folder, KEY)
    first = (built.folder / "manifest.sig").read_bytes()
    sign_folder(built.folder, KEY)
    assert (built.folder / "manifest.sig").read_bytes() == first
    assert open_bundle(built.folder).digest == built.digest
    assert signed_by(built.folder, built.digest) == public_text(KEY)


def other_bytes(signature: DetachedSignature) -> DetachedSignature:
    raw = bytearray(base64.b64decode(signature.signature))
    raw[0] ^= 1
    return msgspec.structs.replace(signature, signature=base64.b64encode(raw).decode())


FORGERIES: dict[str, Callable[[DetachedSignature], DetachedSignature]] = {
    "other signature": other_bytes,
    "key of another": lambda signature: msgspec.structs.replace(
        signature, public_key=public_text(OTHER), key_id=key_id(public_text(OTHER))
    ),
    "name of another key": lambda signature: msgspec.structs.replace(signature, key_id=key_id(public_text(OTHER))),
    "key that is none": lambda signature: msgspec.structs.replace(signature, public_key="AAAA"),
    "no base64": lambda signature: msgspec.structs.replace(signature, signature="?"),
    "short signature": lambda signature: msgspec.structs.replace(signature, signature="AAAA"),
    "empty": lambda signature: msgspec.structs.replace(signature, signature="", public_key=""),
    "of other bytes": lambda _: sign(b"another manifest", KEY),
    "without our prefix": lambda signature: msgspec.structs.replace(
        signature, signature=base64.b64encode(KEY.sign(b"manifest")).decode()
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forgeries_are_refused(forgery: str) -> None:
    with pytest.raises((Corrupt, Malformed)):
        verify(b"manifest", FORGERIES[forgery](sign(b"manifest", KEY)))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format":1,"extra":1}', b"\xff"])
def test_a_damaged_signature_is_not_no_signature(tmp_path: Path, content: bytes) -> None:
    built = bundle(tmp_path)
    assert signed_by(built.folder, built.digest) is None
    (built.folder / "manifest.sig").write_bytes(content)
    with pytest.raises(Malformed):
        signed_by(built.folder, built.digest)


def opened(built: BuiltBundle) -> Bundle:
    return Bundle(built.folder, built.manifest, built.digest)


@pytest.mark.parametrize(
    ("runtime", "trusted_code"), [("python", ()), ("sklearn", ("their.Code",)), ("plug-in", ()), ("onnx", ("x.y",))]
)
def test_what_runs_code_needs_a_trusted_signature(tmp_path: Path, runtime: str, trusted_code: tuple[str, ...]) -> None:
    built, trusted = bundle(tmp_path, runtime, trusted_code), TrustedKeys().and_key(KEY)
    with pytest.raises(Untrusted, match="not signed"):
        require_trust(opened(built), trusted)
    sign_folder(built.folder, OTHER)
    with pytest.raises(Untrusted, match=key_id(public_text(OTHER))):
        require_trust(opened(built), trusted)
    sign_folder(built.folder, KEY)
    assert require_trust(opened(built), trusted) == key_id(public_text(KEY))


@pytest.mark.parametrize("runtime", ["onnx", "sklearn"])
def test_what_runs_no_code_needs_no_signature_but_a_wrong_one_is_wrong(tmp_path: Path, runtime: str) -> None:
    built = bundle(tmp_path, runtime)
    assert require_trust(opened(built), TrustedKeys()) == ""
    sign_folder(built.folder, OTHER)
    assert require_trust(opened(built), TrustedKeys()) == key_id(public_text(OTHER))
    forged = msgspec.json.encode(sign(b"another", OTHER))
    (built.folder / "manifest.sig").write_bytes(forged)
    with pytest.raises(Corrupt):
        require_trust(opened(built), TrustedKeys())


def test_a_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "config" / "headgate" / "signing.key"
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(load_or_create_key, [path] * 16))
    assert len({public_text(key) for key in keys}) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [found.name for found in path.parent.iterdir()] == ["signing.key"]


def test_other_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    for content in (b"", b"hello", rsa_pem(), encrypted_pem()):
        path.write_bytes(content)
        with pytest.raises(Malformed, match=r"signing\.key"):
            load_or_create_key(path)


def rsa_pem() -> bytes:
    return rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def encrypted_pem() -> bytes:
    return KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )


def test_where_the_users_key_lies() -> None:
    assert user_key_path({"HEADGATE_SIGNING_KEY": "/keys/mine", "XDG_CONFIG_HOME": "/x"}) == Path("/keys/mine")
    assert user_key_path({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}) == Path("/x/headgate/signing.key")
    assert user_key_path({"HOME": "/h"}) == Path("/h/.config/headgate/signing.key")


def test_trusted_keys_are_lines_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "trusted"
    assert public_text(KEY) not in read_trusted_keys(path)
    trust_key(path, public_text(KEY), "ann's\nlaptop")
    trust_key(path, public_text(KEY), "again")
    path.write_text(f"# comment\n\n{path.read_text()}")
    trust_key(path, public_text(OTHER))
    assert read_trusted_keys(path).keys == {public_text(KEY), public_text(OTHER)}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(HeadgateError):
        trust_key(path, "not a key")
    path.write_text("rubbish\n")
    with pytest.raises(Malformed):
        read_trusted_keys(path)
