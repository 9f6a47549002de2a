"""How versions are addressed: `fraud:3` by number, `fraud@champion` by alias."""

from headgate.errors import Malformed
from headgate.names import shown, validate_name
from headgate.records import Record

_DIGITS = 9  # a number beyond would not fit its column


class Reference(Record, frozen=True, kw_only=True):
    """A version by its model and either number or alias."""

    model: str
    number: int | None = None
    alias: str | None = None


def parse_reference(text: str) -> Reference:
    """Read `model:number` or `model@alias`. Raises `Malformed`, or `InvalidName` for a wrong name in it."""
    model, alias_mark, alias = text.partition("@")
    if alias_mark:
        return Reference(model=validate_name(model, "model name"), alias=validate_name(alias, "alias"))
    model, _, number = text.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) <= _DIGITS):
        raise Malformed(f"{shown(text)} is not a version: expected model:number or model@alias, such as fraud:3.")
    return Reference(model=validate_name(model, "model name"), number=int(number))
