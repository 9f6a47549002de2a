"""What a key may be limited by is said by one record: every place that knows of it knows all of it."""

import inspect
from typing import Any

import msgspec
import pytest
from msgspec.structs import asdict

from headgate.cli.key import create
from headgate.client.keys import Keys
from headgate.errors import Malformed
from headgate.identity.access import access_table
from headgate.identity.actors import create_actor
from headgate.identity.caller import Grant
from headgate.identity.keys import get_key, issue_key
from headgate.records import MOST, KeyLimits
from headgate.storage.database import Database
from headgate.storage.schema import access_keys
from headgate.web.api.keys import KeyShape, NewKey

NAMES = KeyLimits.__struct_fields__
LIMITS = KeyLimits(requests_per_second=2.5, concurrency=3, priority="high")


def test_limits_come_back_from_the_database_and_reach_the_data_plane(database: Database) -> None:
    assert all(value != getattr(KeyLimits(), name) for name, value in asdict(LIMITS).items())
    with database.write() as tx:
        create_actor(tx, "ann", "service", by="local", granted=(Grant(role="predict"),))
        issued = issue_key(tx, "ann", by="local", limits=LIMITS)
        (known,) = access_table(tx).keys
        for told in (get_key(tx, issued.record.id), known):
            assert {name: getattr(told, name) for name in NAMES} == asdict(LIMITS)


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_is_everywhere(name: str) -> None:
    default = getattr(KeyLimits(), name)
    stored: Any = access_keys.c[name].server_default
    assert stored.arg == str(default).removesuffix(".0")
    assert NewKey.model_fields[name].default == default
    assert KeyShape.model_fields[name].is_required()
    assert name in inspect.signature(Keys.create).parameters
    # the command line calls the first one a rate
    assert {"requests_per_second": "rate"}.get(name, name) in {option.name for option in create.params}


@pytest.mark.parametrize("name", NAMES)
def test_the_api_says_of_a_limit_what_the_record_says(name: str) -> None:
    (_, components) = msgspec.json.schema_components((KeyLimits,))
    record, shape = (each["properties"][name] for each in (components["KeyLimits"], NewKey.model_json_schema()))
    told = ("description", "minimum", "maximum", "default")
    assert {each: record.get(each) for each in told} == {each: shape.get(each) for each in told}
    assert set(record.get("enum", ())) == set(shape.get("enum", ()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests_per_second": -1.0},
        {"requests_per_second": float("nan")},
        {"requests_per_second": float("inf")},
        {"concurrency": MOST + 1},
        {"priority": "huge"},
    ],
)
def test_limits_out_of_range_are_malformed(database: Database, wrong: dict[str, Any]) -> None:
    with database.write() as tx:
        create_actor(tx, "ann", "service", by="local", granted=(Grant(role="predict"),))
        with pytest.raises(Malformed, match=next(iter(wrong))):
            issue_key(tx, "ann", by="local", limits=KeyLimits(**wrong))
