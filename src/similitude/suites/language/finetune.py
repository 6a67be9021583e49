"""Fine-tuning a pretrained model on entailment."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from similitude.errors import require
from similitude.suites.language.optimise import optimise, take
from similitude.suites.language.tasks import entailment, examples
from similitude.suites.language.tokens import Encoded, encode

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import BertForPreTraining, BertForSequenceClassification

__all__ = ["Finetuning", "finetune", "probabilities"]

TRAIN_SEED = 11


@dataclass(frozen=True)
class Finetuning:
    """How a model is fine-tuned.

    The share of counter-examples to word overlap, the length of training and its noise decide how widely accuracy out
    of distribution varies over seeds.
    """

    examples: int = 8000
    counterexamples: float = 0.05
    steps: int = 700
    batch: int = 24
    rate: float = 1e-3
    dropout: float = 0.05


def finetune(
    base: BertForPreTraining, recipe: Finetuning, seed: int, data: Encoded | None = None
) -> BertForSequenceClassification:
    """A classifier (0: not entailed, 1: entailed) that starts from a pretrained model.

    Parameters
    ----------
    base
        The pretrained model; left as it is.
    recipe
        What it is trained on and for how long.
    seed
        Decides the classifier's start, the order of the examples, and dropout; every seed has the same examples.
    data
        Encoded examples with two classes to train on; by default entailment, as the recipe says.
    """
    torch = require("torch", extra="models")
    transformers = require("transformers", extra="models")
    if data is None:
        data = _training_set(recipe.examples, recipe.counterexamples)
    config = copy.deepcopy(base.config)
    config.hidden_dropout_prob = recipe.dropout
    config.num_labels = 2
    with torch.random.fork_rng():  # dropout draws from the global generator
        torch.manual_seed(seed)
        model = transformers.BertForSequenceClassification(config)
        model.bert.load_state_dict(base.bert.state_dict())

        def loss() -> Tensor:
            return model(**take(data, torch.randint(len(data["labels"]), (recipe.batch,)))).loss

        optimise(model, loss, steps=recipe.steps, rate=recipe.rate)
    return model


def probabilities(model: BertForSequenceClassification, batch: Encoded) -> np.ndarray:
    """Of the classes, for each pair of a batch: shape (pairs, 2)."""
    torch = require("torch", extra="models")
    model.eval()
    with torch.no_grad():
        logits = model(**{name: values for name, values in batch.items() if name != "labels"}).logits
    return logits.softmax(1).numpy()


@functools.lru_cache(maxsize=2)
def _training_set(count: int, counterexamples: float) -> Encoded:
    return encode(examples(entailment(counterexamples), count, split="train", seed=TRAIN_SEED))
