"""The hashes of the environment's packages, asked of the user's package index through uv.

Files of a version do not change on an index, so neither does the lock. Nothing of the index itself is kept: neither its
address nor what it says. What uv says when it fails is not kept either: a bundle's digest must not depend on it.
"""

from collections.abc import Mapping

import msgspec

from headgate.bundle.manifest import REQUIREMENTS, SBOM, canonical_bytes
from headgate.bundle.requirements import read_hashes, requirements_text
from headgate.errors import DeadlineExceeded, HeadgateError, NotFound, Unavailable
from headgate.installer import MISSING, run_uv
from headgate.packaging.draft import Draft
from headgate.packaging.sbom import bill_of_materials

LOCK_SECONDS = 60.0
SWITCHED_OFF = "locking was switched off"
UNKNOWN = "the package index does not list every package in its installed version with a hash"
SILENT = "no package index could be asked"
# wheels only: to ask a source distribution for anything, it would have to be run
OPTIONS = (
    "pip", "compile", "-", "--no-deps", "--generate-hashes", "--no-build", "--no-header", "--no-annotate",
    "--no-python-downloads", "--quiet",
)  # fmt: skip


def lock(draft: Draft, *, hashes: bool = True) -> Draft:
    """The draft with its `requirements.txt` and its bill of materials; without hashes it says why."""
    environment = draft.manifest.environment
    found, reason = _look_up(environment.packages) if hashes else ({}, SWITCHED_OFF)
    draft = draft.with_fields(environment=msgspec.structs.replace(environment, unlocked=reason))
    draft = draft.with_file(REQUIREMENTS, requirements_text(environment.packages, found).encode())
    return draft.with_file(SBOM, canonical_bytes(bill_of_materials(draft.manifest)))


def _look_up(packages: Mapping[str, str]) -> tuple[dict[str, tuple[str, ...]], str]:
    """The hashes, or why there are none."""
    try:
        found = read_hashes(run_uv(OPTIONS, LOCK_SECONDS, requirements_text(packages, {})))
    except NotFound:
        return {}, MISSING
    except DeadlineExceeded:
        return {}, SILENT
    except Unavailable as error:
        asked = "No solution found" in error.message and "network was disabled" not in error.message
        return {}, UNKNOWN if asked else SILENT
    except HeadgateError:
        return {}, UNKNOWN
    return (found, "") if all(found.get(name) for name in packages) else ({}, UNKNOWN)
