"""`headgate.package`: from a model to a signed bundle."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from headgate.bundle.bundle import Bundle
from headgate.bundle.golden import Golden
from headgate.bundle.manifest import CARD, GOLDEN, PROFILE, Form, Lineage, Manifest, canonical_bytes
from headgate.names import validate_name
from headgate.packaging.card import write_card
from headgate.packaging.case import Case, name_classes, profile_case, read_case
from headgate.packaging.closing import close_categories
from headgate.packaging.compile import Converter, compile_model, has_converter, may_compile, starting
from headgate.packaging.draft import Draft, deliver, drafting, file_entries, seal
from headgate.packaging.environment import name_packages
from headgate.packaging.frameworks.framework import Compiling
from headgate.packaging.golden import make_golden
from headgate.packaging.lineage import trace
from headgate.packaging.lock import lock as lock_environment
from headgate.packaging.measure import holdout_metrics
from headgate.packaging.native import Native, load_form
from headgate.packaging.originals import opened
from headgate.packaging.recognise import recognise
from headgate.packaging.roles import Given
from headgate.packaging.rows import comparison_rows
from headgate.packaging.signature import infer_outputs
from headgate.packaging.sources import read_sources
from headgate.records import Signature

SWITCHED_OFF = "compiling was switched off"
NO_CONVERTER = "the converter is not installed, pip install 'headgate[convert]'"
Progress = Callable[[str], None]


def package(  # noqa: PLR0913 - the options of the public call
    model: Any,
    *,
    name: str,
    data: Any = None,
    target: Any = None,
    holdout: Any = None,
    example: Any = None,
    output: str | Path | None = None,
    roles: Given | None = None,
    task: str | None = None,
    lineage: Mapping[str, str] | None = None,
    trust_code: Iterable[str] = (),
    compile: bool = True,
    lock: bool = True,
    progress: Progress | None = None,
) -> Bundle:
    """Package a model: infer, measure, compile, prove parity, lock, sign.

    `model` is a fitted scikit-learn estimator or pipeline, a model of XGBoost, LightGBM, CatBoost or Keras, a PyTorch
    program, an object with `predict`, a file (.joblib, .pkl, .skops, .onnx, .ubj, .json, .txt, .cbm, .pmml, .pt2, .pt,
    .safetensors, .keras, or .py that defines `model`), the folder of an MLflow model, a transformer or its adapter, or
    what `headgate.importing` found in another product's folder.
    `data` [rows, columns] is the training data and `holdout` rows that the model has not seen, as (X, y) or as one
    table that has the column `target`: pandas, Polars, PyArrow, NumPy, dicts, or a file. `example` is some rows that
    show the columns where there is no training data; they give no ranges and levels.
    `roles` gives columns other roles than feature, `{"ssn": "sensitive", "customer": ["entity", "context"]}`.
    `trust_code` names the classes and functions, `"package.module.Class"`, that a pickle may use beyond the ordinary,
    or the file, `"net.py"`, that defines `model`, the module of a PyTorch model's bare weights.
    `lock` asks the package index for the hashes of the packages that the model needs, so that its environment can be
    built elsewhere. `output` is the bundle's folder or `.hgb` file, by default `<name>-<digest>` here. `progress` is
    told every step.

    The same files give the same digest. Raises `InvalidName`, `NotFound`, `UnsupportedType`, `Untrusted`, `Malformed`,
    `SignatureMismatch` or `ModelError`, each with what was expected, what was got and what to do.
    """
    validate_name(name)
    tell = progress or _say_nothing
    goal = Path(output).absolute() if output is not None else None
    with (
        opened(model, example, lineage) as (model, example, lineage),
        drafting(Path(output) if output is not None else None) as folder,
        starting(compile and may_compile(model)) as converter,
    ):
        tell("reading the model")
        recognised = recognise(model, folder, tuple(trust_code))
        tell("reading the data")
        sources = read_sources(data, target, holdout, example)
        case = read_case(recognised, folder, sources, roles, task)
        draft = _begin(name, case, folder, trace(lineage, case.data, case.source, _folder_of(model)))
        draft = _complete(draft, case, converter, tell)
        tell("locking the environment")
        draft = lock_environment(draft, hashes=lock)
        draft = draft.with_file(CARD, write_card(draft.manifest))
        tell("signing")
        return deliver(seal(draft), goal)


def _say_nothing(_step: str) -> None: ...


def _folder_of(model: Any) -> Path:
    return Path(model).absolute().parent if isinstance(model, str | Path) else Path.cwd()


def _begin(name: str, case: Case, folder: Path, lineage: Lineage) -> Draft:
    """The draft with the model's file and form, and what is known before the model is asked anything."""
    framework, kept = case.recognised.framework, case.recognised.kept
    manifest = Manifest(
        name=name,
        framework=framework.name,
        framework_version=framework.version(),
        task=case.task,
        signature=Signature(inputs=case.inputs),
        forms={framework.form: Form(runtime=framework.runtime, path=kept.file, options=kept.options)},
        serves=framework.form,
        lineage=lineage,
        environment=name_packages(case.recognised, folder / kept.file, frames=case.facts.named),
        files=file_entries(folder),
        trusted_code=kept.trusted,
    )
    return Draft(folder, case.recognised, manifest)


def _complete(draft: Draft, case: Case, converter: Converter | None, tell: Progress) -> Draft:
    """Ask the model, and write down all that a bundle says of it."""
    tell("asking the model")
    draft, native = _see_outputs(draft, case)
    golden = make_golden(native, case.rows)
    draft = draft.with_file(GOLDEN, canonical_bytes(golden))
    answers = None
    if case.holdout and case.holdout.truth is not None:
        tell("measuring on the holdout")
        answers = native.predict(case.holdout.table)
        metrics = holdout_metrics(case.task, answers, case.holdout.truth, draft.manifest.classes)
        draft = draft.with_fields(metrics=metrics)
    tell("profiling the data")
    draft = draft.with_file(PROFILE, canonical_bytes(profile_case(case, answers)))
    return _choose_form(draft, case, native, golden, converter, tell)


def _see_outputs(draft: Draft, case: Case) -> tuple[Draft, Native]:
    """The draft with its outputs, as the loaded model was seen to answer them."""
    first = load_form(draft.folder, draft.manifest, draft.manifest.serves)
    framework = draft.recognised.framework
    sample = case.rows.take(range(min(framework.sample, case.rows.rows)))
    if case.task == "classification" and framework.scores is not None:
        scores = {"scores": framework.scores(first.model, first.batch(sample))}
        draft = draft.with_options(draft.manifest.serves, scores)
        first = load_form(draft.folder, draft.manifest, draft.manifest.serves)
    outputs = first.predict(sample)
    inputs = close_categories(first, case.inputs, case.rows)
    signature = Signature(inputs=inputs, outputs=infer_outputs(outputs))
    draft = draft.with_fields(signature=signature, classes=name_classes(case, outputs))
    # once more: classes decide how some runtimes read a model's answers
    return draft, load_form(draft.folder, draft.manifest, draft.manifest.serves)


def _choose_form(
    draft: Draft, case: Case, native: Native, golden: Golden, converter: Converter | None, tell: Progress
) -> Draft:
    """The draft with its compiled form, or with the reason why it has none."""
    how = draft.recognised.framework.compiling
    if not isinstance(how, Compiling):
        return draft.with_fields(serves_because=how)
    if converter is None:
        reason = SWITCHED_OFF if has_converter() else NO_CONVERTER
        refused = Form(runtime="onnx", path="", refused=reason)
        return draft.with_form("onnx", refused).with_fields(serves_because=f"There is no compiled form: {reason}.")
    tell("comparing the compiled form")
    held = case.holdout.table if case.holdout else None
    rows = comparison_rows(native, draft.recognised.kept.model, case.rows, held, golden)
    compiled = compile_model(draft, native, how, converter, rows)
    serves = "onnx" if compiled.serves else draft.manifest.serves
    return draft.with_form("onnx", compiled.form).with_fields(serves=serves, serves_because=compiled.because)
