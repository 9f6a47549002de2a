"""ONNX models from our converter and from elsewhere give the outputs that an endpoint answers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.errors import Corrupt, ModelError
from headgate.records import Column, Dtype, Signature, Task
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.onnx import OnnxModel, OnnxRuntime
from headgate.runtimes.onnx_session import open_session
from headgate.runtimes.runtime import Outputs
from headgate.testing.bundles import LinearModel, linear_graph, write_bundle

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402 - after importorskip

NUMBERS = ("a", "b", "c")
FOUR = ("a", "b", "c", "d")
TABLE = np.random.RandomState(0).rand(40, 3)


def columns(dtype: Dtype = "float64", names: tuple[str, ...] = NUMBERS, **fields: Any) -> Signature:
    return Signature(inputs=tuple(Column(name=name, dtype=dtype, **fields) for name in names))


def load(
    cache: Path,
    content: bytes,
    signature: Signature | None = None,
    task: Task = "classification",
    classes: tuple[Any, ...] = (),
    **options: str,
) -> OnnxModel:
    manifest = Manifest(
        name="fraud",
        framework="onnx",
        task=task,
        classes=classes,
        signature=signature or columns(),
        forms={"onnx": Form(runtime="onnx", path="model.onnx", options=options)},
        serves="onnx",
        environment=Environment(python="3.11"),
        files={},
    )
    built = write_bundle(cache, manifest, {"model.onnx": content})
    return OnnxRuntime().load(built.folder, built.manifest, "onnx")


def graph(nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: list[Any] = []) -> bytes:  # noqa: B006 - never changed
    made = helper.make_graph(nodes, "graph", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(made, opset_imports=opsets, ir_version=9).SerializeToString())


def value(name: str, kind: int, *shape: Any) -> Any:
    return helper.make_tensor_value_info(name, kind, list(shape))


def ask(model: OnnxModel, signature: Signature | None = None) -> Outputs:
    given = signature or columns()
    return model.predict(batch_from_columns(given, {c.name: TABLE[:4, i] for i, c in enumerate(given.features)}))


class TestConverted:
    """Models that skl2onnx has written."""

    @pytest.mark.parametrize("zipmap", [False, True])
    @pytest.mark.parametrize(
        "classes",
        [(0, 1), (3, 7), (False, True), (0.0, 1.0), (0.0, 2.0), ("no", "yes"), (0, 1, 2), ("a", "b", "c")],
        ids=str,
    )
    def test_a_classifier_answers_its_own_classes(self, tmp_path: Path, classes: tuple[Any, ...], zipmap: bool) -> None:
        ensemble, to_onnx = pytest.importorskip("sklearn.ensemble"), pytest.importorskip("skl2onnx").to_onnx
        target = np.array(classes)[np.arange(40) % len(classes)]
        forest = ensemble.RandomForestClassifier(5, random_state=0).fit(TABLE, target)
        content = to_onnx(forest, TABLE.astype("f"), options={"zipmap": zipmap}).SerializeToString()
        outputs = ask(load(tmp_path, content, classes=classes))
        expected = forest.predict(TABLE[:4])
        assert outputs["predictions"].tolist() == expected.tolist()
        assert outputs["predictions"].dtype.kind == ("O" if isinstance(classes[0], str) else expected.dtype.kind)
        np.testing.assert_allclose(outputs["probabilities"], forest.predict_proba(TABLE[:4]), atol=1e-5)

    def test_a_regressor_answers_one_number_per_row(self, tmp_path: Path) -> None:
        linear_model, to_onnx = pytest.importorskip("sklearn.linear_model"), pytest.importorskip("skl2onnx").to_onnx
        line = linear_model.LinearRegression().fit(TABLE, TABLE.sum(axis=1))
        outputs = ask(load(tmp_path, to_onnx(line, TABLE).SerializeToString(), task="regression"))
        assert set(outputs) == {"predictions"}
        np.testing.assert_allclose(outputs["predictions"], TABLE[:4].sum(axis=1))

    def test_several_targets_stay_several(self, tmp_path: Path) -> None:
        linear_model, to_onnx = pytest.importorskip("sklearn.linear_model"), pytest.importorskip("skl2onnx").to_onnx
        line = linear_model.LinearRegression().fit(TABLE, TABLE[:, :2])
        outputs = ask(load(tmp_path, to_onnx(line, TABLE).SerializeToString(), task="regression"))
        np.testing.assert_allclose(outputs["predictions"], TABLE[:4, :2])

    def test_text_and_numbers_are_fed_by_column(self, tmp_path: Path) -> None:
        pandas = pytest.importorskip("pandas")
        compose, preprocessing = pytest.importorskip("sklearn.compose"), pytest.importorskip("sklearn.preprocessing")
        pipeline, linear_model = pytest.importorskip("sklearn.pipeline"), pytest.importorskip("sklearn.linear_model")
        types, skl2onnx = pytest.importorskip("skl2onnx.common.data_types"), pytest.importorskip("skl2onnx")
        frame = pandas.DataFrame({"number": TABLE[:, 0], "text": ["x", "y"] * 20, "whole": np.arange(40)})
        prepare = compose.ColumnTransformer(
            [("n", preprocessing.StandardScaler(), ["number", "whole"]), ("t", preprocessing.OneHotEncoder(), ["text"])]
        )
        model = pipeline.make_pipeline(prepare, linear_model.LogisticRegression()).fit(frame, np.arange(40) % 2)
        kinds = [("number", types.DoubleTensorType), ("text", types.StringTensorType), ("whole", types.Int64TensorType)]
        content = skl2onnx.convert_sklearn(
            model, initial_types=[(name, kind([None, 1])) for name, kind in kinds], options={"zipmap": False}
        ).SerializeToString()
        signature = Signature(
            inputs=(
                Column(name="text", dtype="string", categories=("x", "y")),
                Column(name="whole", dtype="int64"),
                Column(name="number", dtype="float64"),
            )
        )
        given = {name: frame[name].tolist() for name in frame}
        outputs = load(tmp_path, content, signature, classes=(0, 1)).predict(batch_from_columns(signature, given))
        np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(frame), atol=1e-5)


class TestInputs:
    """A batch becomes what the graph takes."""

    def identity(self, kind: int, *shape: Any) -> bytes:
        node = helper.make_node("Identity", ["x"], ["y"])
        return graph([node], [value("x", kind, *shape)], [value("y", kind, *shape)])

    @pytest.mark.parametrize("kind", ["float64", "float32", "int64"])
    def test_a_matrix_is_cast_to_what_the_graph_takes(self, tmp_path: Path, kind: Dtype) -> None:
        model = load(tmp_path, self.identity(TensorProto.FLOAT, None, 3), columns(kind), task="other")
        answered = ask(model, columns(kind))["predictions"]
        assert answered.dtype == np.float32
        np.testing.assert_array_equal(answered, TABLE[:4].astype(kind).astype("f"))

    def test_too_large_for_the_graph_is_infinity(self, tmp_path: Path) -> None:
        model = load(tmp_path, self.identity(TensorProto.FLOAT, None, 3), task="other")
        batch = batch_from_columns(columns(), {"a": [1e300], "b": [None], "c": [-1e300]})
        np.testing.assert_array_equal(model.predict(batch)["predictions"], [[np.inf, np.nan, -np.inf]])

    def test_columns_of_several_types_fill_one_matrix(self, tmp_path: Path) -> None:
        mixed = Signature(inputs=(Column(name="a", dtype="int64"), Column(name="b", dtype="bool")))
        model = load(tmp_path, self.identity(TensorProto.DOUBLE, None, 2), mixed, task="other")
        batch = batch_from_columns(mixed, {"a": [1, 2], "b": [True, False]})
        assert model.predict(batch)["predictions"].tolist() == [[1.0, 1.0], [2.0, 0.0]]

    def test_text_fills_a_matrix_of_text(self, tmp_path: Path) -> None:
        texts = columns("string", ("a", "b"))
        model = load(tmp_path, self.identity(TensorProto.STRING, None, 2), texts, task="other")
        batch = batch_from_columns(texts, {"a": ["x", None], "b": ["ä", ""]})
        assert model.predict(batch)["predictions"].tolist() == [["x", "ä"], ["None", ""]]

    def test_a_tensor_goes_in_as_it_is(self, tmp_path: Path) -> None:
        image = columns("float32", ("image",), shape=(2, 2))
        model = load(tmp_path, self.identity(TensorProto.FLOAT, None, 2, 2), image, task="other")
        batch = batch_from_columns(image, {"image": [[[1, 2], [3, 4]]]})
        assert model.predict(batch)["predictions"].tolist() == [[[1, 2], [3, 4]]]

    def test_one_feature_goes_into_the_only_input_whatever_its_name(self, tmp_path: Path) -> None:
        one = columns("float32", ("amount",))
        model = load(tmp_path, self.identity(TensorProto.FLOAT, None), one, task="other")
        assert model.predict(batch_from_columns(one, {"amount": [1, 2]}))["predictions"].tolist() == [1, 2]

    def test_the_wrong_number_of_features_is_said_at_load(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="takes 5 features, the signature has 3"):
            load(tmp_path, self.identity(TensorProto.FLOAT, None, 5))

    def test_an_unknown_input_is_said_at_load(self, tmp_path: Path) -> None:
        nodes = [helper.make_node("Add", ["a", "z"], ["y"])]
        inputs = [value("a", TensorProto.FLOAT, None, 1), value("z", TensorProto.FLOAT, None, 1)]
        with pytest.raises(ModelError, match="'z' of the ONNX model"):
            load(tmp_path, graph(nodes, inputs, [value("y", TensorProto.FLOAT, None, 1)]))

    def test_what_cannot_be_fed_from_columns_is_said_at_load(self, tmp_path: Path) -> None:
        kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, None))
        node = helper.make_node("SequenceLength", ["x"], ["y"])
        content = graph([node], [helper.make_value_info("x", kind)], [value("y", TensorProto.INT64)])
        with pytest.raises(ModelError, match="cannot be fed"):
            load(tmp_path, content)


class TestOutputs:
    """Outputs of graphs from elsewhere are read by their types."""

    def only_chances(self, width: int, name: str = "softmax") -> bytes:
        node = helper.make_node("Slice", ["x", "start", "end", "axis"], [name])
        numbers = {"start": [0], "end": [width], "axis": [1]}
        constants = [onnx.numpy_helper.from_array(np.array(v, np.int64), k) for k, v in numbers.items()]
        x = value("x", TensorProto.DOUBLE, None, 3)
        return graph([node], [x], [value(name, TensorProto.DOUBLE, None, width)], constants)

    def test_the_class_of_the_highest_probability(self, tmp_path: Path) -> None:
        outputs = ask(load(tmp_path, self.only_chances(3), classes=("x", "y", "z")))
        assert outputs["predictions"].tolist() == [("x", "y", "z")[place] for place in TABLE[:4].argmax(axis=1)]
        np.testing.assert_array_equal(outputs["probabilities"], TABLE[:4])

    def test_one_probability_of_two_classes(self, tmp_path: Path) -> None:
        outputs = ask(load(tmp_path, self.only_chances(1), classes=(0, 1)))
        np.testing.assert_allclose(outputs["probabilities"], np.stack([1 - TABLE[:4, 0], TABLE[:4, 0]], axis=1))
        assert outputs["predictions"].tolist() == (TABLE[:4, 0] > 0.5).astype(int).tolist()

    def test_outputs_can_be_named(self, tmp_path: Path) -> None:
        names = [("first", [0, 1]), ("second", [1, 2])]
        nodes = [helper.make_node("Slice", ["x", f"{n}0", f"{n}1", "axis"], [n]) for n, _ in names]
        constants = [
            onnx.numpy_helper.from_array(np.array([v], np.int64), f"{n}{i}") for n, p in names for i, v in enumerate(p)
        ]
        constants.append(onnx.numpy_helper.from_array(np.array([1], np.int64), "axis"))
        outputs = [value(n, TensorProto.DOUBLE, None, 1) for n, _ in names]
        content = graph(nodes, [value("x", TensorProto.DOUBLE, None, 3)], outputs, constants)
        assert ask(load(tmp_path / "1", content, task="regression"))["predictions"].tolist() == TABLE[:4, 0].tolist()
        chosen = load(tmp_path / "2", content, task="regression", predictions="second")
        assert ask(chosen)["predictions"].tolist() == TABLE[:4, 1].tolist()
        with pytest.raises(ModelError, match="no output 'third'"):
            load(tmp_path / "3", content, predictions="third")

    @pytest.mark.parametrize(("classes", "kind"), [(("no", "yes"), "O"), ((5, 6), "i"), ((False, True), "b")], ids=str)
    def test_labels_become_classes(self, tmp_path: Path, classes: tuple[Any, ...], kind: str) -> None:
        model = LinearModel(features=NUMBERS, weights=(1.0, -1.0, 0.0))
        answered = ask(load(tmp_path, linear_graph(model), classes=classes))["predictions"]
        above = (TABLE[:4, 0] > TABLE[:4, 1]).astype(int)
        # numbers are the labels themselves, text is looked up
        expected = [classes[place] for place in above] if kind == "O" else above.astype(kind).tolist()
        assert answered.tolist() == expected
        assert answered.dtype.kind == kind

    def test_numbers_spelt_as_text_become_numbers(self, tmp_path: Path) -> None:
        node = helper.make_node("LabelEncoder", ["x"], ["label"], domain="ai.onnx.ml", keys_int64s=[0, 1],
                                values_strings=["10", "20"])  # fmt: skip
        content = graph([node], [value("x", TensorProto.INT64, None, 1)], [value("label", TensorProto.STRING, None, 1)])
        one = columns("int64", ("a",))
        model = load(tmp_path, content, one, classes=(10, 20))
        assert model.predict(batch_from_columns(one, {"a": [1, 0]}))["predictions"].tolist() == [20, 10]


class TestFailure:
    """Errors of onnxruntime leave as ours, with its reason."""

    @pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x09" * 50])
    def test_what_is_no_model(self, content: bytes, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="onnxruntime"):
            open_session(content)

    def test_a_failure_in_a_call(self, tmp_path: Path) -> None:
        model = LinearModel(features=NUMBERS, weights=(1.0, 1.0, 1.0), fails_at=TABLE[0, 0])
        loaded = load(tmp_path, linear_graph(model), classes=(0, 1))
        with pytest.raises(ModelError, match="4 rows.*Gather"):
            ask(loaded)

    def test_a_closed_model_does_not_answer(self, tmp_path: Path) -> None:
        loaded = load(tmp_path, linear_graph(LinearModel(features=NUMBERS)), classes=(0, 1))
        loaded.close()
        with pytest.raises(ModelError):
            ask(loaded)

    @pytest.mark.parametrize(
        "place", ["../secret.bin", "junk/../../secret.bin", "ABSOLUTE", "../../../secret.bin", "none.bin"]
    )
    def test_weights_are_not_read_from_elsewhere(self, tmp_path: Path, place: str) -> None:
        """SEC-13"""
        (tmp_path / "secret.bin").write_bytes(np.ones(4, "f").tobytes())
        location = str(tmp_path / "secret.bin") if place == "ABSOLUTE" else place
        files = {"in/link.bin": b"ours, and not the weights"}
        with pytest.raises(ModelError, match="xternal"):
            self.loaded(tmp_path / "in", location, files)

    @pytest.mark.parametrize("place", ["model/ours.bin", "model/deep/ours.bin"])
    def test_weights_beside_the_model_are_those_that_were_hashed(self, tmp_path: Path, place: str) -> None:
        """SEC-13, SEC-34"""
        location, weights = place.removeprefix("model/"), np.ones(4, "f").tobytes()
        model = self.loaded(tmp_path, location, {place: weights})
        rows = batch_from_columns(columns("float32", FOUR), {name: [1.0] for name in FOUR})
        assert model.predict(rows)["predictions"].tolist() == [[2.0] * 4]
        with pytest.raises(Corrupt, match=r"ours\.bin"):
            self.loaded(tmp_path / "other", location, {place: weights}, spoil=place)

    def loaded(self, cache: Path, location: str, files: dict[str, bytes], spoil: str = "") -> Any:
        manifest = Manifest(
            name="m",
            framework="onnx",
            task="regression",
            signature=columns("float32", FOUR),
            forms={"onnx": Form(runtime="onnx", path="model/model.onnx")},
            serves="onnx",
            environment=Environment(python="3.11"),
            files={},
        )
        contents = {"model/model.onnx": self.with_weights_in(location), **files}
        built = write_bundle(cache, manifest, contents)
        if spoil:
            (built.folder / spoil).write_bytes(b"spoilt")
        return OnnxRuntime().load(built.folder, built.manifest, "onnx")

    def with_weights_in(self, location: str) -> bytes:
        weights = TensorProto()
        weights.name, weights.data_type, weights.data_location = "w", TensorProto.FLOAT, TensorProto.EXTERNAL
        weights.dims.extend([4])
        for key, text in (("location", location), ("offset", "0"), ("length", "16")):
            entry = weights.external_data.add()
            entry.key, entry.value = key, text
        x, y = value("x", TensorProto.FLOAT, None, 4), value("y", TensorProto.FLOAT, None, 4)
        return graph([helper.make_node("Add", ["x", "w"], ["y"])], [x], [y], [weights])


def test_sessions_run_on_one_thread_that_does_not_spin(tmp_path: Path) -> None:
    options = open_session(linear_graph(LinearModel())).get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
