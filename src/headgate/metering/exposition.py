"""Series as Prometheus reads them: the text format, version 0.0.4."""

from collections.abc import Mapping

from headgate.metering.families import Family
from headgate.metering.series_file import Labels, Totals

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(families: Mapping[str, Family], totals: Totals) -> bytes:
    """All series, by family in the families' order."""
    by_family: dict[str, list[tuple[Labels, list[float]]]] = {}
    for (name, labels), values in sorted(totals.items()):
        by_family.setdefault(name, []).append((labels, values))
    lines: list[str] = []
    for name, family in families.items():
        if name in by_family:
            lines += (f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}")
            for labels, values in by_family[name]:
                lines += _samples(name, family, labels, values)
    return "\n".join([*lines, ""]).encode()


def _samples(name: str, family: Family, labels: Labels, values: list[float]) -> list[str]:
    if len(values) != family.length:
        return []  # counted by a release with other buckets
    if not family.bounds:
        return [f"{name}{_braces(labels)} {_number(values[0])}"]
    lines, count = [], 0.0
    for bound, value in zip((*(repr(bound) for bound in family.bounds), "+Inf"), values[1:], strict=True):
        count += value
        lines.append(f"{name}_bucket{_braces((*labels, ('le', bound)))} {_number(count)}")
    return [*lines, f"{name}_sum{_braces(labels)} {values[0]!r}", f"{name}_count{_braces(labels)} {_number(count)}"]


def _braces(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{label}="{_escaped(value)}"' for label, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
