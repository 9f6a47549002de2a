"""Errors in the log: bounded, one line each, nothing that a client sent but its request's id."""

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headgate.errors import HeadgateError, ModelError, Overloaded, SignatureMismatch, TooManyRequests
from headgate.log_lines import Json, Text
from headgate.serving.metrics import Metrics, render
from headgate.serving.priority import LOW
from headgate.serving.refusals import LINES, SECONDS, Refusals
from headgate.serving.trace import Trace

EVIL = "one\r\ntwo\x1b[31m \u2028 \u202e three"


def request(trace: Trace | None = None) -> Any:
    return SimpleNamespace(id="r-1", priority=LOW, started=0.0, trace=trace)


def lines(caplog: pytest.LogCaptureFixture, formatter: logging.Formatter) -> list[str]:
    return [formatter.format(record) for record in caplog.records]


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def refusals(tmp_path: Path, now: list[float]) -> Refusals:
    return Refusals("fraud", "fraud:1", Metrics(tmp_path, "w0").variant("fraud", "fraud:1"), lambda: now[0])


def test_a_flood_is_counted_and_its_first_lines_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    now = [5.0]
    told = refusals(tmp_path, now)
    for _ in range(LINES + 7):
        told.tell(request(), ModelError("why"))
    assert len(caplog.records) == LINES
    told.tell(request(), SignatureMismatch("another reason has lines of its own"))
    assert len(caplog.records) == LINES + 1
    now[0] += SECONDS
    told.tell(request(), ModelError("why"))
    entry = json.loads(lines(caplog, Json("w0"))[-1])
    assert entry["kept_back"] == 7
    assert f'reason="MODEL_ERROR"}} {LINES + 8}' in render(tmp_path).decode()


def test_what_was_too_much_is_counted_by_class(tmp_path: Path) -> None:
    told = refusals(tmp_path, [0.0])
    for error in (Overloaded("full"), TooManyRequests("slow down"), ModelError("not this")):
        told.tell(request(), error)
    assert 'headgate_shed_total{endpoint="fraud",version="fraud:1",priority="low"} 2' in render(tmp_path).decode()


def test_a_line_says_what_happened_and_not_what_was_sent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = refusals(tmp_path, [0.25])
    told.tell(request(Trace("a" * 32, "b" * 16, "", sampled=True)), SignatureMismatch("row 0: got 'Miller'"))
    told.tell(request(), ModelError("the matrix is singular"))
    first, second = (json.loads(line) for line in lines(caplog, Json("w0")))
    assert {name: first[name] for name in first if name != "time"} == {
        "level": "info", "process": "w0", "logger": "headgate.serving", "message": "refused", "endpoint": "fraud",
        "version": "fraud:1", "request_id": "r-1", "status": 422, "code": "SIGNATURE_MISMATCH", "latency_ms": 250.0,
        "trace_id": "a" * 32,
    }  # fmt: skip
    assert (second["level"], second["reason"]) == ("error", "the matrix is singular")


@pytest.mark.parametrize("formatter", [Json("w0"), Text("w0")], ids=["json", "text"])
def test_nobody_forges_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture, formatter: logging.Formatter) -> None:
    refusals(tmp_path, [0.0]).tell(request(), ModelError(EVIL))
    logging.getLogger("headgate").error("%s", EVIL)
    for line in lines(caplog, formatter):
        assert line.isprintable(), ascii(line)
        assert "\u202e" not in line and "\x1b" not in line
    if isinstance(formatter, Json):
        assert json.loads(lines(caplog, formatter)[0])["reason"] == EVIL


def test_a_fault_of_ours_keeps_its_trace_on_one_line_of_json(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise HeadgateError(EVIL)
    except HeadgateError:
        logging.getLogger("headgate").exception("it failed")
    (line,) = lines(caplog, Json("w0"))
    assert "\n" not in line
    assert "Traceback" in json.loads(line)["trace"]
