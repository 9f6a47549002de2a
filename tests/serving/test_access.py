"""Keys on the data plane."""

import hashlib

import pytest

from headgate.errors import Forbidden, Malformed, Unauthenticated
from headgate.records import AccessKey, AccessTable, Priority
from headgate.serving.access import Access, may_predict
from headgate.serving.priority import HIGH, LOW, NAMES, NORMAL


def key(secret: str, *predict: str, expires_at: float | None = None, priority: Priority = "normal") -> AccessKey:
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return AccessKey(
        id=secret[:4], sha256=digest, actor="me", predict=predict, expires_at=expires_at, priority=priority
    )


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
    access.admit({}, "default/staging")
    access.admit({"authorization": b"Bearer nonsense"}, "default/staging")


def test_scopes() -> None:
    access = Access(required=False)
    access.apply(
        table(1, key("all", "*"), key("some", "shop/staging", "shop/test"), key("any", "*/staging"), key("none"))
    )
    access.admit({"authorization": b"Bearer all"}, "shop/production")
    access.admit({"authorization": b"bearer some"}, "shop/staging")
    access.admit({"authorization": b"Bearer any"}, "other/staging")
    for secret, scope in ((b"some", "shop/production"), (b"any", "shop/production"), (b"none", "shop/staging")):
        with pytest.raises(Forbidden):
            access.admit({"authorization": b"Bearer " + secret}, scope)
    assert may_predict(None, "shop/staging")


def test_a_class_is_asked_for_within_what_the_key_may() -> None:
    access = Access(required=True)
    keys = [key(name, "*", priority=name) for name in NAMES]
    access.apply(table(1, *keys))

    def asks(secret: str, priority: str = "") -> int:
        headers = {"authorization": b"Bearer " + secret.encode()}
        if priority:
            headers["headgate-priority"] = priority.encode()
        return access.admit(headers, "shop/staging")[1]

    # nobody is urgent unasked, and whoever may be low at most always is
    assert [asks(name) for name in NAMES] == [NORMAL, NORMAL, LOW]
    assert [asks("high", name) for name in NAMES] == [HIGH, NORMAL, LOW]
    assert [asks("normal", name) for name in ("normal", "low")] == [NORMAL, LOW]
    for secret, priority in (("normal", "high"), ("low", "high"), ("low", "normal")):
        with pytest.raises(Forbidden, match=f"headgate key create --priority {priority}"):
            asks(secret, priority)
    for unknown in ("urgent", "0", "\xe9", " "):
        with pytest.raises(Malformed, match="high, normal or low"):
            asks("high", unknown)


def test_everybody_may_claim_any_class_where_no_key_is_needed() -> None:
    access = Access(required=False)
    assert [access.admit({"headgate-priority": name}, "a/b")[1] for name in (b"high", b"Low")] == [HIGH, LOW]


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
