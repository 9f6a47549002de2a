"""Aliases: movable names for versions."""

from sqlalchemy import delete, insert, select

from headgate.errors import Malformed, NotFound, Refused
from headgate.ledger.events import Event, append
from headgate.names import fold, shown, validate_name
from headgate.registry.models import ModelRecord, get_model, touch
from headgate.storage.database import Tx
from headgate.storage.schema import aliases, versions


def set_alias(tx: Tx, model: str, alias: str, number: int, actor: str) -> ModelRecord:
    """Point the alias at a version; harmless when it does. Raises `NotFound`, `InvalidName`, `Refused` when retired."""
    found = get_model(tx, model)
    if validate_name(alias, "alias").isdigit():
        raise Malformed(f"The alias {alias} would be taken for a version's number. Choose one with a letter.")
    here = (versions.c.model == found.name, versions.c.number == number)
    state = tx.execute(select(versions.c.state).where(*here)).scalar_one_or_none()
    if state is None:
        raise NotFound(f"There is no version {found.name}:{number}: the newest is {found.name}:{found.last_number}.")
    if state == "retired":
        raise Refused(f"{found.name}:{number} is retired and takes no alias. Choose another version.")
    before = _number_of(found, alias)
    if before == number:
        return found
    tx.execute(delete(aliases).where(aliases.c.model == found.name, aliases.c.folded == fold(alias)))
    tx.execute(insert(aliases).values(model=found.name, folded=fold(alias), alias=alias, number=number))
    return _changed(tx, found, alias, before, number, actor)


def remove_alias(tx: Tx, model: str, alias: str, actor: str) -> ModelRecord:
    """Drop the alias. Raises `NotFound`."""
    found = get_model(tx, model)
    before = _number_of(found, validate_name(alias, "alias"))
    if before is None:
        raise NotFound(f"{found.name} has no alias {shown(alias)}. See `headgate model show {found.name}`.")
    tx.execute(delete(aliases).where(aliases.c.model == found.name, aliases.c.folded == fold(alias)))
    return _changed(tx, found, alias, before, None, actor)


def _number_of(model: ModelRecord, alias: str) -> int | None:
    return next((number for name, number in model.aliases.items() if fold(name) == fold(alias)), None)


def _changed(tx: Tx, model: ModelRecord, alias: str, before: int | None, after: int | None, actor: str) -> ModelRecord:
    touch(tx, model.name)
    append(
        tx,
        Event(
            actor=actor,
            verb="alias.set" if after is not None else "alias.remove",
            object=f"model:{model.name}",
            before={"alias": alias, "version": before},
            after={"alias": alias, "version": after},
        ),
    )
    return get_model(tx, model.name)
