"""Contenders side by side: all of a group are started, then take turns in every round, so that whatever else the
machine does falls on each of them; what counts is the ratio to the bare server of the same round."""

import http.client
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from benchmarks.cases import Case, Effort
from benchmarks.contender import Contender, NotAvailable, Place, Question, questions
from benchmarks.load import Measured, drive
from benchmarks.open_loop import Plan, observe
from benchmarks.processes import Running, free_port, running
from benchmarks.results import BARE, CaseResult, ContenderResult, OpenResult, Round

OPEN_SHARE = 0.3
# requests a second beyond which the driver, not the server, would be measured
OPEN_LIMIT = 20_000.0
SAMPLE_SECONDS = 0.2


@dataclass
class Entrant:
    """A contender that runs, and what was seen of it so far."""

    contender: Contender
    place: Place
    server: Running
    cold_start: float
    cases: dict[Case, list[Round]] = field(default_factory=dict)
    open_loop: list[OpenResult] = field(default_factory=list)
    checked: int = 0
    wrong: int = 0

    def asked(self, case: Case) -> list[Question]:
        return questions(self.contender, self.place.forest, case.form, case.rows)

    def check(self, asked: Sequence[Question]) -> None:
        """Ask each question once, and count what is answered wrong."""
        for question in asked:
            self.checked += 1
            try:
                fault = self.server.ask(self.contender.path, question)
            except (OSError, http.client.HTTPException) as error:
                fault = f"{type(error).__name__}: {error}"
            if fault:
                self.wrong += 1
                say(f"    {self.contender.name}: {fault}")

    @contextmanager
    def sampled(self, asked: Sequence[Question]) -> Iterator[None]:
        """Meanwhile, ask now and then and look at the answer."""
        over = threading.Event()

        def sample() -> None:
            place = 0
            while not over.wait(SAMPLE_SECONDS):
                # what is refused or lost under load is counted by the load itself
                with suppress(OSError, http.client.HTTPException):
                    fault = self.server.ask(self.contender.path, asked[place % len(asked)])
                    self.checked += 1
                    self.wrong += bool(fault) and not fault.startswith("status")
                place += 1

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def measure_group(
    group: Sequence[Contender], place: Place, effort: Effort, beside: Contender | None = None
) -> list[ContenderResult]:
    """Every contender of a group; those that cannot run are in the results too.

    The bare server is one of the group, or it is what runs `beside` and is not in the results.
    """
    missing: dict[str, str] = {}
    entrants: list[Entrant] = []
    with ExitStack() as stack:
        for contender in group:
            try:
                entrants.append(_enter(stack, contender, place))
            except NotAvailable as error:
                missing[contender.name] = str(error)
                say(f"  {contender.name}: {error}")
        if entrants:
            others = [_enter(stack, beside, place)] if beside else []
            _take_turns(entrants, others, effort)
        results = {entrant.contender.name: _result(entrant) for entrant in entrants}
    return [results.get(each.name) or _missing(each, missing[each.name]) for each in group]


def _enter(stack: ExitStack, contender: Contender, place: Place) -> Entrant:
    """Start it and wait for its first right answer."""
    port = free_port()
    server = stack.enter_context(running(contender.prepare(place, port), port))
    form = next(iter(contender.bodies))
    first = questions(contender, place.forest, form, 1, 1)[0]
    entrant = Entrant(contender, place, server, server.wait_for(contender.path, first, contender.patience))
    say(f"  {contender.name} answers after {entrant.cold_start:.2f} s")
    return entrant


def _take_turns(entrants: Sequence[Entrant], others: Sequence[Entrant], effort: Effort) -> None:
    for case in effort.cases:
        taking = [entrant for entrant in entrants if case.form in entrant.contender.bodies]
        if not taking:
            continue
        taking += others
        for entrant in taking:
            entrant.check(entrant.asked(case))
            _drive(entrant, case, effort.warm_up)
        for _ in range(effort.rounds):
            _one_round(taking, case, effort.seconds)
        for entrant in taking:
            entrant.check(entrant.asked(case))
    for rows in effort.open_rows:
        for entrant in entrants:
            _open(entrant, rows, effort.open_seconds)


def _one_round(entrants: Sequence[Entrant], case: Case, seconds: float) -> None:
    found = {}
    for entrant in entrants:
        with entrant.sampled(entrant.asked(case)):
            found[entrant.contender.name] = _drive(entrant, case, seconds)
    bare, bare_cpu = found[BARE]
    for entrant in entrants:
        measured, cpu = found[entrant.contender.name]
        entrant.cases.setdefault(case, []).append(
            Round(
                rate=measured.rate, p50=measured.p50, p99=measured.p99, requests=measured.requests,
                errors=measured.errors, cpu=cpu, bare_rate=bare.rate, bare_p50=bare.p50, bare_p99=bare.p99,
                bare_cpu=bare_cpu,
            )
        )  # fmt: skip
        say(
            f"  {case.rows:>4} {case.form:<9} c={case.connections:<3} {entrant.contender.name:<20} "
            f"{measured.rate:>9,.0f}/s {measured.rate / bare.rate:6.3f} p99 {measured.p99 / 1e3:8.2f} ms"
        )


def _drive(entrant: Entrant, case: Case, seconds: float) -> tuple[Measured, float]:
    """One run, and the server's CPU seconds for 1,000 requests."""
    before = entrant.server.cpu_seconds()
    body, contender = entrant.asked(case)[0].body, entrant.contender
    measured = drive(entrant.server.port, contender.path, body, case.connections, seconds, contender.headers)
    return measured, (entrant.server.cpu_seconds() - before) / max(1, measured.requests) * 1e3


def _open(entrant: Entrant, rows: int, seconds: float) -> None:
    """The open loop, where the capacity is known: of the most connections that were measured."""
    known = [case for case in entrant.cases if case.form == "instances" and case.rows == rows]
    if not known:
        return
    widest = max(known, key=lambda case: case.connections)
    capacity = max(found.rate for found in entrant.cases[widest])
    rate = min(OPEN_LIMIT, capacity * OPEN_SHARE)
    seen = observe(plan_for(entrant, entrant.asked(widest), rate, seconds), entrant.contender.read)
    entrant.checked += seen.answered // 16
    entrant.wrong += seen.wrong
    entrant.open_loop.append(OpenResult(rows=rows, share=rate / capacity, seen=seen))
    say(f"  {rows:>4} open loop {rate:7,.0f}/s {entrant.contender.name:<20} p99 {seen.p99 / 1e3:8.2f} ms")


def plan_for(entrant: Entrant, asked: Sequence[Question], rate: float, seconds: float) -> Plan:
    return Plan(
        port=entrant.server.port,
        path=entrant.contender.path,
        bodies=[question.body for question in asked],
        labels=[question.labels for question in asked],
        rate=rate,
        seconds=seconds,
        headers=dict(entrant.contender.headers),
    )


def _result(entrant: Entrant) -> ContenderResult:
    contender = entrant.contender
    return ContenderResult(
        name=contender.name,
        what=contender.what,
        runs=contender.runs,
        cold_start=entrant.cold_start,
        memory=entrant.server.memory(),
        processes=len(entrant.server.members()),
        cases=[
            CaseResult(form=case.form, rows=case.rows, connections=case.connections, rounds=rounds)
            for case, rounds in entrant.cases.items()
        ],
        open_loop=entrant.open_loop,
        checked=entrant.checked,
        wrong=entrant.wrong,
    )


def _missing(contender: Contender, reason: str) -> ContenderResult:
    return ContenderResult(name=contender.name, what=contender.what, runs=contender.runs, missing=reason)
