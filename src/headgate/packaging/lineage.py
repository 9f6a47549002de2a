"""Where the model comes from: what the user says, and what can be seen without asking the clock."""

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from headgate.bundle.manifest import Lineage
from headgate.conversion import converter
from headgate.errors import Malformed
from headgate.packaging.table import Table
from headgate.runtimes.batch import Array

FIELDS = Lineage.__struct_fields__
_lineage = converter(Lineage)


def trace(given: Mapping[str, str] | None, table: Table | None, source: str, beside: Path) -> Lineage:
    """The given fields, and where they are not given the data's digest, rows and source and the git commit.

    `beside` is the folder of the model's file, or the current one. Raises `Malformed` for a field there is not.
    """
    told = dict(given or {})
    if unknown := sorted(set(told) - set(FIELDS)):
        raise Malformed(f"Lineage has no field {unknown[0]!r}; fields are {', '.join(FIELDS)}.")
    seen: dict[str, object] = {"git_commit": _commit(beside), "data_source": source}
    if table is not None:
        seen |= {"data_digest": digest_of_table(table), "data_rows": table.rows}
    fields = seen | {name: str(value) if name != "data_rows" else value for name, value in told.items()}
    try:
        return _lineage(fields)
    except msgspec.ValidationError as error:
        raise Malformed(f"The lineage is wrong: {error}.") from error


def digest_of_table(table: Table) -> str:
    """sha256 over names, types and values of all columns, in their order; the library they came in does not matter."""
    digest = hashlib.sha256()
    for name, values in table.columns.items():
        for part in (name.encode(), _kind(values).encode(), _canonical(values)):
            digest.update(len(part).to_bytes(8, "big") + part)
    return f"sha256:{digest.hexdigest()}"


def _kind(values: Array) -> str:
    return f"{values.dtype.kind}{values.dtype.itemsize}{values.shape}"


def _canonical(values: Array) -> bytes:
    if values.dtype.kind == "O":
        return msgspec.json.encode(values.tolist())
    plain = values.astype(values.dtype.newbyteorder("<"))
    if plain.dtype.kind == "f":
        # one NaN and one zero for all
        plain = np.where(np.isnan(plain), np.nan, plain + 0.0).astype(plain.dtype)
    return plain.tobytes()


def _commit(folder: Path) -> str:
    """The commit that is checked out around the folder, empty outside of a repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
