"""The way to the data plane."""

import json
from pathlib import Path

import pytest

from headgate.client.client import Client
from headgate.errors import NotFound, Unreachable
from headgate.testing.control import KEY, FakeControl, fake_control


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "KEY", "HOME", "DATA_URL"):
        monkeypatch.delenv(f"HEADGATE_{name}", raising=False)


def live(control: FakeControl, client: Client) -> None:
    control.add_version()
    client.deploy("fraud:1", "fraud")


def test_the_answer_names_the_version(client: Client, control: FakeControl) -> None:
    live(control, client)
    control.prediction = {"predictions": [1], "probabilities": [[0.25, 0.75]]}
    answer = client.predict("fraud", [{"age": 41}], timeout=2.5)
    assert (answer.model, answer.predictions, answer.probabilities) == ("fraud:1", [1], [[0.25, 0.75]])
    request = control.requests[-1]
    assert request.json == {"rows": [{"age": 41}]}
    assert request.headers["headgate-timeout-ms"] == "2500"


def test_a_repeated_request_keeps_its_id(client: Client, control: FakeControl) -> None:
    live(control, client)
    client.predict("fraud", [{"age": 41}])
    control.requests.clear()
    control.break_next = 1
    client.predict("fraud", [{"age": 41}])
    ids = [request.headers["headgate-id"] for request in control.requests]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_the_address_is_asked_for_once(client: Client, control: FakeControl) -> None:
    live(control, client)
    control.requests.clear()
    client.predict("fraud", [{"age": 41}])
    client.predict("fraud", [{"age": 41}])
    assert [request.path for request in control.requests].count("/api/v1/address") == 1


def test_an_unknown_endpoint_is_named(client: Client) -> None:
    with pytest.raises(NotFound, match="'nothing'"):
        client.predict("nothing", [{"age": 41}])


def test_a_named_data_plane_gets_no_key_of_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_control() as elsewhere:
        (tmp_path / "credentials").write_text(json.dumps({"url": "http://127.0.0.1:1", "key": KEY}))
        monkeypatch.setenv("HEADGATE_DATA_URL", elsewhere.url)
        with Client(home=tmp_path) as client, pytest.raises(Exception, match="key"):
            client.predict("fraud", [{"age": 41}])
        assert "authorization" not in elsewhere.requests[-1].headers
        with Client(home=tmp_path, key="hg_mine") as client, pytest.raises(Exception, match="key"):
            client.predict("fraud", [{"age": 41}])
        assert elsewhere.requests[-1].headers["authorization"] == "Bearer hg_mine"


def test_predictions_go_on_without_the_control_plane(tmp_path: Path, client: Client, control: FakeControl) -> None:
    live(control, client)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "agent.json").write_text(
        json.dumps({"pid": 1, "host": "0.0.0.0", "port": int(control.url.rpartition(":")[2])})
    )
    (tmp_path / "credentials").write_text(json.dumps({"url": "http://127.0.0.1:1", "key": KEY}))
    with Client(home=tmp_path) as local:
        assert local.predict("fraud", [{"age": 41}]).model == "fraud:1"
        with pytest.raises(Unreachable):
            local.status()
