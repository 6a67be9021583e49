"""Texts and token ids: tokenised, truncated to what the network can read, and padded with a mask."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from similitude.errors import InputError, SimilitudeWarning, foreign
from similitude.extraction.forward import position_limit

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

__all__ = ["TEXT_KEYS", "Texts", "pad_tokens"]

TEXT_KEYS = ("text", "texts", "sentence", "sentences", "content")


class Texts:
    """A tokenizer, together with the number of tokens that the network can read.

    Parameters
    ----------
    tokenizer
        Of Hugging Face, or None.
    model
        The network, or None.
    """

    def __init__(self, tokenizer: Any, model: Module | None) -> None:
        self._tokenizer = tokenizer
        positions = None if model is None else position_limit(model)
        own = getattr(tokenizer, "model_max_length", None)
        self._limit = min((limit for limit in (positions, own) if limit), default=None)
        self._options = {"max_length": self._limit} if positions and own and self._limit == positions else {}
        self._warned = False

    @property
    def readable(self) -> bool:
        """Whether there is a tokenizer."""
        return self._tokenizer is not None

    @staticmethod
    def are(values: Any) -> bool:
        """Whether values are a list or array of texts."""
        return len(values) > 0 and all(isinstance(text, str) for text in values)

    def check(self) -> None:
        """Refuse texts without a tokenizer."""
        if self._tokenizer is None:
            raise InputError("Texts need a tokenizer: extract(model, texts, tokenizer=tokenizer).")
        if not callable(self._tokenizer):
            raise InputError(f"A tokenizer is called with texts; {self._tokenizer!r} cannot be called.")

    def tokens(self, texts: Sequence[str]) -> dict[str, Any]:
        """Arguments of the network for some texts: token ids and their mask, as tensors."""
        self.check()
        texts = [str(text) for text in texts]
        with foreign("The tokenizer"):
            pads = getattr(self._tokenizer, "pad_token", True) is not None
            padding = {"padding": True, "return_tensors": "pt"} if pads else {}
            tokenised = self._tokenizer(texts, truncation=True, **padding, **self._options)
        if not isinstance(tokenised, Mapping) or "input_ids" not in tokenised:
            raise InputError(f"The tokenizer gave a {type(tokenised).__name__}; expected a dict with 'input_ids'.")
        found = dict(tokenised)
        if isinstance(found["input_ids"], list):  # the mask hides what stands there, so that any token will do
            padded = {key: pad_tokens(value) for key, value in found.items() if isinstance(value, list)}
            found = {"attention_mask": padded["input_ids"][1]} | found | {k: value for k, (value, _) in padded.items()}
        mask = found.get("attention_mask")
        if mask is not None:
            self._check_lengths(texts, mask.sum(dim=1).tolist())
        return found

    def _check_lengths(self, texts: list[str], lengths: list[int]) -> None:
        if 0 in lengths:
            raise InputError(
                f"The text {texts[lengths.index(0)]!r} has no tokens. Remove it in the inputs of every network."
            )
        full = next((text for text, length in zip(texts, lengths, strict=True) if length == self._limit), None)
        if full is None or self._warned or len(self._tokenizer(full)["input_ids"]) <= (self._limit or 0):
            return
        self._warned = True
        warnings.warn(
            f"Texts of more than {self._limit} tokens are cut to that many, the first: {full[:40]!r}...",
            SimilitudeWarning,
            stacklevel=2,
        )


def pad_tokens(sequences: Sequence[Any], fill: int = 0) -> tuple[Tensor, Tensor]:
    """Token ids of several lengths as a tensor (n, t), and the mask that tells which are real."""
    import torch

    length = max(len(sequence) for sequence in sequences)
    values = torch.full((len(sequences), length), fill)
    mask = torch.zeros(len(sequences), length, dtype=torch.long)
    for row, sequence in enumerate(sequences):
        values[row, : len(sequence)] = torch.as_tensor(np.asarray(sequence))
        mask[row, : len(sequence)] = 1
    return values, mask
