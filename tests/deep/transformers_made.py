"""Small random transformers and adapters, made here: nothing is downloaded."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

SPECIAL = ["[PAD]", "[UNK]", "[EOS]"]
WORDS = [*SPECIAL, *["a", "few", "words", "the", "cat", "sat", "on", "mat", "dog", "ran", "good", "bad", "very", "not"]]
SIZE = {"vocab_size": len(WORDS), "pad_token_id": 0}
BERT = SIZE | {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
GPT = SIZE | {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, "eos_token_id": 2, "bos_token_id": 2}


def made_model(kind: str) -> Any:
    """A model for `generation`, `classification` or `embedding`."""
    torch.manual_seed(0)
    if kind == "generation":
        return transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT))
    config = transformers.BertConfig(**BERT, id2label={0: "good", 1: "bad", 2: "so-so"})
    return transformers.BertModel(config) if kind == "embedding" else transformers.BertForSequenceClassification(config)


def made_tokenizer() -> Any:
    """One word, one token."""
    content = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    content.pre_tokenizer = pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=content, pad_token="[PAD]", unk_token="[UNK]", eos_token="[EOS]"
    )


def made_folder(folder: Path, kind: str) -> Path:
    """As `save_pretrained` writes them."""
    made_model(kind).save_pretrained(folder)
    made_tokenizer().save_pretrained(folder)
    return folder


def made_files(kind: str) -> dict[str, bytes]:
    """The files of such a folder."""
    with TemporaryDirectory() as place:
        return {path.name: path.read_bytes() for path in made_folder(Path(place), kind).iterdir()}


def made_adapter(folder: Path, base: Path, seed: int) -> Path:
    """A LoRA adapter that changes the base's answers."""
    import peft

    torch.manual_seed(seed)
    config = peft.LoraConfig(
        r=4, target_modules=["c_attn"], task_type="CAUSAL_LM", init_lora_weights=False, fan_in_fan_out=True
    )
    peft.get_peft_model(transformers.GPT2LMHeadModel.from_pretrained(base), config).save_pretrained(folder)
    return folder
