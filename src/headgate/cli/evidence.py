"""Evidence as sentences: what gates said, who acknowledged, and whatever else decided."""

from collections.abc import Iterable, Mapping
from typing import Any

from headgate.cli.rendering import joined


def sentences(evidence: Iterable[Mapping[str, Any]]) -> str:
    """One line for each piece."""
    return "\n".join(_sentence(piece) for piece in evidence)


def _sentence(piece: Mapping[str, Any]) -> str:
    kind = piece.get("kind")
    if kind == "gate":
        return _gate(piece)
    if kind == "acknowledgement":
        return _acknowledgement(piece)
    return joined(f"{name} {value}" for name, value in piece.items() if value not in (None, "", [], {}))


def _gate(piece: Mapping[str, Any]) -> str:
    remark = "" if piece.get("binding", True) else " (does not bind here)"
    remark = " (overridden)" if piece.get("forced") else remark
    return f"gate {piece['gate']}: {piece['answer']}{remark}: {piece['reason']}"


def _acknowledgement(piece: Mapping[str, Any]) -> str:
    living, acknowledged = piece.get("living", ()), piece.get("acknowledged", ())
    seconds = f" after {piece['seconds']:.1f} s" if "seconds" in piece else ""
    failures = f"; failed: {joined(piece['failures'])}" if piece.get("failures") else ""
    return f"acknowledged by {len(acknowledged)} of {len(living)} workers{seconds}{failures}"
