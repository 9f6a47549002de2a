"""What nodes are told, and how soon."""

import threading
import time

import msgspec
from tests.web.console import Console

from headgate.records import NodeTables


def waiting(console: Console, cursor: int) -> tuple[threading.Thread, list[NodeTables]]:
    """A node that waits for a change."""
    heard: list[NodeTables] = []

    def ask() -> None:
        answer = console.ask("GET", f"/node/tables?cursor={cursor}&wait=30", console.node_key)
        heard.append(msgspec.json.decode(answer.content, type=NodeTables))

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, heard


def test_a_node_that_waits_hears_of_a_published_table_at_once(console: Console) -> None:
    version = console.register()
    cursor = console.tables().cursor
    thread, heard = waiting(console, cursor)
    console.post("/deployments", {"version": version, "endpoint": "fraud"})
    assert not heard
    console.app.controller.step()
    thread.join(20)
    assert heard[0].cursor > cursor
    assert [table.endpoint for table in heard[0].routes] == ["fraud"]


def test_a_node_that_waits_hears_of_keys_and_grants(console: Console) -> None:
    console.post("/actors", {"name": "ann"})
    for change in (
        lambda: console.post("/keys", {"actor": "ann"}),
        lambda: console.post("/actors/ann/grants", {"role": "predict", "project": "default", "environment": "staging"}),
        lambda: console.ask("DELETE", "/actors/ann/grants/predict"),
        lambda: console.ask("DELETE", "/actors/ann"),
    ):
        before = console.tables()
        thread, heard = waiting(console, before.cursor)
        change()
        thread.join(20)
        assert heard[0].access.number > before.access.number


def test_the_access_table_holds_who_may_predict(console: Console) -> None:
    key = console.key_of("predict", "default", "staging", name="caller")
    console.key_of("viewer")
    table = console.tables().access
    mine = next(each for each in table.keys if each.actor == "caller")
    assert mine.predict == ("default/staging",)
    assert mine.id == key.split("_")[1]
    assert not any(each.actor.startswith("viewer") for each in table.keys)
    assert key not in str(table)


def test_who_waits_is_let_go_when_the_control_plane_leaves(console: Console) -> None:
    thread, heard = waiting(console, console.tables().cursor)
    console.app.plane.bell.close()
    thread.join(20)
    assert not thread.is_alive()
    assert heard


def test_a_wait_ends_with_what_is_known(console: Console) -> None:
    # the test's clock stands still: only a wait of nothing ends by itself
    cursor = console.tables().cursor
    assert console.tables(cursor).cursor == cursor


def test_too_many_waiting_nodes_are_answered_at_once(console: Console) -> None:
    polls = console.app.plane.polls
    taken = 0
    while polls.acquire(blocking=False):
        taken += 1
    began = time.monotonic()
    answer = console.ask("GET", f"/node/tables?cursor={console.tables().cursor}&wait=30", console.node_key)
    assert answer.status_code == 200
    assert time.monotonic() - began < 15
    polls.release(taken)


def test_a_report_must_be_one(console: Console) -> None:
    typed = {"Content-Type": "application/json"}
    for content in (b"{}", b"[]", b"null", b"x", b'{"node": 1}', b""):
        answer = console.ask("POST", "/node/report", console.node_key, content=content, headers=typed)
        assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED"), content


def test_a_report_of_a_newer_agent_is_read(console: Console) -> None:
    content = b'{"format": 2, "node": "n", "agent_pid": 1, "port": 1, "workers": [], "something_new": {"a": 1}}'
    typed = {"Content-Type": "application/json"}
    assert console.ask("POST", "/node/report", console.node_key, content=content, headers=typed).status_code == 204
    assert console.get("/status")["agent"] == {"pid": 1}
