"""Small networks of transformers, made from configurations, and a convnet; with inputs for each."""

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
nn = torch.nn

SIZES = {"num_hidden_layers": 3, "num_attention_heads": 4, "hidden_size": 32, "initializer_range": 0.1}
TOKENS = SIZES | {"vocab_size": 100, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}


def bert(**options):
    return transformers.BertModel(transformers.BertConfig(**TOKENS, intermediate_size=64, **options))


def gpt2(**options):
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**TOKENS, n_positions=40, **options))


def llama(**options):
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(**TOKENS, intermediate_size=64, num_key_value_heads=2, **options)
    )


def vit(**options):
    return transformers.ViTModel(
        transformers.ViTConfig(**SIZES, intermediate_size=64, image_size=16, patch_size=4, **options)
    )


class Convnet(nn.Module):
    """Residual blocks of a convolution, a batch norm and a ReLU, with statistics of a few batches."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 16, 3, padding=1), nn.Linear(16, 10)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()) for _ in range(4)
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.residual = [True] * 4
        with torch.no_grad():
            for _ in range(5):
                self(torch.randn(32, 3, 12, 12))

    def forward(self, x):
        h = self.stem(x)
        for block, residual in zip(self.blocks, self.residual, strict=True):
            h = h + block(h) if residual else block(h)
        return self.head(self.pool(h).flatten(1))


NETWORKS = {"bert": bert, "gpt2": gpt2, "llama": llama, "vit": vit, "convnet": Convnet}


def make(name, seed=0, **options):
    torch.manual_seed(seed)
    return NETWORKS[name](**options).eval()


def inputs(name, seed=0, n=32, length=12):
    random = torch.Generator().manual_seed(seed)
    if name in ("vit", "convnet"):
        return torch.randn(n, 3, *([16, 16] if name == "vit" else [12, 12]), generator=random)
    mask = torch.ones(n, length, dtype=torch.long)
    if name == "bert":  # padded on the right
        mask = (torch.arange(length) < torch.randint(4, length + 1, (n, 1), generator=random)).long()
    return {"input_ids": torch.randint(5, 100, (n, length), generator=random) * mask, "attention_mask": mask}
