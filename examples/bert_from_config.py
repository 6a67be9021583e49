"""A BERT made from a configuration: how blocks change representations, and what pooling padding would have done.

    python examples/bert_from_config.py

No download: the weights are random. Needs the extra `models`.
"""

import torch
from transformers import BertConfig, BertModel

from similitude import compare, extract


def make(seed: int, spread: float = 0.125) -> BertModel:
    """With the usual spread of weights, .02, a network this narrow hardly changes its input."""
    torch.manual_seed(seed)
    sizes = {"hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 128}
    return BertModel(BertConfig(**sizes, vocab_size=200, initializer_range=spread))


def sentences(n: int = 300, longest: int = 64) -> dict[str, torch.Tensor]:
    """Random token ids, padded on the right as a tokenizer does."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(4, longest, (n,), generator=generator)
    mask = (torch.arange(longest) < lengths[:, None]).long()
    return {"input_ids": torch.randint(1, 200, (n, longest), generator=generator) * mask, "attention_mask": mask}


def main() -> None:
    inputs = sentences()
    stream = list(extract(make(0), inputs, layers="residual_stream", reduce="mean_pool").values())
    print("CKA of the residual stream with what entered the first block:")
    for representation in stream:
        print(f"  {representation.layer:24s}{compare(stream[0], representation, 'cka')['cka']:.3f}")

    def unmasked_mean(output: torch.Tensor) -> torch.Tensor:
        return output.mean(dim=1)

    layer = "encoder.layer.3"
    right = [extract(make(seed), inputs, layers=layer, reduce="mean_pool")[layer] for seed in (0, 1)]
    # The self-test would refuse rows that depend on padding.
    wrong = [extract(make(seed), inputs, layers=layer, reduce=unmasked_mean, check=False)[layer] for seed in (0, 1)]
    print(f"\nTwo networks with different random weights, {layer}, pooled over")
    print(f"  real tokens      {compare(*right, 'cka')['cka']:.3f}")
    print(f"  padding as well  {compare(*wrong, 'cka')['cka']:.3f}")


if __name__ == "__main__":
    main()
