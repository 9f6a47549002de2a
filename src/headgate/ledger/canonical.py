"""The bytes that are hashed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical_text(value: Any) -> str:
    """Canonical JSON: sorted keys, no white space; the same value gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_fields(fields: Mapping[str, Any]) -> str:
    """sha256 over the canonical JSON of some fields, in hex."""
    return hashlib.sha256(canonical_text(fields).encode()).hexdigest()
