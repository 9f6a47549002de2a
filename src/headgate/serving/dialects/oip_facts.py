"""What clients of the Open Inference Protocol are told of models: metadata, configuration, statistics, the index."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headgate.metering.families import (
    BATCH_ROWS,
    CACHE_HITS,
    CACHE_MISSES,
    MODEL_SECONDS,
    QUEUE_SECONDS,
    REQUESTS,
    ROWS,
    TOTAL_SECONDS,
)
from headgate.metering.series_file import Totals
from headgate.records import Column, Variant
from headgate.serving.dialects.datatypes import column_datatype
from headgate.serving.dialects.dialect import Shown
from headgate.serving.dialects.oip_tensors import BYTES

PLATFORM = "headgate"
_NANO = 1e9


def metadata(shown: Shown) -> dict[str, Any]:
    """An endpoint as a model: a tensor per column."""
    return {
        "name": shown.name,
        "versions": shown.versions,
        "platform": PLATFORM,
        "inputs": [_described(column) for column in _features(shown)],
        "outputs": [_described(column) for column in shown.outputs],
    }


def config(shown: Shown) -> dict[str, Any]:
    """The same as Triton's model configuration, in which the dimension of the rows is not written."""
    return {
        "name": shown.name,
        "platform": PLATFORM,
        "backend": PLATFORM,
        "version_policy": {"specific": {"versions": [int(version) for version in shown.versions if version.isdigit()]}},
        "max_batch_size": shown.table.spec.limits.max_rows,
        "dynamic_batching": {},
        "input": [_configured(column) for column in _features(shown)],
        "output": [_configured(column) for column in shown.outputs],
    }


def index(shown: Shown) -> list[dict[str, Any]]:
    """The endpoint's versions, as a repository lists them."""
    state, reason = ("READY", "") if shown.ready else ("LOADING", "it is being loaded")
    return [
        {"name": shown.name, "version": version, "state": state, "reason": reason}
        for version in dict.fromkeys(shown.versions)
    ]


def statistics(shown: Shown, version: str, totals: Totals) -> Iterator[dict[str, Any]]:
    """What all workers have counted for each version, or for one."""
    for variant in shown.table.variants:
        number = variant.version.rpartition(":")[2]
        if version in ("", number):
            yield _counted(shown.name, number, _of(shown, variant, totals))


def _features(shown: Shown) -> Sequence[Column]:
    return [column for column in shown.table.contract.inputs if "feature" in column.roles]


def _described(column: Column) -> dict[str, Any]:
    return {"name": column.name, "datatype": column_datatype(column.dtype), "shape": [-1, *column.shape]}


def _configured(column: Column) -> dict[str, Any]:
    kind = column_datatype(column.dtype)
    data_type = "TYPE_STRING" if kind == BYTES else f"TYPE_{kind}"
    return {"name": column.name, "data_type": data_type, "dims": list(column.shape)}


def _of(shown: Shown, variant: Variant, totals: Totals) -> Mapping[str, list[list[float]]]:
    """Name of a family → the series of this version."""
    own = (("endpoint", shown.name), ("version", variant.version))
    found: dict[str, list[list[float]]] = {}
    for (name, labels), values in totals.items():
        if labels[:2] == own:
            # of answers those with 200 are timed, so that only the others are of interest
            failed = dict(labels).get("status", "") != "200"
            found.setdefault(name, []).extend([values] if name != REQUESTS or failed else [])
    return found


def _counted(name: str, version: str, found: Mapping[str, list[list[float]]]) -> dict[str, Any]:
    answers, total = _histogram(found, TOTAL_SECONDS)
    _, queue = _histogram(found, QUEUE_SECONDS)
    _, model = _histogram(found, MODEL_SECONDS)
    executions, _ = _histogram(found, BATCH_ROWS)
    return {
        "name": name,
        "version": version,
        "inference_count": int(_sum(found, ROWS)),
        "execution_count": executions,
        "inference_stats": {
            "success": _duration(answers, total),
            "fail": _duration(int(_sum(found, REQUESTS)), 0.0),
            "queue": _duration(answers, queue),
            "compute_input": _duration(answers, 0.0),
            "compute_infer": _duration(answers, model),
            "compute_output": _duration(answers, max(0.0, total - queue - model)),
            "cache_hit": _duration(int(_sum(found, CACHE_HITS)), 0.0),
            "cache_miss": _duration(int(_sum(found, CACHE_MISSES)), 0.0),
        },
        "response_stats": {},
        "batch_stats": [],
        "memory_usage": [],
    }


def _histogram(found: Mapping[str, list[list[float]]], name: str) -> tuple[int, float]:
    """How many values were counted, and their sum."""
    series = found.get(name, [])
    return int(sum(sum(values[1:]) for values in series)), sum(values[0] for values in series)


def _sum(found: Mapping[str, list[list[float]]], name: str) -> float:
    return sum(values[0] for values in found.get(name, []))


def _duration(count: int, seconds: float) -> dict[str, int]:
    return {"count": count, "ns": int(seconds * _NANO)}
