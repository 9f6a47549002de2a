"""One whole run: the contenders, the peers, swaps, starts and stages, in a folder of its own."""

import dataclasses
import http.client
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from benchmarks.breakdown import measure_stages
from benchmarks.calls import measure_calls
from benchmarks.cases import Effort
from benchmarks.contender import Contender, Place
from benchmarks.contenders import CONTENDERS, HEADGATE, LINEAR_CONTENDERS
from benchmarks.environments import ENVIRONMENTS, environments_folder, version_of
from benchmarks.forest import Forest, make_forest, make_linear
from benchmarks.machine import describe
from benchmarks.peers_table import PEERS
from benchmarks.results import BARE, ContenderResult, Result
from benchmarks.rounds import OPEN_LIMIT, OPEN_SHARE, measure_group, say
from benchmarks.starts import measure_starts
from benchmarks.swaps import measure_swaps, own_signing_key


def measure_all(
    name: str,
    effort: Effort,
    keep: Callable[[Result], None],
    *,
    peers: bool,
    contenders: Sequence[Contender] = CONTENDERS,
    linear: Sequence[Contender] = LINEAR_CONTENDERS,
) -> Result:
    """What `make bench` measures; `keep` is given what is known whenever it is more."""
    machine = describe()
    with tempfile.TemporaryDirectory(prefix="headgate-bench-") as text, own_signing_key(Path(text)):
        folder = Path(text)
        say("training and packaging the forest")
        forest = make_forest(folder / "model")
        place = Place(folder, forest)
        say("stages of a request")
        stages = measure_stages(folder, forest, effort.stage_calls)
        say("starts")
        start = measure_starts(forest, effort.starts)
        say("contenders")
        found = measure_group(contenders, place, effort)
        if linear:
            say("a linear model")
            light = Place(folder, make_linear(folder / "linear"))
            found += measure_group(linear, light, effort, beside=bare_server())
        result = Result(
            effort=name,
            machine=machine,
            contenders=found,
            start=start,
            stages={rows: each.parts for rows, each in stages.items()},
            profile={rows: each.profile for rows, each in stages.items()},
        )
        say("gRPC")
        result = msgspec.structs.replace(result, calls=measure_calls(place, effort))
        say("swaps")
        seconds = max(effort.open_seconds * 3, 2)
        swap = measure_swaps(folder, forest, min(OPEN_LIMIT, capacity(result) * OPEN_SHARE), seconds, effort.swaps)
        result = msgspec.structs.replace(result, swap=swap)
        keep(result)
        for peer in measure_peers(folder, forest, effort) if peers else ():
            result = msgspec.structs.replace(result, contenders=[*result.contenders, peer])
            keep(result)
        return result


def bare_server() -> Contender:
    """What the others are measured beside."""
    return next(each for each in CONTENDERS if each.name == BARE)


def capacity(result: Result) -> float:
    """Headgate's highest rate for one row."""
    ours = result.contender(HEADGATE)
    return max((case.rate for case in ours.cases if case.rows == 1), default=1000.0) if ours else 1000.0


def measure_peers(folder: Path, forest: Forest, effort: Effort) -> Iterator[ContenderResult]:
    """Each peer beside a bare server of its own, one peer after the other: several of them are busy when idle."""
    bare = bare_server()
    shorter = dataclasses.replace(effort, seconds=max(1.0, effort.seconds / 2))
    for peer in PEERS:
        say(f"{peer.name}: {peer.what}, {peer.runs}")
        try:
            result = measure_group([peer], Place(folder, forest), shorter, beside=bare)[0]
        except (OSError, http.client.HTTPException, RuntimeError, subprocess.SubprocessError) as error:
            # what a peer does under load shall not cost the figures of the others
            reason = f"broke under load: {type(error).__name__}: {error}"
            result = ContenderResult(name=peer.name, what=peer.what, runs=peer.runs, missing=reason)
            say(f"  {reason}")
        yield msgspec.structs.replace(result, version=peer_version(peer.name))


def peer_version(name: str) -> str:
    """What was installed for a peer, "bentoml 1.4.39"."""
    key = name.partition("-")[0]
    key = "pytriton" if key == "triton" else key
    distribution = "nvidia-pytriton" if key == "pytriton" else key
    if key not in ENVIRONMENTS:
        return ""
    number = version_of(environments_folder() / key, distribution)
    return f"{distribution} {number}" if number else ""
