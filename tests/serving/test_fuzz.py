"""Any bytes, in every format and dialect of the tables: rows or a refusal, in bounded time."""

import gc
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.fuzzing import BUDGET_SECONDS, SAMPLES, SLACK, SPOKEN, dialect_of, hostile, read, subject

from headgate.errors import Malformed
from headgate.serving.dialects.registry import DIALECTS
from headgate.serving.formats.registry import FORMATS

FUZZ_SECONDS = 10
SUBJECTS = [*FORMATS, *SPOKEN]


@pytest.fixture(autouse=True, scope="module")
def small_heap() -> Iterator[None]:
    """As in a worker, the collector leaves alone what was there before: here, all that other tests have left."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def test_every_format_has_a_body_to_begin_from() -> None:
    assert list(SAMPLES) == list(FORMATS)
    assert {dialect_of(name) for name in SPOKEN} == DIALECTS.keys()
    for name in SUBJECTS:
        sample, decode, _ = subject(name)
        assert decode(sample(2)).count == 2


@pytest.mark.parametrize("name", SUBJECTS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_damaged_bodies(name: str, data: st.DataObject) -> None:
    """Bytes changed, cut out, put in and repeated."""
    sample, decode, contract = subject(name)
    body = sample(2)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body)))
        length = data.draw(st.integers(0, 8))
        piece = data.draw(st.binary(max_size=8) | st.just(body[place : place + length] * 3))
        body = body[:place] + piece + body[place + length :]
    read(decode, body, contract)


@pytest.mark.parametrize("name", SUBJECTS)
def test_work_is_bounded_by_the_size(name: str) -> None:
    """Whole, and refused for its last bytes, which is when a body is looked at twice."""
    sample, decode, contract = subject(name)
    rows = next(count for count in (600, 1200, 2400, 4800, 9600) if len(sample(count)) > 40_000 or count > 9000)
    body = sample(rows)
    bodies = {"whole": body, "cut": body[:-9], "wrong last": body[:-40] + bytes(reversed(body[-40:]))}
    for kind, content in bodies.items():
        seconds = read(decode, content, contract) / max(1, len(content) / 100_000)
        print(f"{name} {kind}: {seconds * 1e3:.1f} ms per 100 kB; promised {BUDGET_SECONDS * 1e3:g}, held to x{SLACK}")  # noqa: T201 (a figure, not asserted)


@pytest.mark.parametrize("name", SPOKEN)
def test_hostile_bodies(name: str) -> None:
    sample, decode, contract = subject(name)
    for kind, body in hostile(sample(2)).items():
        seconds = read(decode, body, contract) / max(1, len(body) / 100_000)
        if seconds > BUDGET_SECONDS / 2:
            print(f"{name} {kind}: {seconds * 1e3:.1f} ms per 100 kB")  # noqa: T201 (a figure, not asserted)


@pytest.mark.parametrize(
    "name", ["tfs", "kserve", "kserve-event", "mlflow", "torchserve", "vertex", "azureml", "sagemaker"]
)
def test_no_key_twice(name: str) -> None:
    sample, decode, _ = subject(name)
    body = sample(2).replace(b'"x"', b'"x": 1.0, "x"', 1)
    with pytest.raises(Malformed, match="occurs twice"):
        decode(body)


@pytest.mark.heavy
@pytest.mark.parametrize("name", SUBJECTS)
def test_coverage_guided(name: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed; the dependency group `fuzz` brings it where it has wheels")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for count in (1, 2):
        (corpus / str(count)).write_bytes(subject(name).sample(count))
    command = [sys.executable, "-m", "tests.serving.fuzzing", name, f"-max_total_time={FUZZ_SECONDS}", "-max_len=4096"]
    command += [f"-artifact_prefix={tmp_path}/", "-rss_limit_mb=1024", str(corpus)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=root, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    print(f"{name}: {done.stderr.strip().splitlines()[-1]}")  # noqa: T201 (how many bodies were tried)
