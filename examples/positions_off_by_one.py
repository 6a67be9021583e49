"""A port gives slightly other embeddings: at which layer does it go wrong? Positions are off by one.

    python examples/positions_off_by_one.py

RoBERTa counts positions from the index of its padding token plus one, BERT from zero. A RoBERTa whose weights are
loaded into a BERT therefore runs, and is wrong. CKA hardly notices; `diff` names the module. Needs the extra `models`;
no download, the weights are random.
"""

import torch
from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

import similitude

SIZES = {
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "vocab_size": 200,
    "pad_token_id": 0,
}


def original_and_port() -> tuple[RobertaModel, BertModel]:
    torch.manual_seed(0)
    original, port = RobertaModel(RobertaConfig(**SIZES)).eval(), BertModel(BertConfig(**SIZES)).eval()
    port.load_state_dict(original.state_dict())
    return original, port


def sentences(n: int = 100, longest: int = 20) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    mask = (torch.arange(longest) < torch.randint(4, longest, (n, 1), generator=generator)).long()
    return {"input_ids": torch.randint(3, 200, (n, longest), generator=generator) * mask, "attention_mask": mask}


def main() -> None:
    original, port = original_and_port()
    found = similitude.diff(original, port, sentences(), names=("RoBERTa", "port"))
    print(found.layers[["layer", "relative", "cka", "beyond"]].round(3).to_string(index=False))
    print(f"Up to {found.agrees} both agree; the first module that does not is {found.inside}.")

    port.embeddings.position_ids += 1
    fixed = similitude.testing.assert_same_network(original, port, sentences())
    print(f"With positions that start at 1: {fixed.verdict}.")


if __name__ == "__main__":
    main()
