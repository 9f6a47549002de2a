"""What the agent knows of crashes, beside what processes count of themselves: one that died cannot count that."""

from headgate.crashes import read_crashes
from headgate.home import Home
from headgate.metering.families import CRASHES
from headgate.metering.series_file import Totals


def crashed(home: Home) -> Totals:
    """By version, and by what ran it; empty while nothing has crashed."""
    found: Totals = {}
    for count in read_crashes(home):
        labels = (("version", count.version), ("digest", count.digest[:12]))
        found[CRASHES, (*labels, ("process", "worker"))] = [float(count.workers)]
        found[CRASHES, (*labels, ("process", "host"))] = [float(count.hosts)]
    return found
