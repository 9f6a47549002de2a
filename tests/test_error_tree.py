"""Every code stands for one class: the one that declares it."""

from collections.abc import Iterator

from headgate.errors import HeadgateError, NoRoom, Overloaded, all_errors


def below(root: type[HeadgateError]) -> Iterator[type[HeadgateError]]:
    yield root
    for child in root.__subclasses__():
        yield from below(child)


def test_every_code_is_declared_once() -> None:
    declared = [error for error in below(HeadgateError) if "code" in vars(error)]
    assert len({error.code for error in declared}) == len(declared)
    assert all_errors() == {error.code: error for error in declared}


def test_a_kind_without_a_code_is_its_parent_to_clients() -> None:
    assert (NoRoom.code, NoRoom.status) == (Overloaded.code, 503)
    assert all_errors()["OVERLOADED"] is Overloaded
