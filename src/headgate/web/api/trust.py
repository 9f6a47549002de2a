"""Whether a bundle may be taken: what can run code must be signed by a key that this instance trusts."""

from pathlib import Path

from headgate.bundle.bundle import Bundle
from headgate.bundle.manifest import Manifest
from headgate.bundle.signing import key_id, read_trusted_keys, signed_by
from headgate.errors import Untrusted

# runtimes whose files are data only; all others can run code when they are loaded
DATA_ONLY = frozenset({"onnx"})


def can_run_code(manifest: Manifest) -> bool:
    """Whether any of the bundle's forms can run code when it is loaded, whatever the manifest says of itself."""
    return any(form.runtime not in DATA_ONLY for form in manifest.forms.values())


def accepted_signer(bundle: Bundle, trusted: Path) -> str:
    """Id of the key that signed the bundle, "" when it is unsigned data.

    `trusted` is a file of public keys. Raises `Untrusted` for a bundle that can run code without a signature by one of
    them, `Corrupt` for a signature that does not hold.
    """
    public_key = signed_by(bundle.folder)
    if can_run_code(bundle.manifest) and (public_key is None or public_key not in read_trusted_keys(trusted)):
        by = f"signed by the key {key_id(public_key)}, which is not trusted here" if public_key else "not signed"
        raise Untrusted(
            f"The bundle {bundle.manifest.name!r} can run code when it is loaded, and it is {by}. "
            f"Have the operator add its author's public key to {trusted.name!r} in the instance's keys."
        )
    return key_id(public_key) if public_key else ""
