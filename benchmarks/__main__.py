"""`make bench`: measure against the references and print the tables. `ARGS=--quick` for a first look."""

import argparse

from benchmarks import breakdown, endpoint

parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
parser.add_argument("--breakdown", action="store_true", help="only where a request's time goes")
chosen = parser.parse_args()
breakdown.main()
if not chosen.breakdown:
    endpoint.main(chosen.quick)
