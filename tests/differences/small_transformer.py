"""A small transformer in which faults can be planted, written two ways."""

import copy

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn


class Block(nn.Module):
    def __init__(self, d=32, heads=4):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        self.dropout1, self.dropout2 = nn.Dropout(0.1), nn.Dropout(0.1)
        self.heads = heads
        self.causal = self.rewritten = False

    def attend(self, q, k, v):
        if not self.rewritten:
            return nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        scores = torch.einsum("bhid,bhjd->bhij", q, k) / q.shape[-1] ** 0.5
        scores = scores - scores.logsumexp(-1, keepdim=True)
        return torch.einsum("bhij,bhjd->bhid", scores.exp(), v)

    def forward(self, x):
        n, t, d = x.shape
        split = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.dropout1(self.out(self.attend(*split).transpose(1, 2).reshape(n, t, d)))
        return x + self.dropout2(self.down(nn.functional.gelu(self.up(self.norm2(x)))))


class Transformer(nn.Module):
    def __init__(self, d=32, depth=6):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(50, d), nn.Embedding(20, d)
        self.blocks = nn.ModuleList(Block(d) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, 10)
        self.shift = 0

    def forward(self, x):
        h = self.tokens(x) + self.positions(torch.arange(x.shape[1]) + self.shift)
        for block in self.blocks:
            h = block(h)
        return self.head(self.norm(h))


def build(seed=0, **sizes):
    torch.manual_seed(seed)
    return Transformer(**sizes).eval()


def tokens(seed=0, n=60, length=12):
    return torch.randint(0, 50, (n, length), generator=torch.Generator().manual_seed(seed))


def changed(network, change):
    other = copy.deepcopy(network)
    with torch.no_grad():
        change(other)
    return other
