"""A look into an exported PyTorch program (.pt2) before it is loaded: is there anything in it that would run?

Loading evaluates the sizes that its graph names as text, and unpickles whatever objects lie beside the weights. Files
of `torch.export.save` hold sums and comparisons of sizes, and tensors.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from headgate.errors import ModelError, Untrusted

OBJECTS = re.compile(r"(^|/)custom_obj_")
# what an expression may call, and the only attributes that it may take
CALL = re.compile(r"([A-Za-z_][\w.]*)\s*\(")
CALL_NAMES = (
    "Symbol Integer Float Rational Max Min Mod PythonMod FloorDiv CeilDiv CleanDiv IntTrueDiv FloatTrueDiv TruncToInt"
    " TruncToFloat CeilToInt FloorToInt RoundToInt RoundDecimal ToFloat ModularIndexing Where Pow PowByNatural FloatPow"
    " Abs Eq Ne Lt Le Gt Ge Equality Unequality And Or Not Add Mul Identity Piecewise max min abs and or not in"
)
CALLS = frozenset(CALL_NAMES.split())
ATTRIBUTE = re.compile(r"\.\s*([A-Za-z_]\w*)")
ATTRIBUTES = frozenset({"size", "shape", "stride", "storage_offset"})
GRAMMAR = re.compile(r"[\w\s'\"=,()\[\]+\-*/%<>!.|&]*")


def check_exported(content: bytes) -> None:
    """Raises `Untrusted` naming what an ordinary export does not hold, `ModelError` for what is no export."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if objects := [name for name in names if OBJECTS.search(name)]:
                raise Untrusted(f"The exported program holds pickled objects ({objects[0]}): export it without them.")
            for name in names:
                if name.endswith(".json"):
                    _check_expressions(json.loads(archive.read(name)))
    except (zipfile.BadZipFile, ValueError, KeyError, RecursionError) as error:
        raise ModelError(f"The file is no exported program, as torch.export.save writes it: {error}.") from error


def _check_expressions(document: Any) -> None:
    for text in _expressions(document):
        if not is_plain(text):
            raise Untrusted(f"The exported program evaluates {text[:80]!r}, which no size is. Do not load this file.")


def is_plain(text: str) -> bool:
    """Whether the text is arithmetic on sizes and nothing else."""
    called = {name.rpartition(".")[2] for name in CALL.findall(text)}
    return (
        bool(GRAMMAR.fullmatch(text))
        and "__" not in text
        and called <= CALLS | ATTRIBUTES
        and set(ATTRIBUTE.findall(text)) <= ATTRIBUTES
    )


def _expressions(document: Any) -> Iterator[str]:
    """Whatever is evaluated: sizes, and the conditions on them."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "expr_str" and isinstance(value, str):
                yield value
            elif key == "guards_code":
                yield from (text for text in value or () if isinstance(text, str))
            else:
                yield from _expressions(value)
    elif isinstance(document, list):
        for value in document:
            yield from _expressions(value)
