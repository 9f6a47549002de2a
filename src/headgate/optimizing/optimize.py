"""`headgate optimize`: variants of a bundle's compiled model, measured; the chosen one as a bundle of its own."""

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from headgate.bundle.bundle import Bundle, verified_bytes
from headgate.bundle.manifest import CARD, GOLDEN, PROFILE, Manifest, canonical_bytes
from headgate.errors import NotFound, Refused, SignatureMismatch, Unavailable
from headgate.optimizing.candidate import AS_IT_IS, Candidate, Measured
from headgate.optimizing.candidates import candidates
from headgate.optimizing.quantize import Feed
from headgate.optimizing.trial import DECIDING, FILE, FORM, Trial, rank, with_candidate
from headgate.packaging.card import write_card
from headgate.packaging.case import profile_answers
from headgate.packaging.draft import Draft, deliver, drafting, seal
from headgate.packaging.environment import name_packages
from headgate.packaging.frameworks.framework import Kept, Recognised
from headgate.packaging.frameworks.onnx import ONNX
from headgate.packaging.golden import make_golden
from headgate.packaging.lock import lock
from headgate.packaging.native import load_form
from headgate.packaging.sources import Source, read_holdout, read_training
from headgate.packaging.table import Table, read_table
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.onnx import plan_inputs
from headgate.runtimes.onnx_session import open_session
from headgate.runtimes.runtime import Outputs

CALIBRATED = 200  # rows that show the ranges
ROWS = 5_000  # rows that are compared at most
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Study:
    """All candidates of one bundle: what was measured, and what could not be made."""

    bundle: Bundle
    metric: str  # name of the metric that was compared; empty where the true answers are not known
    measured: tuple[Measured, ...]
    refused: tuple[Candidate, ...]
    trial: Trial

    def find(self, name: str) -> Measured:
        """The measured candidate of that name; raises `NotFound` or, with the reason, `Refused`."""
        for each in self.measured:
            if each.candidate.name == name:
                return each
        for candidate in self.refused:
            if candidate.name == name:
                raise Refused(f"The variant {name} could not be made: {candidate.refused}.")
        known = ", ".join(each.candidate.name for each in self.measured)
        raise NotFound(f"There is no variant {name!r}; measured were {known}.")


@contextmanager
def study(bundle: Bundle, holdout: Any, target: Any, data: Any = None, tell: Progress | None = None) -> Iterator[Study]:
    """Make and measure every variant of the bundle's compiled form.

    `holdout` are rows that the model has not seen, with the true answers in the column `target` where they are known;
    `data` are rows to calibrate static quantisation with. Raises `NotFound` for a bundle without a compiled form,
    `Unavailable` without the extra `convert`, `SignatureMismatch` for rows that do not fit.
    """
    content, options = _compiled(bundle)
    if importlib.util.find_spec("onnx") is None:
        raise Unavailable("Changing a graph needs the package onnx: pip install 'headgate[convert]'.")
    rows = _rows(holdout, target)
    with tempfile.TemporaryDirectory(prefix="headgate-optimize-") as folder:
        original = load_form(bundle.folder, bundle.manifest, FORM)
        trial = Trial(Path(folder), bundle.manifest, rows, original.predict(rows.table))
        # a target that does not fit is said now, and not as the failure of every variant
        metrics = trial.metrics(trial.original)
        feeds = _feeds(bundle.manifest, content, read_table(data)) if data is not None else []
        measured: list[Measured] = []
        refused: list[Candidate] = []
        for candidate in candidates(content, options, feeds, trial.closer):
            if tell:
                tell(candidate.name)
            found = candidate if candidate.refused else trial.measure(candidate)
            if isinstance(found, Measured):
                measured.append(found)
            else:
                refused.append(found)
        metric = DECIDING[bundle.manifest.task][0] if metrics else ""
        yield Study(bundle, metric, tuple(rank(measured, bundle.manifest.task)), tuple(refused), trial)


def choose(found: Study, name: str, output: Path) -> Bundle:
    """The variant of that name as a bundle of its own, signed, with the original's digest in its lineage.

    Raises `NotFound`, or `Refused` for one that could not be made or is the model as it is.
    """
    chosen = found.find(name)
    if name == AS_IT_IS:
        raise Refused(f"The variant {name!r} is the bundle that there is: nothing to package.")
    goal = output.absolute()
    with drafting(output) as folder:
        (folder / FILE).write_bytes(chosen.candidate.content)
        manifest = _manifest(found, chosen, folder)
        draft = Draft(folder, Recognised(ONNX, Kept(FILE)), manifest)
        native = load_form(folder, manifest, FORM)
        answers = native.predict(found.trial.rows.table)
        golden = make_golden(native, found.trial.rows.table)
        draft = draft.with_file(GOLDEN, canonical_bytes(golden)).with_file(PROFILE, _profile(found.bundle, answers))
        draft = lock(draft.with_fields(metrics=found.trial.metrics(answers)))
        return deliver(seal(draft.with_file(CARD, write_card(draft.manifest))), goal)


def _compiled(bundle: Bundle) -> tuple[bytes, dict[str, str]]:
    form = bundle.manifest.forms.get(FORM)
    if form is None or not form.path or form.refused:
        why = form.refused if form and form.refused else "it was packaged without one"
        raise NotFound(f"{bundle.manifest.name} has no compiled form to optimize: {why}.")
    return verified_bytes(bundle.folder, bundle.manifest, form.path), form.options


def _rows(holdout: Any, target: Any) -> Source:
    rows = read_holdout(holdout, target) if target is not None else read_training(holdout, None)
    if rows is None:
        raise SignatureMismatch("Comparing variants needs rows: give a holdout.")
    places = range(min(rows.table.rows, ROWS))
    return Source(rows.table.take(places), None if rows.truth is None else rows.truth[: len(places)], rows.name)


def _feeds(manifest: Manifest, content: bytes, rows: Table) -> list[Feed]:
    """The graph's inputs for some of the rows, one by one."""
    feed = plan_inputs(open_session(content).get_inputs(), manifest.signature.features)
    batch = batch_from_columns(manifest.signature, rows.take(range(min(rows.rows, CALIBRATED))).columns)
    return [feed(batch.slice(place, place + 1)) for place in range(batch.rows)]


def _manifest(found: Study, chosen: Measured, folder: Path) -> Manifest:
    origin = found.bundle.manifest
    lineage = msgspec.structs.replace(
        origin.lineage,
        parent_run=f"bundle:{found.bundle.digest}",
        code=f"headgate optimize: {chosen.candidate.name}",
    )
    plain = with_candidate(origin, folder, chosen.candidate)
    environment = name_packages(Recognised(ONNX, Kept(FILE)), folder / FILE, frames=False)
    return msgspec.structs.replace(
        plain,
        framework="onnx",
        framework_version=environment.packages.get("onnxruntime", ""),
        serves_because=because(found, chosen),
        lineage=lineage,
        environment=environment,
        trusted_code=(),
    )


def because(found: Study, chosen: Measured) -> str:
    """Why somebody may have chosen it: what was gained, and what was lost. Times are not said: they are a machine's."""
    origin = found.find(AS_IT_IS)
    size = f"{chosen.size / origin.size:.2f} × the bytes"
    agreement = f"{chosen.parity.labels_differ} of {chosen.parity.rows} compared rows have another label"
    if found.bundle.manifest.task != "classification":
        agreement = f"numbers differ by up to {chosen.parity.max_difference:.0e}"
    quality = f", {found.metric} {origin.metric:.4g} before and {chosen.metric:.4g} now" if found.metric else ""
    return f"Variant {chosen.candidate.name} of bundle {found.bundle.digest[:12]}: {size}, {agreement}{quality}."


def _profile(bundle: Bundle, answers: Outputs) -> bytes:
    kept = msgspec.json.decode(verified_bytes(bundle.folder, bundle.manifest, PROFILE))
    return canonical_bytes(kept | {"predictions": profile_answers(answers)})
