"""Keys on the data plane."""

import hashlib

import pytest

from headgate.errors import Forbidden, Unauthenticated
from headgate.records import AccessKey, AccessTable
from headgate.serving.access import Access, may_predict


def key(secret: str, *predict: str, expires_at: float | None = None) -> AccessKey:
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return AccessKey(id=secret[:4], sha256=digest, actor="me", predict=predict, expires_at=expires_at)


def table(number: int, *keys: AccessKey, epoch: int = 1, required: bool = True) -> AccessTable:
    return AccessTable(epoch=epoch, number=number, required=required, keys=keys)


def test_keys_are_needed_from_the_start_where_settings_say_so() -> None:
    access = Access(required=True)
    with pytest.raises(Unauthenticated):
        access.caller(None)
    access.apply(table(1, required=False))
    with pytest.raises(Unauthenticated):
        access.caller(None)


def test_nothing_is_needed_where_none_are_required() -> None:
    access = Access(required=False)
    access.require(None, "default/staging")
    access.require(b"Bearer nonsense", "default/staging")


def test_scopes() -> None:
    access = Access(required=False)
    access.apply(
        table(1, key("all", "*"), key("some", "shop/staging", "shop/test"), key("any", "*/staging"), key("none"))
    )
    access.require(b"Bearer all", "shop/production")
    access.require(b"bearer some", "shop/staging")
    access.require(b"Bearer any", "other/staging")
    for secret, scope in ((b"some", "shop/production"), (b"any", "shop/production"), (b"none", "shop/staging")):
        with pytest.raises(Forbidden):
            access.require(b"Bearer " + secret, scope)
    assert may_predict(None, "shop/staging")


def test_expired_and_revoked_keys() -> None:
    now = [1000.0]
    access = Access(required=True, clock=lambda: now[0])
    access.apply(table(1, key("soon", "*", expires_at=1001.0)))
    access.caller(b"Bearer soon")
    now[0] = 1001.0
    with pytest.raises(Unauthenticated):
        access.caller(b"Bearer soon")
    access.apply(table(2, key("new", "*")))
    access.apply(table(3))
    with pytest.raises(Unauthenticated):
        access.caller(b"Bearer new")


def test_a_table_is_never_lowered() -> None:
    access = Access(required=False)
    assert access.apply(table(5, key("new", "*")))
    assert not access.apply(table(5))
    assert not access.apply(table(4))
    assert not access.apply(table(9, epoch=0))
    access.caller(b"Bearer new")
    assert access.apply(table(1, epoch=2))
