"""Records that say by their number what must be in them, small spools to write them to, and a process that does."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from headgate.spool.layout import Head, Requests
from headgate.spool.reading import Fault, read_records
from headgate.spool.segment import BY_CALL, SpoolWriter

SEGMENT = 8192
LIMIT = 6 * SEGMENT
START = 10**18


def rows_of(number: int) -> int:
    """Some records are written by a call, most are not."""
    return BY_CALL // 8 if number % 23 == 0 else 1 + number % 3


def small_writer(spool: Path, name: str) -> SpoolWriter:
    return SpoolWriter(spool, name, LIMIT, segment_bytes=SEGMENT)


def write(writer: SpoolWriter, first: int, count: int) -> None:
    """Write so many records, as batches of one and alone in turn."""
    schema = writer.schema("fraud", "fraud:1", [("n", "float64")], ["predictions"])
    for number in range(first, first + count):
        matrix = np.full((rows_of(number), 1), float(number))
        if number % 2:
            assert writer.append(Head(schema, 200, START + number, 1, f"r{number}"), matrix, None)
        else:
            requests = Requests([f"r{number}"], [1], [rows_of(number)], [f"{number:048x}"])
            assert writer.append_batch(schema, requests, START + number, 200, matrix, None)


def numbers_of(spool: Path, faults: list[Fault]) -> list[int]:
    """The numbers of the records that are read, sorted; each must be the record that was written."""
    found = read_records(spool, "fraud", 10**6, faults.append)
    for record in found:
        number = int(record["id"][1:])
        assert record["inputs"] == {"n": [float(number)] * rows_of(number)}
        if number % 2 == 0 and number:
            assert record["trace_id"] + record["span_id"] == f"{number:048x}"
    return sorted(int(record["id"][1:]) for record in found)


def bytes_in(spool: Path) -> int:
    """What the files take; one that is renamed meanwhile counts once."""
    found = {}
    for path in spool.rglob("*"):
        with suppress(FileNotFoundError):
            state = path.stat()
            found[state.st_ino] = state.st_size if path.suffix else 0
    return sum(found.values())


def start_writing(spool: Path, name: str, first: int = 0) -> subprocess.Popen[bytes]:
    """A process that writes one record after the other and prints the number of each that is written."""
    command = [sys.executable, "-m", "tests.spool.numbered_records", str(spool), name, str(first)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0, cwd=Path(__file__).parents[2])


def main() -> None:
    writer = small_writer(Path(sys.argv[1]), sys.argv[2])
    for number in range(int(sys.argv[3]), 10**6):
        write(writer, number, 1)
        os.write(1, b"%d\n" % number)


if __name__ == "__main__":
    main()
