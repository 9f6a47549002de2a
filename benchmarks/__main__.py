"""`make bench`: measure against the references, print the report and keep the figures in a file."""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.breakdown import measure_stages, printed
from benchmarks.cases import FULL, QUICK
from benchmarks.forest import make_forest
from benchmarks.report import LAST, render
from benchmarks.results import save
from benchmarks.run import measure_all
from benchmarks.swaps import own_signing_key


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, about a minute")
    parser.add_argument("--peers", action="store_true", help="others' servers too, each in an environment of its own")
    parser.add_argument("--breakdown", action="store_true", help="only where a request's time goes")
    parser.add_argument("--output", type=Path, default=LAST, help="the file of the figures")
    chosen = parser.parse_args()
    # servers that were started are stopped then too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("benchmarks: stopped"))
    if chosen.breakdown:
        with tempfile.TemporaryDirectory() as text, own_signing_key(Path(text)):
            stages = measure_stages(Path(text), make_forest(Path(text) / "model"), FULL.stage_calls)
        sys.stdout.writelines(f"{line}\n" for line in printed(stages))
        return
    effort = QUICK if chosen.quick else FULL
    name = "quick" if chosen.quick else "full"
    result = measure_all(name, effort, lambda known: save(known, chosen.output), peers=chosen.peers)
    sys.stdout.write(render(result))


if __name__ == "__main__":
    main()
