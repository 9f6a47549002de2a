"""Transformers from a folder: classifiers, embeddings, generated text in parts, two adapters on one base."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.serving.worker_process import WorkerProcess
from tests.serving_hosts.packaged import packaged, served

import headgate
from headgate.errors import Corrupt, Malformed, ModelError, NotFound, Untrusted
from headgate.home import Home
from headgate.runtimes.columns import batch_from_columns
from headgate.runtimes.hub_offline import OFFLINE
from headgate.runtimes.parts import joined
from headgate.runtimes.registry import load_runtime

torch = pytest.importorskip("torch", reason="no PyTorch here: make test-deep installs it")
pytest.importorskip("transformers", reason="no transformers here: make test-deep installs them")
huggingface_hub = pytest.importorskip("huggingface_hub")
from tests.deep.transformers_made import made_adapter, made_folder, made_model, made_tokenizer  # noqa: E402 - after the skips

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.timeout(600),
    # the libraries warn of themselves when the test makes its models
    pytest.mark.filterwarnings("ignore"),
]
TEXTS = {"text": ["the cat sat", "a dog ran on the mat", "very good"]}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_folder(tmp_path_factory.mktemp("made") / "gpt", "generation")


@pytest.fixture(scope="module")
def adapters(base: Path) -> list[Path]:
    return [made_adapter(base.parent / name, base, seed) for seed, name in enumerate("ab", 1)]


def test_a_classifier(tmp_path: Path) -> None:
    folder = made_folder(tmp_path / "bert", "classification")
    before = dict(os.environ)
    bundle = headgate.package(folder, name="m", output=tmp_path / "b", data=TEXTS)
    # a user's own process can ask the hub again
    assert {name: os.environ.get(name) for name in OFFLINE} == {name: before.get(name) for name in OFFLINE}
    assert bool(before.get("HF_HUB_OFFLINE")) == huggingface_hub.constants.HF_HUB_OFFLINE
    assert (bundle.manifest.task, bundle.manifest.classes) == ("classification", ("good", "bad", "so-so"))
    model = headgate.load(bundle)
    encoded = made_tokenizer()(TEXTS["text"], return_tensors="pt", padding=True)
    with torch.no_grad():
        expected = torch.softmax(made_model("classification").eval()(**encoded).logits, 1).numpy()
    np.testing.assert_allclose(model.predict_proba(TEXTS), expected, atol=1e-6)
    assert model.predict(TEXTS).tolist() == [bundle.manifest.classes[place] for place in expected.argmax(axis=1)]
    assert headgate.package(folder, name="m", output=tmp_path / "c", data=TEXTS).digest == bundle.digest


def test_an_embedding_does_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    bundle = headgate.package(made_folder(tmp_path / "bert", "embedding"), name="m", output=tmp_path / "b")
    model = headgate.load(bundle)
    assert bundle.manifest.signature.outputs[0].shape == (32,)
    together = model.predict(TEXTS)
    for row, text in enumerate(TEXTS["text"]):
        np.testing.assert_allclose(model.predict({"text": [text]})[0], together[row], atol=1e-5)


def test_text_is_generated_as_the_library_does(tmp_path: Path, base: Path) -> None:
    bundle = headgate.package(base, name="m", output=tmp_path / "b")
    prompt = made_tokenizer()("the cat sat", return_tensors="pt")
    whole = made_model("generation").eval().generate(**prompt, max_length=64, do_sample=False)
    expected = made_tokenizer().decode(whole[0, 3:], skip_special_tokens=True)
    assert headgate.load(bundle).predict({"text": ["the cat sat"]}).tolist() == [expected]


def test_it_comes_in_parts(tmp_path: Path, base: Path) -> None:
    bundle = headgate.package(base, name="m", output=tmp_path / "b")
    model = load_runtime("transformers").load(bundle.folder, bundle.manifest, "native")
    batch = batch_from_columns(bundle.manifest.signature, TEXTS)
    parts = list(model.stream(batch))
    assert len(parts) > 3
    assert joined(parts)["predictions"].tolist() == model.predict(batch)["predictions"].tolist()


def test_two_adapters_on_one_base(tmp_path: Path, base: Path, adapters: list[Path]) -> None:
    plain = headgate.package(base, name="m", output=tmp_path / "plain", data=TEXTS)
    bundles = [headgate.package(path, name="m", output=tmp_path / path.name, data=TEXTS) for path in adapters]
    for bundle in bundles:
        assert bundle.manifest.forms["native"].options == {"adapter": "adapter"}
        # the base is stored once, whoever builds on it
        weights = "model/model.safetensors"
        assert bundle.manifest.files[weights] == plain.manifest.files[weights]
    answers = [headgate.load(bundle).predict(TEXTS).tolist() for bundle in [plain, *bundles]]
    assert len({json.dumps(answer) for answer in answers}) == 3
    peft = pytest.importorskip("peft")
    whole = peft.PeftModel.from_pretrained(made_model("generation"), adapters[0]).eval()
    prompt = made_tokenizer()(TEXTS["text"][0], return_tensors="pt")
    expected = whole.generate(**prompt, max_length=64, do_sample=False)[0, prompt.input_ids.shape[1] :]
    assert answers[1][0] == made_tokenizer().decode(expected, skip_special_tokens=True)


def changed(folder: Path, name: str, **told: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **told}))
    return folder


def test_what_is_refused(tmp_path: Path, base: Path, adapters: list[Path]) -> None:
    def copy(name: str, source: Path = base) -> Path:
        return Path(shutil.copytree(source, tmp_path / name))

    remote = changed(copy("remote"), "config.json", auto_map={"AutoModel": "evil.Model"})
    unknown = changed(copy("unknown"), "config.json", architectures=["os"])
    pickled = copy("pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    slow = copy("slow")
    (slow / "tokenizer.json").unlink()
    lost = changed(copy("lost", adapters[0]), "adapter_config.json", base_model_name_or_path="somebody/model")
    damaged = copy("damaged", adapters[0])
    (damaged / "adapter_config.json").write_text("[")
    refused: list[tuple[Path, type[Exception], str]] = [
        (remote, Untrusted, "its own code"),
        (unknown, ModelError, "is not served"),
        (pickled, Untrusted, "save_pretrained"),
        (slow, ModelError, "tokenizer.json"),
        (lost, NotFound, "base_model_name_or_path"),
        (damaged, Malformed, "adapter"),
    ]
    for folder, error, message in refused:
        with pytest.raises(error, match=message):
            headgate.package(folder, name="m", output=tmp_path / "b")


def test_only_verified_bytes_are_read(tmp_path: Path, base: Path) -> None:
    bundle = headgate.package(base, name="m", output=tmp_path / "b")
    for name in ("model/tokenizer.json", "model/config.json", "model/model.safetensors"):
        content = (bundle.folder / name).read_bytes()
        (bundle.folder / name).write_bytes(content + b" ")
        with pytest.raises(Corrupt):
            load_runtime("transformers").load(bundle.folder, bundle.manifest, "native")
        (bundle.folder / name).write_bytes(content)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, base: Path, adapters: list[Path]) -> Iterator[WorkerProcess]:
    home = Home(tmp_path_factory.mktemp("served")).create()
    bundles = [packaged(path, home, name=f"gpt-{path.name}", data=TEXTS) for path in adapters]
    with served(home, *bundles) as worker:
        yield worker


def test_two_adapters_answer_from_hosts_and_stream(worker: WorkerProcess) -> None:
    body = {"rows": [{"text": "the cat sat"}]}
    whole = {name: worker.predict(body, name).json["predictions"] for name in ("gpt-a", "gpt-b")}
    assert whole["gpt-a"] != whole["gpt-b"]
    for name, expected in whole.items():
        events = worker.events(body, name)
        assert "".join(event.data["predictions"][0] for event in events if event.kind == "part") == expected[0]
        assert events[-1].kind == "end"
