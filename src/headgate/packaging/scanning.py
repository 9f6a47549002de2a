"""What a scanner says of a model's pickle: a hint for whoever decides to trust it, and never what decides."""

import importlib.util
import logging
from pathlib import Path

from headgate.errors import ModelError
from headgate.runtimes.boundary import foreign

PICKLES = (".joblib", ".pkl")


def scan(path: Path) -> str:
    """In a line what picklescan (extra `scan`) says of the file; empty where it is not installed, or no pickle."""
    if path.suffix not in PICKLES or importlib.util.find_spec("picklescan") is None:
        return ""
    from picklescan.scanner import SafetyLevel, scan_file_path

    # it writes what it finds to its log too
    logging.getLogger("picklescan").setLevel(logging.CRITICAL)
    try:
        with foreign("picklescan could not read it", lambda error: type(error).__name__):
            found = scan_file_path(str(path))
    except ModelError as error:
        # whatever a scanner stumbles over is no more than a hint either
        return error.message
    flagged = sorted({f"{each.module}.{each.name}" for each in found.globals if each.safety is SafetyLevel.Dangerous})
    if flagged:
        return f"picklescan warns of {', '.join(flagged)}"
    return "picklescan could not read all of it" if found.scan_err else "picklescan finds nothing dangerous"
