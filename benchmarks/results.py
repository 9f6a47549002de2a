"""What a run has measured, as it is kept in a file. Times in microseconds where not named otherwise."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from benchmarks.open_loop import Observed

BARE = "bare"


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one contender."""

    rate: float
    p50: float
    p99: float
    requests: int
    errors: int
    # CPU seconds of the server for 1,000 requests
    cpu: float
    # the bare server's, in the same round
    bare_rate: float
    bare_p50: float
    bare_p99: float
    bare_cpu: float


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """All rounds of one case."""

    form: str
    rows: int
    connections: int
    rounds: list[Round]

    def middle(self, value: Callable[[Round], float]) -> float:
        """The median over the rounds."""
        return statistics.median(value(found) for found in self.rounds)

    @property
    def rate(self) -> float:
        return self.middle(lambda found: found.rate)

    @property
    def ratio(self) -> float:
        """The rate as a share of the bare server's in the same round."""
        return self.middle(lambda found: found.rate / found.bare_rate)

    @property
    def spread(self) -> float:
        """Half of the distance between the slowest and the fastest round, as a share of the median."""
        rates = [found.rate for found in self.rounds]
        return (max(rates) - min(rates)) / 2 / self.rate

    @property
    def errors(self) -> int:
        return sum(found.errors for found in self.rounds)


class OpenResult(msgspec.Struct, frozen=True, kw_only=True):
    """The open loop at 30 % of what 32 connections reached, or at the driver's limit."""

    rows: int
    share: float
    seen: Observed


class ContenderResult(msgspec.Struct, frozen=True, kw_only=True):
    """One contender; `missing` says why nothing was measured."""

    name: str
    what: str
    runs: str
    missing: str = ""
    # seconds from the command to the first right answer
    cold_start: float = 0.0
    # proportional set size of all its processes after the load, in megabytes, and their number
    memory: float = 0.0
    processes: int = 0
    cases: list[CaseResult] = []
    open_loop: list[OpenResult] = []
    # answers compared with the model's before, during and after the load, and those that differed
    checked: int = 0
    wrong: int = 0
    version: str = ""

    def case(self, form: str, rows: int, connections: int) -> CaseResult | None:
        """The case, where it was measured."""
        wanted = (form, rows, connections)
        return next((case for case in self.cases if (case.form, case.rows, case.connections) == wanted), None)


class SwapResult(msgspec.Struct, frozen=True, kw_only=True):
    """Versions replaced under an open loop at 30 % of the capacity."""

    swaps: int
    before: Observed
    during: Observed
    # megabytes of agent and worker before the first and after the last swap
    memory_before: float
    memory_after: float


class CallRound(msgspec.Struct, frozen=True, kw_only=True):
    """One run over gRPC, ours and the bare server's: calls per second, and CPU seconds for 1,000 of them."""

    rate: float
    cpu: float
    bare_rate: float
    bare_cpu: float
    errors: int


class CallsResult(msgspec.Struct, frozen=True, kw_only=True):
    """One row as a raw tensor over gRPC, on 32 connections."""

    rounds: list[CallRound]

    @property
    def ratio(self) -> float:
        """The rate as a share of the bare server's in the same round."""
        return statistics.median(found.rate / found.bare_rate for found in self.rounds)


class StartResult(msgspec.Struct, frozen=True, kw_only=True):
    """`headgate serve`: seconds from the command to the first right answer, each time."""

    compiled: list[float]
    raw: list[float]


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was measured, without naming it."""

    cores: int
    processor: str
    memory: int  # GiB
    python: str
    driver: str
    load: float  # of the last minute, before the run
    versions: dict[str, str]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    format: int = 1
    effort: str  # "full" or "quick"
    machine: Machine
    contenders: list[ContenderResult] = []
    swap: SwapResult | None = None
    start: StartResult | None = None
    calls: CallsResult | None = None
    # rows of a request → part of its way → microseconds
    stages: dict[str, dict[str, float]] = {}
    # rows of a request → function → share of the time, most first
    profile: dict[str, dict[str, float]] = {}
    # contenders that this run did not measure, of an earlier one on such a machine
    kept: tuple[str, ...] = ()

    def with_peers_of(self, earlier: "Result") -> "Result":
        """The same with the contenders that only the earlier run has measured; their ratios are to its own rounds."""
        own = {found.name for found in self.contenders}
        more = [found for found in earlier.contenders if found.name not in own]
        return msgspec.structs.replace(
            self, contenders=[*self.contenders, *more], kept=tuple(found.name for found in more)
        )

    def contender(self, name: str) -> ContenderResult | None:
        """The contender, where it was measured."""
        return next((found for found in self.contenders if found.name == name and not found.missing), None)

    def best(self, names: Sequence[str], form: str, rows: int, connections: int) -> ContenderResult | None:
        """Of some contenders the one with the highest share of the bare server's rate."""
        found = [one for name in names if (one := self.contender(name)) and one.case(form, rows, connections)]
        return max(found, key=lambda one: _ratio(one.case(form, rows, connections)), default=None)


def _ratio(case: CaseResult | None) -> float:
    return case.ratio if case else 0.0


def save(result: Result, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")


def load(path: Path) -> Result:
    return msgspec.json.decode(path.read_bytes(), type=Result)
