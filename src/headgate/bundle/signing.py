"""Who packaged this: a detached ed25519 signature over the manifest's bytes, in `manifest.sig`."""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from headgate.bundle.bundle import Bundle
from headgate.bundle.manifest import MANIFEST, SIGNATURE, Manifest
from headgate.errors import Corrupt, Malformed, Untrusted
from headgate.home import Home, sync_folder, write_atomically
from headgate.records import Record

KEY_VARIABLE = "HEADGATE_SIGNING_KEY"
# runtimes that load data only, or nothing outside of the allow-list
GUARDED = frozenset({"onnx", "sklearn", "xgboost", "lightgbm", "catboost", "pmml"})
FORMAT = 1  # of `manifest.sig`
# a signature of ours is never a valid signature of something else
DOMAIN = b"headgate bundle manifest\0"


class DetachedSignature(Record, frozen=True, kw_only=True):
    """The content of `manifest.sig`."""

    format: int = FORMAT
    key_id: str  # first 16 hex digits of the public key's sha256
    public_key: str  # 32 raw bytes in base64
    signature: str  # 64 bytes in base64


_signatures = msgspec.json.Decoder(DetachedSignature)


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """Public keys whose bundles may run code, and those whose bundles may not be loaded at all."""

    keys: frozenset[str] = field(default_factory=frozenset)  # raw public keys in base64
    revoked: frozenset[str] = field(default_factory=frozenset)

    def __contains__(self, public_key: str) -> bool:
        return public_key in self.keys and public_key not in self.revoked

    def and_key(self, key: Ed25519PrivateKey | str) -> "TrustedKeys":
        """These and one more."""
        return TrustedKeys(self.keys | {key if isinstance(key, str) else public_text(key)}, self.revoked)


def trusted_path(home: Home) -> Path:
    """The file of public keys whose bundles may run code, one a line."""
    return home.keys / "trusted"


def user_key_path(environment: Mapping[str, str]) -> Path:
    """Where the user's own key lies: `HEADGATE_SIGNING_KEY`, or below the XDG configuration folder."""
    if given := environment.get(KEY_VARIABLE):
        return Path(given)
    folder = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME") or Path.home()) / ".config")
    return Path(folder) / "headgate" / "signing.key"


def load_or_create_key(path: Path) -> Ed25519PrivateKey:
    """The private key in this PEM file, made there (0600) when there is none; of two processes one wins.

    Raises `Malformed` when the file holds something else.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create_key(path)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise Malformed(f"{path} is not a private key in PEM without a password: {error}. Move it away.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Malformed(f"{path} should hold an ed25519 key, got {type(key).__name__}. Move it away.")
    return key


def _create_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        write_atomically(draft, pem)
        # unlike a rename, a link does not replace the key that another process has just made
        os.link(draft, path)
        sync_folder(path.parent)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half as 32 raw bytes in base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def key_id(public_key: str) -> str:
    """The short name of a public key given in base64; raises `Malformed`."""
    return hashlib.sha256(_decode(public_key, 32)).hexdigest()[:16]


def sign(manifest: bytes, key: Ed25519PrivateKey) -> DetachedSignature:
    """Sign the bytes of manifest.json."""
    public = public_text(key)
    signature = base64.b64encode(key.sign(DOMAIN + manifest)).decode()
    return DetachedSignature(key_id=key_id(public), public_key=public, signature=signature)


def sign_folder(folder: Path, key: Ed25519PrivateKey) -> DetachedSignature:
    """Sign an unpacked bundle: writes `manifest.sig`, replacing one that is there."""
    signature = sign((folder / MANIFEST).read_bytes(), key)
    write_atomically(folder / SIGNATURE, msgspec.json.encode(signature), mode=0o644)
    return signature


def read_signature(folder: Path) -> DetachedSignature | None:
    """The bundle's signature, unverified, None when it has none; raises `Malformed`."""
    path = folder / SIGNATURE
    try:
        content = path.read_bytes()
        signature = _signatures.decode(content)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{path} is not a signature of this format: {error}. Package the model again.") from error
    # as we write it, and in no other spelling: a byte that was changed is never passed over
    if signature.format != FORMAT or msgspec.json.encode(signature) != content:
        raise Malformed(f"{path} is not a signature of format {FORMAT} as it is written. Package the model again.")
    return signature


def verify(manifest: bytes, signature: DetachedSignature) -> str:
    """The public key (base64) that signed these bytes; raises `Corrupt` when the signature is not theirs."""
    if signature.key_id != key_id(signature.public_key):
        raise Corrupt(f"The signature names key {signature.key_id}, but carries {key_id(signature.public_key)}.")
    try:
        public = Ed25519PublicKey.from_public_bytes(_decode(signature.public_key, 32))
        public.verify(_decode(signature.signature, 64), DOMAIN + manifest)
    except InvalidSignature as error:
        raise Corrupt(f"The signature by key {signature.key_id} does not fit the manifest: fetch it again.") from error
    return signature.public_key


def signed_by(folder: Path, digest: str) -> str | None:
    """The public key (base64) whose valid signature the unpacked bundle of that digest carries, None without any.

    What is verified are the bytes that have the digest, which was taken of what is loaded: nothing can change between.
    Raises `Corrupt` or `Malformed` for a signature that does not hold.
    """
    signature = read_signature(folder)
    if signature is None:
        return None
    manifest = (folder / MANIFEST).read_bytes()
    if hashlib.sha256(manifest).hexdigest() != digest:
        raise Corrupt(f"{folder / MANIFEST} is not that of bundle {digest[:12]} any more. Fetch the bundle again.")
    return verify(manifest, signature)


def runs_code(manifest: Manifest) -> bool:
    """Whether loading the bundle runs code that its author chose, beyond constructors of ordinary estimators."""
    return bool(manifest.trusted_code) or any(form.runtime not in GUARDED for form in manifest.forms.values())


def require_trust(bundle: Bundle, trusted: TrustedKeys) -> str:
    """The id of the key that signed the bundle, "" when it is unsigned and may be: it runs no code.

    Raises `Untrusted` naming both for one that runs code without a trusted key's signature, or that a revoked key has
    signed, and like `signed_by`.
    """
    signer = signed_by(bundle.folder, bundle.digest)
    if signer is not None and (signer in trusted or (signer not in trusted.revoked and not runs_code(bundle.manifest))):
        return key_id(signer)
    if signer is None and not runs_code(bundle.manifest):
        return ""
    raise _untrusted(bundle, signer, trusted)


def require_signature(bundle: Bundle, trusted: TrustedKeys) -> str:
    """The id of the trusted key that signed the bundle, whether it runs code or not; raises like `require_trust`."""
    signer = signed_by(bundle.folder, bundle.digest)
    if signer is not None and signer in trusted:
        return key_id(signer)
    raise _untrusted(bundle, signer, trusted)


def _untrusted(bundle: Bundle, signer: str | None, trusted: TrustedKeys) -> Untrusted:
    manifest = bundle.manifest
    named = f": {', '.join(manifest.trusted_code)}" if manifest.trusted_code else ""
    what = f"Bundle {manifest.name!r} runs its author's code{named}. It" if runs_code(manifest) else repr(manifest.name)
    revoked = signer in trusted.revoked
    return Untrusted(refusal(what, key_id(signer) if signer else "", signer or "", revoked=revoked))


def refusal(what: str, signer: str, public_key: str, *, revoked: bool) -> str:
    """Why a signature does not let a bundle be loaded, and what to do; empty texts for what there is not."""
    if not signer:
        return f"{what} is not signed, and needs a trusted key's signature. `headgate package` signs what it makes."
    command = f"`headgate key trust {public_key or 'BUNDLE'}`"
    if revoked:
        return f"{what} is signed by key {signer}, which was revoked here. If that was wrong: {command}."
    return f"{what} is signed by key {signer}, which is not trusted here. If you know whose it is: {command}."


def read_trusted_keys(path: Path) -> TrustedKeys:
    """The keys in a file of lines `<public key in base64> [note]`; none when there is no file. Raises `Malformed`."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return TrustedKeys()
    return TrustedKeys(frozenset(_keys_in(lines)))


def trust_key(path: Path, public_key: str, note: str = "") -> None:
    """Add a key to such a file; harmless when it is there."""
    key_id(public_key)
    if public_key not in read_trusted_keys(path):
        lines = path.read_text() if path.exists() else ""
        write_atomically(path, f"{lines}{public_key} {' '.join(note.split())}\n".encode())


def _keys_in(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        words = line.split()
        if words and not words[0].startswith("#"):
            key_id(words[0])
            yield words[0]


def _decode(text: str, size: int) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"{text[:80]!r} is not base64.") from error
    # the last letter of a text holds bits that no byte needs: one spelling for one key
    if len(raw) != size or base64.b64encode(raw).decode() != text:
        raise Malformed(f"{text[:80]!r} should be {size} bytes in base64, got {len(raw)}.")
    return raw
