"""The loader refuses what the pass names, and what can be built from allowed names alone."""

import contextlib
import functools
import io
import os
import pickle
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from headgate.bundle.globals import foreign_globals_in
from headgate.errors import HeadgateError, ModelError, Untrusted
from headgate.runtimes.unpickling import unpickle

sklearn = pytest.importorskip("sklearn")

from scipy import stats  # noqa: E402 - after importorskip
from sklearn import ensemble, feature_extraction, linear_model, model_selection, preprocessing, svm, tree  # noqa: E402

TABLE, TARGET = np.random.RandomState(0).rand(40, 3), np.arange(40) % 2


class Call:
    """Pickles as a call, perhaps with a state set on what it gives."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, state: Any = None) -> None:
        self.function, self.arguments, self.state = function, arguments, state

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments, self.state


class Marked:
    """A user's class."""

    loaded = 0

    def __setstate__(self, state: Any) -> None:
        type(self).loaded += 1


def joblib_bytes(model: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    joblib.dump(model, file, **options)
    return file.getvalue()


def forged(model: Any, **state: Any) -> bytes:
    """A pickle of the estimator with attributes that no fit has set."""
    vars(model).update(state)
    return pickle.dumps(model)


GADGETS: dict[str, Callable[[], Any]] = {
    "system": lambda: Call(os.system, "touch /tmp/never"),
    "eval": lambda: Call(eval, "1/0"),
    "in an estimator": lambda: preprocessing.FunctionTransformer(os.system),
    "in an array": lambda: np.array([1, Call(eval, "1/0")], dtype=object),
    "nested load": lambda: Call(joblib.load, "/tmp/never"),
    "attribute of a class": lambda: Call(getattr, np.ndarray, "tofile"),
    "attribute of an object": lambda: Call(getattr, [], "append"),
}


@pytest.mark.parametrize("name", ["CyHalfBinomialLoss", "CyAbsoluteError"])
def test_the_losses_of_older_scikit_learn_are_ordinary(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    """Up to 1.7 their module did not know its package; no module of that name is looked for."""
    (tmp_path / "_loss.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    content = b"c_loss\n%b\n)R." % name.encode()
    assert foreign_globals_in(content) == ()
    assert type(unpickle(content)).__module__ == "sklearn._loss._loss"
    assert foreign_globals_in(b"c_loss\nsystem\n.") == ("sklearn._loss._loss.system",)


@pytest.mark.parametrize("gadget", GADGETS)
def test_gadgets_are_refused_before_they_run(gadget: str) -> None:
    for content in (
        pickle.dumps(GADGETS[gadget]()),
        joblib_bytes(GADGETS[gadget]()),
        joblib_bytes([GADGETS[gadget]()]),
    ):
        assert foreign_globals_in(content)
        with pytest.raises(Untrusted):
            unpickle(content)
    assert not Path("/tmp/never").exists()


def test_a_foreign_module_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "noticed.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Untrusted, match="noticed.Thing.*--trust-code noticed.Thing"):
        unpickle(b"cnoticed\nThing\n.")
    assert "noticed" not in sys.modules


def test_a_trusted_class_loads_and_no_other() -> None:
    before, content = Marked.loaded, pickle.dumps(with_attribute(Marked()))
    name = f"{Marked.__module__}.Marked"
    assert foreign_globals_in(content) == (name,)
    with pytest.raises(Untrusted):
        unpickle(content, trusted=[f"{name}2", Marked.__module__, "Marked"])
    assert Marked.loaded == before
    assert isinstance(unpickle(content, trusted=[name]), Marked)
    assert Marked.loaded == before + 1


def with_attribute(thing: Any) -> Any:
    thing.attribute = 1
    return thing


def test_a_trusted_module_that_is_not_here_is_said_so() -> None:
    with pytest.raises(ModelError, match="not_installed_here"):
        unpickle(b"cnot_installed_here\nThing\n.", trusted=["not_installed_here.Thing"])


def test_a_distribution_that_carries_code_is_left_out() -> None:
    """A frozen distribution executes a template from its state; a search that keeps one still loads."""
    frozen = stats.loguniform(0.1, 1)
    frozen.dist._parse_arg_template = "open('/tmp/never', 'w')"
    content = pickle.dumps({"C": frozen})
    assert foreign_globals_in(content) == ()
    assert unpickle(content)["C"] is not None
    assert not Path("/tmp/never").exists()


def test_attributes_of_what_was_left_out_are_left_out_too() -> None:
    content = pickle.dumps(stats.randint(1, 5))
    assert b"getattr" in content
    assert foreign_globals_in(content) == ()
    unpickle(content)


CHAINS: dict[str, Callable[[], bytes]] = {
    "method by name in stacking": lambda: forged(
        ensemble.StackingClassifier([("a", linear_model.LogisticRegression())]).fit(TABLE, TARGET),
        estimators_=[np.arange(3)], stack_method_=["tofile"],
    ),
    "method by name in a threshold": lambda: forged(
        model_selection.FixedThresholdClassifier(linear_model.LogisticRegression()), response_method="tofile"
    ),
    "method by name in a scorer": lambda: forged(
        sklearn.metrics.make_scorer(sklearn.metrics.f1_score), _response_method=("predict", "tofile")
    ),
    "an estimator made with arguments": lambda: pickle.dumps(
        Call(feature_extraction.text.CountVectorizer)
    ),
    "a call of an instance": lambda: pickle.dumps(Call(functools.partial(np.mean, axis=0), [[1]])),
    "documents by file name": lambda: pickle.dumps(feature_extraction.text.CountVectorizer(input="filename")),
    "documents by file": lambda: pickle.dumps(feature_extraction.text.TfidfVectorizer(input="file")),
}  # fmt: skip


@pytest.mark.parametrize("chain", CHAINS)
def test_chains_of_allowed_names_are_refused(chain: str) -> None:
    with pytest.raises(Untrusted):
        unpickle(CHAINS[chain]())


def test_a_list_that_grows_after_it_was_set_is_looked_at_when_it_has() -> None:
    methods = ["predict"]
    model = ensemble.StackingClassifier([("a", linear_model.LogisticRegression())]).fit(TABLE, TARGET)
    model.stack_method_ = methods
    # the list in the memo is extended after the estimator is built
    content = pickle.dumps((model, methods), protocol=2)
    place = content.rindex(b"h", 0, len(content) - 4)
    grown = content[: place + 2] + b"X\x06\x00\x00\x00tofilea" + content[place + 2 :]
    assert unpickle(content)[1] == ["predict"]
    assert pickle.loads(grown)[0].stack_method_ == ["predict", "tofile"]
    with pytest.raises(Untrusted, match="stack_method_"):
        unpickle(grown)


@pytest.mark.parametrize("target", [svm.LinearSVC, np.mean, np.log1p, np.nanmean], ids=lambda target: target.__name__)
def test_the_program_is_not_changed(target: Any) -> None:
    state = pickle.dumps({"changed": 1}, protocol=2)[2:-1]
    content = pickle.dumps(target, protocol=2)[:-1] + state + b"b."
    with pytest.raises(ModelError, match="it has not made"):
        unpickle(content)
    assert not hasattr(target, "changed")


def test_what_a_module_of_scikit_learn_has_imported_is_not_its_own() -> None:
    from sklearn.ensemble import _forest

    kinds = [value for value in vars(_forest).values() if isinstance(value, type)]
    foreign = [kind for kind in kinds if not kind.__module__.startswith("sklearn.") or "utils" in kind.__module__]
    assert len(foreign) > 3
    for kind in foreign:
        with pytest.raises(Untrusted):
            unpickle(f"csklearn.ensemble._forest\n{kind.__name__}\n.".encode())


def test_arrays_beside_the_file_are_not_opened() -> None:
    content = b"\x80\x04\x8c\x1ajoblib.numpy_pickle_compat\x8c\x0eNDArrayWrapper\x93)\x81}b."
    with pytest.raises(Untrusted, match="NDArrayWrapper"):
        unpickle(content)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04N", b"\x82\x01.", b"\x80\x04\x8c\x01aQ.", b"\x80\x04)R."])
def test_damage_is_an_error_of_ours(content: bytes) -> None:
    with pytest.raises(ModelError):
        unpickle(content)


@settings(max_examples=100, deadline=None)
@given(place=some.floats(0, 1), mask=some.integers(1, 255))
def test_a_flipped_byte_loads_or_is_an_error_of_ours(place: float, mask: int) -> None:
    content = bytearray(FLIPPED)
    content[int(place * (len(content) - 1))] ^= mask
    with contextlib.suppress(HeadgateError):
        unpickle(bytes(content))


FLIPPED = joblib_bytes(linear_model.LogisticRegression().fit(TABLE, TARGET))


class TestTrees:
    """A crafted tree crashes scikit-learn or never ends; it does not get so far."""

    def broken(self, **changes: tuple[int, int]) -> bytes:
        model = tree.DecisionTreeClassifier(max_depth=3).fit(TABLE, TARGET)
        kind, arguments, state = model.tree_.__reduce__()
        for field, (node, value) in changes.items():
            state["nodes"][field][node] = value
        return pickle.dumps(Call(kind, *arguments, state=state))

    def test_a_grown_tree_loads(self) -> None:
        assert unpickle(self.broken()).node_count > 3

    @pytest.mark.parametrize(
        "change",
        [
            {"left_child": (0, 2_000_000_000)}, {"right_child": (0, 2_000_000_000)}, {"left_child": (1, 0)},
            {"right_child": (0, 0)}, {"left_child": (0, -2)}, {"right_child": (0, -1)}, {"feature": (0, 3)},
            {"feature": (0, -2)},
        ],
        ids=str,
    )  # fmt: skip
    def test_a_crafted_tree_is_refused(self, change: dict[str, tuple[int, int]]) -> None:
        with pytest.raises(ModelError, match="damaged tree"):
            unpickle(self.broken(**change))

    @pytest.mark.parametrize("change", [("left", 0), ("right", 4_000_000_000), ("feature_idx", -1)], ids=str)
    def test_a_crafted_gradient_tree_is_refused(self, change: tuple[str, int]) -> None:
        model = ensemble.HistGradientBoostingClassifier(max_iter=2).fit(np.tile(TABLE, (3, 1)), np.tile(TARGET, 3))
        nodes = model._predictors[1][0].nodes
        assert len(nodes) > 1
        unpickle(pickle.dumps(model))
        nodes[change[0]][0] = change[1]
        with pytest.raises(ModelError, match="damaged tree"):
            unpickle(pickle.dumps(model))


def test_functions_of_the_user_are_foreign() -> None:
    function = types.FunctionType(compile("1", "f", "eval"), {})
    function.__module__, function.__qualname__ = "theirs", "function"
    sys.modules["theirs"] = types.ModuleType("theirs")
    sys.modules["theirs"].function = function  # type: ignore[attr-defined]  # made here
    try:
        content = pickle.dumps(preprocessing.FunctionTransformer(function))
    finally:
        del sys.modules["theirs"]
    assert foreign_globals_in(content) == ("theirs.function",)
