"""A record's fields, with their bounds and words, as fields of a shape: what a value may be is said once."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields
from pydantic import Field, create_model

from headgate.web.api.shapes import Shape

Kind = TypeVar("Kind", bound=Shape)


def with_fields_of(record: type[msgspec.Struct], *, always: bool = False) -> Callable[[type[Kind]], type[Kind]]:
    """The shape with the record's fields after its own; `always` where an answer has them all."""

    def extend(shape: type[Kind]) -> type[Kind]:
        added: dict[str, Any] = {field.name: _declared(field, always) for field in fields(record)}
        made: type[Kind] = create_model(shape.__name__, __base__=shape, __module__=shape.__module__, **added)
        return made

    return extend


def _declared(field: FieldInfo, always: bool) -> tuple[Any, Any]:
    kind, said = field.type, msgspec.Meta()
    if get_origin(kind) is Annotated:
        kind, said = get_args(kind)
    bounds: dict[str, Any] = {"ge": said.ge, "le": said.le, "description": said.description}
    if kind is float:
        bounds["allow_inf_nan"] = False
    return kind, Field(default=... if always else field.default, **bounds)
