"""Sizes of small networks, and inputs that fit them, for the galleries."""

import pytest

torch = pytest.importorskip("torch")

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
TEXT = SMALL | {"vocab_size": 40, "max_position_embeddings": 32}
LENGTHS = torch.tensor([3, 9, 4, 5, 6, 7])
MASK = (torch.arange(9)[None] < LENGTHS[:, None]).long()
IDS = torch.randint(5, 40, (6, 9), generator=torch.Generator().manual_seed(0)) * MASK
TOKENS = {"input_ids": IDS, "attention_mask": MASK}
DECODER = {"decoder_input_ids": IDS[:, :5], "decoder_attention_mask": MASK[:, :5]}
IMAGES = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(1))
