"""Blocks by preset and index, where a module has a preset's name."""

from __future__ import annotations

import numpy as np
import pytest

from similitude.errors import InputError
from similitude.extraction.extract import extract

torch = pytest.importorskip("torch")
nn = torch.nn


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Linear(width, width)

    def forward(self, x):
        return x + self.mlp(self.norm(x)).relu()


class VisionTransformer(nn.Module):
    """As in timm, where the blocks lie in a module that is called ``blocks``."""

    def __init__(self, depth: int = 4):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, 12, 8, stride=8)
        self.blocks = nn.Sequential(*(Block(12) for _ in range(depth)))
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        return self.head(self.blocks(self.patch_embed(x).flatten(2).transpose(1, 2)).mean(1))


def test_a_module_called_blocks_is_not_the_preset():
    net = VisionTransformer()
    assert list(extract(net, torch.randn(6, 3, 32, 32))) == [f"blocks.{i}" for i in range(4)]
    assert list(extract(net, torch.randn(6, 3, 32, 32), layers="blocks:output")) == ["blocks"]
    assert list(extract(net, torch.randn(6, 3, 32, 32), layers=[-1, "blocks[0]"])) == ["blocks.0", "blocks.3"]
    assert list(extract(net, torch.randn(6, 3, 32, 32), layers="blocks[::2]")) == ["blocks.0", "blocks.2"]
    for layers in (slice(1, None, 2), [np.int64(1), 3], range(1, 4, 2), [slice(1, 2), -1]):
        assert list(extract(net, torch.randn(6, 3, 32, 32), layers=layers)) == ["blocks.1", "blocks.3"]
    for layers in (net.head, [net.head], 1.0, [None]):
        with pytest.raises(InputError, match="by its name, a glob, a preset, or the index"):
            extract(net, torch.randn(6, 3, 32, 32), layers=layers)
    with pytest.raises(InputError, match="4 blocks"):
        extract(net, torch.randn(6, 3, 32, 32), layers=4)
