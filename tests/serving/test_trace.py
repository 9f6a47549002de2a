"""W3C Trace Context, level 1: what is taken on, and what begins a new trace."""

import re

import pytest
from tests.serving.worker_process import WorkerProcess

from headgate.serving.trace import trace_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("value", "sampled"),
    [
        (GOOD, True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-fe", False),
        (f" {GOOD}\t", True),
        (f"01-{TRACE}-{SPAN}-03", True),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", True),
    ],
)
def test_a_trace_is_taken_on(value: str, sampled: bool) -> None:
    trace = trace_of({"traceparent": value.encode(), "tracestate": b"vendor=1"})
    assert (trace.trace_id, trace.parent_id, trace.sampled, trace.state) == (TRACE, SPAN, sampled, "vendor=1")
    # flags of later levels are not passed on: we do not know what they promise
    assert re.fullmatch(rf"00-{TRACE}-(?!{SPAN})[0-9a-f]{{16}}-0{int(sampled)}", trace.parent)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        GOOD.upper(),
        GOOD + "-more",
        GOOD + "-",
        GOOD + "x",
        "cc" + GOOD[2:] + "more",
        "ff" + GOOD[2:],
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}0-01",
        f"00-{TRACE}-{SPAN}-1",
        f"{GOOD}, {GOOD}",
        f"00-{TRACE}-{SPAN}-0\u00e9",
    ],
)
def test_what_is_not_valid_begins_a_new_trace(value: str) -> None:
    trace = trace_of({"traceparent": value.encode("latin-1"), "tracestate": b"vendor=1"})
    assert trace.trace_id != TRACE and re.fullmatch("[0-9a-f]{32}", trace.trace_id)
    assert (trace.parent_id, trace.sampled, trace.state) == ("", False, "")


def test_a_state_that_is_no_text_is_dropped_alone() -> None:
    trace = trace_of({"traceparent": GOOD.encode(), "tracestate": b"a=\xff"})
    assert (trace.trace_id, trace.state) == (TRACE, "")


def test_the_answer_names_our_span(worker: WorkerProcess) -> None:
    spans = set()
    for body in ({"instances": [[1.0, 2.0, 3.0]]}, {"instances": [["wrong"]]}):
        for _ in range(2):
            answer = worker.predict(body, traceparent=GOOD)
            said = answer.headers["traceresponse"].split("-")
            assert (said[0], said[1], said[3]) == ("00", TRACE, "01")
            spans.add(said[2])
    assert len(spans) == 4
    assert "traceresponse" not in worker.predict({"instances": [[1.0, 2.0, 3.0]]}).headers
