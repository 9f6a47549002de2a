"""PyTorch models: exported programs, TorchScript and weights with code, each told apart and none run unasked."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.serving_hosts.packaged import packaged, served, written

import headgate
from headgate.errors import HeadgateError, ModelError, NotFound, UnsupportedType, Untrusted
from headgate.home import Home
from headgate.runtimes.exported import check_exported, is_plain

torch = pytest.importorskip("torch", reason="no PyTorch here: make test-deep installs it")
# a conversion takes seconds alone, and minutes where cores are shared
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

ROWS = {0: torch.export.Dim.DYNAMIC}
TABLE = np.random.default_rng(0).normal(size=(60, 4))
LABELS = (TABLE[:, 0] > 0).astype(int) + (TABLE[:, 1] > 1)
CODE = """
import torch
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
"""


def network(outputs: int = 3) -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, outputs)).eval()


def export(module: Any, *examples: Any) -> Any:
    return torch.export.export(module, examples or (torch.zeros(2, 4),), dynamic_shapes=(ROWS,) * max(1, len(examples)))


def saved(path: Path, program: Any) -> Path:
    with path.open("wb") as file:
        torch.export.save(program, file)
    return path


def softmax(module: Any, table: Any) -> Any:
    with torch.no_grad():
        return torch.softmax(module(torch.tensor(table, dtype=torch.float32)), 1).numpy()


def test_an_exported_program_is_compiled_and_agrees(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pt2", export(network()))
    options: dict[str, Any] = {"name": "net", "data": TABLE, "target": LABELS, "holdout": (TABLE, LABELS)}
    bundle = headgate.package(path, output=tmp_path / "a", **options)
    manifest = bundle.manifest
    assert (manifest.framework, manifest.task, manifest.classes) == ("pytorch", "classification", (0, 1, 2))
    assert manifest.forms["native"].options == {"kind": "exported", "scores": "logits"}
    assert manifest.forms["onnx"].parity is not None, manifest.serves_because
    assert manifest.forms["onnx"].parity.labels_differ == 0
    assert "accuracy" in manifest.metrics
    expected = softmax(network(), TABLE[:5])
    for form in ("native", "onnx"):
        model = headgate.load(bundle, form=form)
        np.testing.assert_allclose(model.predict_proba(TABLE[:5]), expected, atol=1e-6)
        assert model.predict(TABLE[:5]).tolist() == expected.argmax(axis=1).tolist()
    assert headgate.package(path, output=tmp_path / "b", **options).digest == bundle.digest
    graph = (bundle.folder / "model.onnx").read_bytes()
    assert b"site-packages" not in graph and b"test_torch" not in graph


def test_a_program_in_memory(tmp_path: Path) -> None:
    bundle = headgate.package(
        export(network(1)), name="net", data=TABLE, task="regression", output=tmp_path / "b", compile=False
    )
    assert bundle.manifest.signature.outputs[0].shape == ()
    assert len(headgate.load(bundle).predict(TABLE)) == 60


def test_one_score_is_the_second_class(tmp_path: Path) -> None:
    bundle = headgate.package(export(network(1)), name="net", data=TABLE, target=LABELS > 0, output=tmp_path / "b")
    for form in ("native", "onnx"):
        chances = headgate.load(bundle, form=form).predict_proba(TABLE)
        np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)
        assert headgate.load(bundle, form=form).predict(TABLE).tolist() == (chances[:, 1] > 0.5).tolist()


def test_images_and_numbers_by_name(tmp_path: Path) -> None:
    class Both(torch.nn.Module):  # type: ignore[misc, name-defined]  # torch is not followed
        def forward(self, image: Any, bias: Any) -> Any:
            return image.mean(dim=(1, 2, 3)) + bias.squeeze(-1)

    program = export(Both(), torch.zeros(2, 3, 4, 4), torch.zeros(2, 1))
    images = np.random.default_rng(0).random((20, 3, 4, 4))
    data = {"bias": np.ones((20, 1)), "image": images}
    bundle = headgate.package(program, name="net", data=data, task="regression", output=tmp_path / "b")
    assert {column.name: column.shape for column in bundle.manifest.signature.inputs} == {
        "image": (3, 4, 4), "bias": (1,),
    }  # fmt: skip
    for form in ("native", "onnx"):
        answered = headgate.load(bundle, form=form).predict(data)
        np.testing.assert_allclose(answered, images.mean(axis=(1, 2, 3)) + 1, atol=1e-5)


def test_what_the_model_leaves_free_stays_free(tmp_path: Path) -> None:
    class Mean(torch.nn.Module):  # type: ignore[misc, name-defined]  # torch is not followed
        def forward(self, steps: Any) -> Any:
            return steps.mean(dim=(1, 2))

    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    program = torch.export.export(Mean(), (torch.zeros(3, 5, 2),), dynamic_shapes=(free,))
    bundle = headgate.package(
        program, name="net", data={"steps": np.ones((9, 7, 2))}, task="regression", output=tmp_path / "b"
    )
    assert bundle.manifest.signature.inputs[0].shape == (-1, 2)
    assert "free dimension" in bundle.manifest.serves_because
    for length in (2, 11):
        assert headgate.load(bundle).predict({"steps": np.full((4, length, 2), 2.0)}).tolist() == [2.0] * 4


def test_a_fixed_number_of_rows_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pt2", torch.export.export(network(), (torch.zeros(1, 4),)))
    with pytest.raises(ModelError, match=r"dynamic_shapes=\(\{0: torch.export.Dim.DYNAMIC\},\)"):
        headgate.package(path, name="net", data=TABLE, output=tmp_path / "b")


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_torchscript_serves_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.jit.save(torch.jit.trace(network(), torch.zeros(2, 4)), path)
    bundle = headgate.package(path, name="net", data=TABLE, target=LABELS, output=tmp_path / "b")
    assert bundle.manifest.forms["native"].options["kind"] == "script"
    assert "save an exported program" in bundle.manifest.serves_because
    np.testing.assert_allclose(headgate.load(bundle).predict_proba(TABLE), softmax(network(), TABLE), atol=1e-6)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_weights_come_with_code_that_is_trusted_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    if suffix == ".pt":
        torch.save(network().state_dict(), path)
    else:
        pytest.importorskip("safetensors.torch").save_file(network().state_dict(), path)
    options: dict[str, Any] = {"name": "net", "data": TABLE, "target": LABELS, "output": tmp_path / "b"}
    with pytest.raises(Untrusted, match=r"--trust-code net\.py"):
        headgate.package(path, **options)
    with pytest.raises(NotFound):
        headgate.package(path, trust_code=[str(tmp_path / "other.py")], **options)
    code = written(tmp_path / "net.py", CODE)
    bundle = headgate.package(path, trust_code=[str(code)], compile=False, **options)
    assert bundle.manifest.trusted_code == ("net.py",)
    assert "code.py" in bundle.manifest.files
    np.testing.assert_allclose(headgate.load(bundle).predict_proba(TABLE), softmax(network(), TABLE), atol=1e-6)


class Gadget:
    def __reduce__(self) -> Any:
        return print, ("this must not be printed",)


@pytest.mark.parametrize("what", ["module", "gadget", "plain pickle"])
def test_a_pickled_object_is_refused(tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.pt"
    if what == "plain pickle":
        path.write_bytes(pickle.dumps(Gadget()))
    else:
        torch.save(network() if what == "module" else {"a": Gadget()}, path)
    with pytest.raises(Untrusted, match=r"torch\.export\.save"):
        headgate.package(path, name="net", data=TABLE, output=tmp_path / "b", trust_code=["net.py"])
    assert capsys.readouterr().out == ""


def test_a_module_in_memory_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedType, match=r"torch\.export\.export"):
        headgate.package(network(), name="net", data=TABLE, output=tmp_path / "b")


def test_an_export_that_would_run_code_is_refused(tmp_path: Path) -> None:
    content = saved(tmp_path / "net.pt2", export(network())).read_bytes()
    check_exported(content)

    def changed(change: Any, more: str = "") -> bytes:
        target = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as archive:
            for name in source.namelist():
                archive.writestr(
                    name, change(source.read(name)) if name.endswith("models/model.json") else source.read(name)
                )
            if more:
                archive.writestr(more, b"")
        return target.getvalue()

    def evil(model: bytes) -> bytes:
        found = json.loads(model)
        found["guards_code"] = ["__import__('os').system('true')"]
        return json.dumps(found).encode()

    harmful = [changed(evil), changed(lambda model: model.replace(b"Symbol(", b"lambdify(")),
               changed(lambda model: model, "archive/data/constants/custom_obj_0")]  # fmt: skip
    for attack in harmful:
        path = tmp_path / "evil.pt2"
        path.write_bytes(attack)
        with pytest.raises(Untrusted):
            headgate.package(path, name="net", data=TABLE, output=tmp_path / "b")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Symbol('s0', positive=True, integer=True)", True), ("Max(1, s0//2)", True), ("L['x'].size()[0] >= 2", True),
        ("s0.__class__", False), ("eval('1')", False), ("x.func(1)", False), ("lambdify(x, y)", False), ("1;2", False),
    ],
)  # fmt: skip
def test_what_is_arithmetic(text: str, plain: bool) -> None:
    assert is_plain(text) == plain


def test_text_is_no_tensor(tmp_path: Path) -> None:
    with pytest.raises(HeadgateError, match="takes numbers"):
        headgate.package(
            export(network(), torch.zeros(2, 4)),
            name="net",
            data={name: ["x"] * 3 for name in "abcd"},
            output=tmp_path / "b",
        )


def test_it_answers_from_a_host(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    bundle = packaged(export(network()), home, name="net", data=TABLE, target=LABELS, compile=False)
    with served(home, bundle) as worker:
        answer = worker.predict({"instances": TABLE[:5].tolist()}, "net")
    assert answer.status == 200, answer.body
    np.testing.assert_allclose(answer.json["probabilities"], softmax(network(), TABLE[:5]), atol=1e-6)
