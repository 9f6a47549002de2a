"""The table of formats: short name → where it lives, imported on use."""

import importlib
from importlib.metadata import entry_points
from importlib.util import find_spec

from headgate.errors import NotFound
from headgate.serving.formats.format import Format

GROUP = "headgate.formats"
# the first one answers whoever asks for nothing else
FORMATS: dict[str, str] = {
    "json": "headgate.serving.formats.json:JsonFormat",
    "csv": "headgate.serving.formats.csv:CsvFormat",
    "ndjson": "headgate.serving.formats.ndjson:NdjsonFormat",
    "arrow": "headgate.serving.formats.arrow:ArrowFormat",
    "parquet": "headgate.serving.formats.parquet:ParquetFormat",
}


def format_names() -> dict[str, str]:
    """Every format that is served, ours first; installed plug-ins cannot replace one of ours."""
    plugged = {point.name: point.value for point in entry_points(group=GROUP)}
    return FORMATS | {name: value for name, value in plugged.items() if name not in FORMATS}


def load_format(name: str) -> Format:
    """The format of that name; raises `NotFound` for a name nobody declared, or one that cannot be imported."""
    names = format_names()
    if name not in names:
        raise NotFound(f"There is no format {name!r}; there are: {', '.join(names)}. Is its package installed?")
    module, _, attribute = names[name].partition(":")
    try:
        form: Format = getattr(importlib.import_module(module), attribute)()
    except Exception as error:
        raise NotFound(f"Format {name!r} is declared as {names[name]}, which cannot be used: {error}.") from error
    return form


def is_installed(form: Format) -> bool:
    """Is the library there that the format needs? Looking does not import it."""
    return not form.library or find_spec(form.library) is not None
