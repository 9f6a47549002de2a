"""`headgate optimize`: what a bundle's compiled model could be instead, and at what cost."""

import math
from pathlib import Path
from typing import Any

import click

from headgate.bundle.bundle import open_bundle
from headgate.cli.options import PlainCommand, output_or_file
from headgate.cli.package import described
from headgate.cli.progress import steps_line
from headgate.cli.rendering import say, show_done, show_list
from headgate.optimizing.candidate import AS_IT_IS, Measured
from headgate.optimizing.optimize import Study, choose, study

KILO = 1000


@click.command(cls=PlainCommand)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--holdout", required=True, metavar="F", type=click.Path(path_type=Path), help="Rows to compare on.")
@click.option("--target", metavar="C", help="Column of the holdout with the true answers.")
@click.option("--data", metavar="F", type=click.Path(path_type=Path), help="Rows to calibrate int8-static with.")
@click.option("--choose", "chosen", metavar="NAME", help="Package the variant of that name.")
@output_or_file("Folder, or .hgb file, for --choose; default: NAME-VARIANT.hgb.")
def optimize(
    bundle: Path, holdout: Path, target: str | None, data: Path | None, chosen: str | None, output: str | None
) -> None:
    """Measure variants of BUNDLE's compiled form: fewer bits, fewer trees, more threads.

    Those that no other variant beats in speed, size and quality are marked. Nothing is changed: `--choose` packages
    one as a bundle of its own, which is registered, gated and approved like any other.
    """
    opened = open_bundle(bundle)
    with (
        steps_line(f"optimizing {opened.manifest.name}") as progress,
        study(opened, holdout, target, data, progress) as found,
    ):
        if not chosen:
            _show(found)
            return
        where = output or f"{opened.manifest.name}-{chosen}.hgb"
        made = choose(found, chosen, Path(where))
    show_done(described(made, where), f"{made.manifest.serves_because}\nnext: headgate register {where}", brief="path")


def _show(found: Study) -> None:
    origin = found.find(AS_IT_IS)
    columns: dict[str, Any] = {
        "variant": lambda item: item["variant"],
        "best": lambda item: "*" if item["best"] else "",
        "µs: 1 row": lambda item: f"{item['one_row_us']:.1f}",
        "µs: 1000 rows": lambda item: f"{item['thousand_rows_us']:.0f}",
        "faster at 1 / 1000": lambda item: f"{item['faster_at_one']:.2f} / {item['faster_at_thousand']:.2f}",
        "kB": lambda item: f"{item['bytes'] / KILO:.1f}",
        found.metric or "quality": lambda item: "unknown" if item["metric"] is None else f"{item['metric']:.4g}",
        "labels that differ": lambda item: item["labels_differ"],
        "largest difference": lambda item: f"{item['max_difference']:.0e}",
    }
    items = [_item(each, origin) for each in found.measured]
    show_list(items, columns, empty="", brief="variant")
    for candidate in found.refused:
        say(f"{candidate.name}: {candidate.refused}")
    say("* no other variant beats it in speed, size and quality. Package one with --choose VARIANT.")


def _item(each: Measured, origin: Measured) -> dict[str, Any]:
    return {
        "variant": each.candidate.name,
        "best": each.best,
        "one_row_us": round(each.one * 1e6, 2),
        "thousand_rows_us": round(each.many * 1e6, 1),
        "faster_at_one": round(origin.one / each.one, 3),
        "faster_at_thousand": round(origin.many / each.many, 3),
        "bytes": each.size,
        "metric": None if math.isnan(each.metric) else each.metric,
        "rows": each.parity.rows,
        "labels_differ": each.parity.labels_differ,
        "max_difference": each.parity.max_difference,
    }
