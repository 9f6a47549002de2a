"""The candidates: every way to change a compiled model that is known here, tried on one."""

import os
from collections.abc import Callable, Iterator, Sequence

from headgate.errors import ModelError
from headgate.optimizing.candidate import AS_IT_IS, Candidate
from headgate.optimizing.narrow import is_double, narrow
from headgate.optimizing.prune import adds_up, keep_trees, trees_in
from headgate.optimizing.quantize import Feed, halve, quantize_dynamically, quantize_statically
from headgate.runtimes.onnx_session import THREADS

SHARES = (0.5, 0.25, 0.1)
THREAD_COUNTS = (2, 4, 8)
NO_ROWS = "give --data: rows of it show the ranges of what goes through the model"
# of two makings of a candidate, the one that answers more like the model
Closer = Callable[[Candidate, Candidate], Candidate]


def candidates(content: bytes, options: dict[str, str], feeds: Sequence[Feed], closer: Closer) -> Iterator[Candidate]:
    """The model as it is, and each variant of it; `feeds` are inputs of its graph to calibrate with."""
    yield Candidate(AS_IT_IS, content, options)
    processors = os.cpu_count() or 1
    for threads in (count for count in THREAD_COUNTS if count <= processors):
        yield Candidate(f"threads-{threads}", content, options | {THREADS: str(threads)})
    if is_double(content):
        yield _made("fp32", options, lambda: narrow(content))
    yield _made("fp16", options, lambda: halve(narrow(content)))
    yield _made("int8-dynamic", options, lambda: quantize_dynamically(narrow(content)))
    if feeds:
        yield _made("int8-static", options, lambda: quantize_statically(narrow(content), feeds))
    else:
        yield Candidate("int8-static", refused=NO_ROWS)
    if trees_in(content) > 1:
        for share in SHARES:
            yield _thinned(content, options, share, closer)


def _made(name: str, options: dict[str, str], make: Callable[[], bytes]) -> Candidate:
    try:
        return Candidate(name, make(), options)
    except ModelError as error:
        return Candidate(name, refused=error.message)


def _thinned(content: bytes, options: dict[str, str], share: float, closer: Closer) -> Candidate:
    name = f"trees-{share * 100:.0f}"
    total = _made(name, options, lambda: keep_trees(content, share, rescale=False))
    if total.refused or adds_up(content):
        return total
    # the graph does not say whether the trees' weights are parts of a mean or of a sum; the answers do
    return closer(total, _made(name, options, lambda: keep_trees(content, share, rescale=True)))
