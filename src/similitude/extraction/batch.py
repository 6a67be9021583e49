"""One batch of what a network is shown."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Batch"]


@dataclass
class Batch:
    """One batch: positional and named arguments of the model, and what is known of its rows.

    Parameters
    ----------
    inputs, arguments
        What the model is called with.
    size
        Number of inputs.
    mask
        (size, t), non-zero where a token is not padding; None if every token is real, or there are no tokens.
    mask_missing
        True if the inputs are token ids and nothing tells which are padding.
    ids
        Names of the inputs, if they have any.
    """

    inputs: tuple[Any, ...]
    arguments: dict[str, Any]
    size: int
    mask: Tensor | None = None
    mask_missing: bool = False
    ids: tuple[str, ...] | None = None

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Tensors by name; those without a name by position."""
        import torch

        named = {**{str(i): value for i, value in enumerate(self.inputs)}, **self.arguments}
        return {key: value for key, value in named.items() if isinstance(value, torch.Tensor)}

    def mask_of(self, source: str | None) -> tuple[Tensor | None, bool]:
        """Mask of the tokens of one of the inputs, and whether one is needed and missing.

        Parameters
        ----------
        source
            Name of the input, as in `tensors`; ``""`` for tokens that the network makes itself, None if not known.
        """
        if source == "":
            return None, self.mask is not None and not bool(self.mask.all())
        if source is not None and source.startswith("decoder_"):
            mask = self.arguments.get("decoder_attention_mask")
            return mask, mask is None
        read = None if source is None else self.tensors.get(source)
        if read is not None and read.ndim > 3:  # images have no padding
            return None, False
        return self.mask, self.mask_missing

    def cut(self, rows: Sequence[int], crop: bool = False) -> Batch:
        """Batch of some of the inputs.

        Parameters
        ----------
        rows
            Their positions.
        crop
            Remove positions at either end that are padding for all of them.
        """
        masks = {"": self.mask, "decoder_": self.arguments.get("decoder_attention_mask")} if crop else {}

        def piece(value: Any, key: str = "") -> Any:
            if not hasattr(value, "__len__") or not getattr(value, "ndim", 1) or len(value) != self.size:
                return value
            if isinstance(value, list | tuple):
                return [value[row] for row in rows]
            part = value[list(rows)]
            mask = masks.get("decoder_" if key.startswith("decoder_") else "")
            if mask is not None and tuple(value.shape[:2]) == tuple(mask.shape):
                real = mask[list(rows)].bool().any(dim=0).nonzero()[:, 0].tolist()
                part = part[:, real[0] : real[-1] + 1] if real else part
            return part

        return replace(
            self,
            inputs=tuple(map(piece, self.inputs)),
            arguments={key: piece(value, key) for key, value in self.arguments.items()},
            size=len(rows),
            mask=None if self.mask is None else piece(self.mask),
            ids=None,
        )

    def digest(self) -> str:
        """Hash of the content."""
        import torch

        digest = hashlib.blake2b(digest_size=16)
        for value in (*self.inputs, *self.arguments.values()):
            if hasattr(value, "numpy"):
                plain = torch.view_as_real(value.resolve_conj()) if value.is_complex() else value
                digest.update(np.ascontiguousarray(plain.detach().cpu().reshape(-1).double().numpy()).data)
            else:
                digest.update(repr(value).encode())
        return digest.hexdigest()
