"""Secrets with which AWS's clients sign, derived and never stored: root key → subkey → secret of a key's id.

The root stays in the control plane's `keys` folder. Workers are told the subkey, from which they derive the secret of
any key's id, and nothing else that may be derived from the root one day. See docs/adr/0019-signed-requests.md.
"""

import base64
import hmac

_PURPOSE, _KEY = b"headgate aws4 subkey v1", b"headgate aws4 secret v1 "
ROOT_BYTES = 32


def signing_subkey(root: bytes) -> bytes:
    """What verifying signatures takes."""
    return hmac.digest(root, _PURPOSE, "sha256")


def signing_secret(subkey: bytes, key_id: str) -> str:
    """The secret of the key with this id: 40 letters, as AWS's own have."""
    return base64.b64encode(hmac.digest(subkey, _KEY + key_id.encode(), "sha256"))[:40].decode()
