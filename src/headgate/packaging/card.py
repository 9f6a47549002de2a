"""The model card: what a reader should know of a model, made from its manifest alone."""

from string import Template

from headgate.bundle.manifest import Manifest
from headgate.records import Column

CARD = Template("""# $name

| | |
|---|---|
| task | $task |
| framework | $framework |
| serves | $serves |
| trained | $trained |
| data | $data |
| code | $code |

$because

## Inputs

| column | type | nullable | roles | values |
|---|---|---|---|---|
$inputs

## Outputs

| column | type |
|---|---|
$outputs

## Quality

$metrics

## Environment

Python $python$packages

## Limits

$limits
""")
SHOWN = 8  # levels of a column


def write_card(manifest: Manifest) -> bytes:
    """The card as Markdown; the same manifest gives the same bytes."""
    lineage = manifest.lineage
    rows = f"{lineage.data_rows} rows" if lineage.data_rows else "not given"
    text = CARD.substitute(
        name=_cell(manifest.name),
        task=manifest.task + (f" of {_levels(manifest.classes)}" if manifest.classes else ""),
        framework=f"{manifest.framework} {manifest.framework_version}".strip(),
        serves=manifest.serves,
        because=manifest.serves_because,
        trained=_cell(lineage.trained_at) or "not given",
        data=_cell(", ".join(filter(None, (rows, lineage.data_source, lineage.data_digest)))),
        code=_cell(" ".join(filter(None, (lineage.code, lineage.git_commit)))) or "not given",
        inputs="\n".join(_input_row(column) for column in manifest.signature.inputs),
        outputs="\n".join(f"| {column.name} | {_type(column)} |" for column in manifest.signature.outputs),
        metrics=_metrics(manifest),
        python=manifest.environment.python,
        packages="".join(f", {name} {version}" for name, version in sorted(manifest.environment.packages.items())),
        limits="\n".join(f"- {line}" for line in _limits(manifest)),
    )
    return text.encode()


def _input_row(column: Column) -> str:
    return (
        f"| {_cell(column.name)} | {_type(column)} | {'yes' if column.nullable else 'no'} | "
        f"{', '.join(column.roles)} | {_cell(_values(column))} |"
    )


def _type(column: Column) -> str:
    return column.dtype + (f"{list(column.shape)}" if column.shape else "")


def _values(column: Column) -> str:
    if "sensitive" in column.roles:
        return "not shown"
    if column.categories:
        return _levels(column.categories)
    if column.minimum is None or column.maximum is None:
        return ""
    return f"{column.minimum:g} to {column.maximum:g}"


def _levels(levels: tuple[object, ...]) -> str:
    more = f" and {len(levels) - SHOWN} more" if len(levels) > SHOWN else ""
    return ", ".join(str(level) for level in levels[:SHOWN]) + more


def _metrics(manifest: Manifest) -> str:
    if not manifest.metrics:
        return "No holdout was given: nothing is known of its quality on data that it has not seen."
    lines = [f"| {name} | {value:.4g} |" for name, value in sorted(manifest.metrics.items())]
    return "\n".join(["| on the holdout | |", "|---|---|", *lines])


def _limits(manifest: Manifest) -> list[str]:
    lines = (
        [] if manifest.lineage.data_rows else ["Packaged without data: ranges and levels of its inputs are unknown."]
    )
    for name, form in sorted(manifest.forms.items()):
        if form.refused:
            lines.append(f"The form {name} is refused: {_cell(form.refused)}.")
        elif form.parity:
            lines.append(
                f"The form {name} was compared with the original on {form.parity.rows} rows, split points included: "
                f"no label differs, numbers by {form.parity.max_difference:.2g} at most."
            )
    if manifest.trusted_code:
        lines.append(f"It runs code that was trusted by name: {', '.join(manifest.trusted_code)}.")
    sensitive = [column.name for column in manifest.signature.inputs if "sensitive" in column.roles]
    if sensitive:
        lines.append(
            f"Sensitive: {', '.join(map(_cell, sensitive))}. The estimator itself may hold what it learnt of them."
        )
    return lines + _unlocked(manifest) or ["None are known."]


def _unlocked(manifest: Manifest) -> list[str]:
    reason = manifest.environment.unlocked
    if not reason or manifest.framework == "onnx":
        return []
    return [f"Its environment cannot be built elsewhere: {reason}."]


def _cell(text: str) -> str:
    """Text that cannot leave its cell."""
    return " ".join(text.split()).replace("|", "\\|")
