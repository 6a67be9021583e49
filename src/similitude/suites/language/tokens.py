"""A word-level tokenizer for the small language: an ordinary Hugging Face tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from similitude.errors import require
from similitude.suites.language.lexicon import VOCABULARY
from similitude.suites.language.tasks import Example

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerFast

__all__ = ["MAX_LENGTH", "Encoded", "encode", "tokenizer"]

MAX_LENGTH = 32  # the longest pair of the grammar has 24 tokens

Encoded = dict[str, "Tensor"]


def tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer: words apart by spaces, pairs as ``[CLS] first [SEP] second [SEP]``."""
    tokenizers = require("tokenizers", extra="models")
    transformers = require("transformers", extra="models")
    ids = {word: index for index, word in enumerate(VOCABULARY)}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(ids, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    words.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(mark, ids[mark]) for mark in ("[CLS]", "[SEP]")],
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words,
        model_max_length=MAX_LENGTH,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def encode(examples: Sequence[Example]) -> Encoded:
    """Examples as padded tensors `input_ids`, `token_type_ids`, `attention_mask` and `labels`."""
    torch = require("torch", extra="models")
    firsts = [_sentence(example.first) for example in examples]
    seconds = [_sentence(example.second) for example in examples] if examples[0].second else None
    batch = dict(tokenizer()(firsts, seconds, padding=True, return_tensors="pt"))
    batch["labels"] = torch.tensor([example.label for example in examples])
    return batch


def _sentence(words: tuple[str, ...]) -> str:
    return " ".join(words if words[-1] == "?" else (*words, "."))
