"""Hugging Face transformers from a folder in the bundle: configuration, safetensors, tokenizer, perhaps an adapter.

All of it is read as bytes whose digests are checked, and made into a model by the architecture's own class in the
installed library: no file beyond them is opened, nothing is asked of a hub, no code of a model's is run. The form's
option `adapter` names the folder of a PEFT adapter, which is merged into the base. What a model answers follows from
its architecture: a label and probabilities, an embedding (the mean over the tokens), or text, which comes in parts.
Text is generated greedily, so that the same request has the same answer; `max_new_tokens` says how much at most.
"""

import inspect
import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headgate.bundle.bundle import verified_bytes
from headgate.bundle.manifest import Manifest
from headgate.errors import ModelError, Untrusted
from headgate.runtimes.batch import Batch
from headgate.runtimes.boundary import answering, foreign, in_a_line
from headgate.runtimes.hub_offline import OFFLINE, offline
from headgate.runtimes.parts import joined
from headgate.runtimes.runtime import Outputs
from headgate.runtimes.verify import PREDICTIONS, PROBABILITIES

CLASSIFICATION, EMBEDDING, GENERATION = "classification", "embedding", "generation"
TASKS = {"ForSequenceClassification": CLASSIFICATION, "ForCausalLM": GENERATION, "LMHeadModel": GENERATION}
MAX_NEW_TOKENS = 64
# entries of a configuration by which a library would fetch or run something
CODE_KEYS = ("auto_map", "custom_pipelines", "trust_remote_code")
DROPPED = ("_attn_implementation", "_attn_implementation_internal", "attn_implementation", "_name_or_path")
SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
Files = Mapping[str, bytes]


class TransformersModel:
    """A model with its tokenizer, for rows of one text."""

    device = "cpu"

    def __init__(self, model: Any, tokenizer: Any, task: str, most: int) -> None:
        import torch
        from transformers import DynamicCache

        self._torch = torch
        self._new_cache = DynamicCache
        # its name changes with the library's version
        self._cache = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
        self._model = model
        self._tokenizer = tokenizer
        self._task = task
        self._most = most
        self._length = getattr(model.config, "max_position_embeddings", None) or 1 << 30
        self._labels = np.array([str(label) for _, label in sorted(model.config.id2label.items())], object)

    @answering()
    def predict(self, batch: Batch) -> Outputs:
        """Answer every row; raises `ModelError` with the library's reason."""
        if self._task == GENERATION:
            return joined(self.stream(batch))
        with self._torch.inference_mode():
            return self._answer(texts_of(batch))

    def stream(self, batch: Batch) -> Iterator[Outputs]:
        """Generated text token by token, row after row; one part for everything else."""
        if self._task != GENERATION:
            yield self.predict(batch)
            return
        silent = True
        with foreign(f"The model failed on {batch.rows} rows", passing=ModelError):
            for row, text in enumerate(texts_of(batch)):
                for piece in self._generate(text):
                    part = np.full(batch.rows, "", object)
                    part[row] = piece
                    silent = False
                    yield {PREDICTIONS: part}
        if silent:
            yield {PREDICTIONS: np.full(batch.rows, "", object)}

    def close(self) -> None:
        """Drop the model; predict fails afterwards."""
        self._model = None

    def _answer(self, texts: list[str]) -> Outputs:
        encoded = self._tokenizer(
            texts, return_tensors="pt", padding=True, truncation=True, max_length=min(self._length, 512)
        )
        if self._task == CLASSIFICATION:
            chances = self._torch.softmax(self._model(**encoded).logits, dim=1).numpy()
            return {PREDICTIONS: self._labels[chances.argmax(axis=1)], PROBABILITIES: chances}
        mask = encoded["attention_mask"].unsqueeze(-1)
        states = self._model(**encoded).last_hidden_state * mask
        return {PREDICTIONS: (states.sum(dim=1) / mask.sum(dim=1).clamp(min=1)).numpy()}

    def _generate(self, text: str) -> Iterator[str]:
        """The text that follows, in pieces of whole characters."""
        torch, model = self._torch, self._model
        prompt = self._tokenizer(text, return_tensors="pt", truncation=True, max_length=self._length - 1).input_ids
        if not prompt.shape[1]:
            return
        made: list[int] = []
        said, given, ends = "", prompt, _ends(model)
        cache = {self._cache: self._new_cache(config=model.config)}
        while len(made) < min(self._most, self._length - prompt.shape[1]):
            with torch.inference_mode():
                token = int(model(input_ids=given, use_cache=True, **cache).logits[0, -1].argmax())
            if token in ends:
                break
            made.append(token)
            given = torch.tensor([[token]])
            whole = self._tokenizer.decode(made, skip_special_tokens=True)
            # half a character is said with its other half
            if not whole.endswith("\N{REPLACEMENT CHARACTER}") and len(whole) > len(said):
                yield whole[len(said) :]
                said = whole


class TransformersRuntime:
    """Loads transformers."""

    name = "transformers"
    preload: tuple[str, ...] = ("numpy", "torch", "transformers")
    environment = OFFLINE

    def load(self, folder: Path, manifest: Manifest, form: str) -> TransformersModel:
        """Load one form; raises `ModelError` with the library's reason, `Untrusted` for a model that is code."""
        chosen = manifest.forms[form]
        base = files_below(folder, manifest, chosen.path)
        adapter = files_below(folder, manifest, chosen.options["adapter"]) if "adapter" in chosen.options else None
        return open_model(base, adapter, int(chosen.options.get("max_new_tokens", MAX_NEW_TOKENS)))


def files_below(folder: Path, manifest: Manifest, path: str) -> Files:
    """The verified bytes of all files in a folder of the bundle, by name."""
    names = [name for name in manifest.files if name.startswith(f"{path}/")]
    # a manifest that names none is told by the one that is always there
    names = names or [f"{path}/config.json"]
    return {name.rpartition("/")[2]: verified_bytes(folder, manifest, name) for name in names}


def open_model(base: Files, adapter: Files | None, most: int) -> TransformersModel:
    """The model in these files."""
    config = read_config(base)
    try:
        import torch
        import transformers
    except ImportError as error:
        raise ModelError(f"The model needs transformers: pip install 'headgate[transformers]' ({error}).") from error
    # requests are spread over processes
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    # what the libraries will change some day is nothing that a user of ours can act on
    with (
        foreign(f"transformers {transformers.__version__} cannot load the model", in_a_line),
        warnings.catch_warnings(),
        offline(),
    ):
        warnings.simplefilter("ignore")
        model = _model(base, config)
        if adapter is not None:
            model = with_adapter(model, adapter)
        return TransformersModel(model.eval(), _tokenizer(base), task_of(config), most)


def read_config(files: Files) -> dict[str, Any]:
    """The configuration; raises `Untrusted` where it asks for a model's own code, `ModelError` for a damaged one."""
    try:
        config: dict[str, Any] = json.loads(files["config.json"])
        told = [config, json.loads(files.get("tokenizer_config.json", b"{}"))]
        asks = [key for key in CODE_KEYS if any(document.get(key) for document in told)]
    except (KeyError, ValueError, AttributeError) as error:
        raise ModelError(f"The folder holds no configuration of a transformer (config.json): {error}.") from error
    if asks:
        raise Untrusted(f"The model brings its own code ({asks[0]}), which is not run. Use one that the library knows.")
    return {key: value for key, value in config.items() if key not in DROPPED}


def task_of(config: Mapping[str, Any]) -> str:
    """What a model of this architecture does; raises `ModelError` for one that does nothing of it."""
    name = _architecture(config)
    if name.endswith("Model") and not name.endswith("LMHeadModel"):
        return EMBEDDING
    for ending, task in TASKS.items():
        if name.endswith(ending):
            return task
    raise ModelError(f"A {name} is not served; these are: {', '.join(TASKS)}, and bare models for embeddings.")


def texts_of(batch: Batch) -> list[str]:
    """The one text of each row; nothing is empty text."""
    (column,) = batch.columns.values()
    return ["" if value is None else str(value) for value in column.tolist()]


def with_adapter(model: Any, files: Files) -> Any:
    """The base with a PEFT adapter merged into it."""
    try:
        import peft
    except ImportError as error:
        raise ModelError(f"The adapter needs PEFT: pip install 'headgate[transformers]' ({error}).") from error
    from safetensors.torch import load

    told = json.loads(files["adapter_config.json"])
    if told.get("peft_type") != "LORA" or told.get("auto_mapping"):
        raise ModelError(f"Expected an adapter of type LORA, got {told.get('peft_type')!r}: merge it into its base.")
    known = peft.LoraConfig.__dataclass_fields__
    config = peft.LoraConfig(**{key: value for key, value in told.items() if key in known and value is not None})
    adapted = peft.get_peft_model(model, config)
    found = peft.set_peft_model_state_dict(adapted, load(files["adapter_model.safetensors"]))
    if found.unexpected_keys:
        raise ModelError(f"The adapter does not fit its base: it has weights for {found.unexpected_keys[0]}.")
    return adapted.merge_and_unload()


def _model(files: Files, config: dict[str, Any]) -> Any:
    import torch
    import transformers
    from safetensors.torch import load

    kind: Any = getattr(transformers, _architecture(config), None)
    known = inspect.isclass(kind) and issubclass(kind, transformers.PreTrainedModel)
    if not known:
        raise ModelError(f"transformers {transformers.__version__} knows no architecture {_architecture(config)!r}.")
    weights: dict[str, Any] = {}
    for name in sorted(files):
        if name.endswith(".safetensors"):
            weights |= load(files[name])
    chosen = transformers.AutoConfig.for_model(**config)
    return kind.from_pretrained(
        None, config=chosen, state_dict=weights, dtype=torch.float32, attn_implementation="eager", local_files_only=True
    )


def _tokenizer(files: Files) -> Any:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    if "tokenizer.json" not in files:
        raise ModelError("The folder holds no tokenizer.json: save the fast tokenizer with save_pretrained.")
    told = json.loads(files.get("tokenizer_config.json", b"{}"))
    given = {key: told[key] for key in SPECIAL if told.get(key)}
    special = {key: token["content"] if isinstance(token, dict) else token for key, token in given.items()}
    content = Tokenizer.from_str(files["tokenizer.json"].decode())
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=content, **special)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _architecture(config: Mapping[str, Any]) -> str:
    named = config.get("architectures") or [""]
    return str(named[0])


def _ends(model: Any) -> set[int]:
    ends = model.config.eos_token_id
    return set(ends) if isinstance(ends, list) else set() if ends is None else {ends}
