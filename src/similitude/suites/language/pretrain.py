"""Pretraining a small BERT: masked words and next sentences, with a gate for those that never learnt roles."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from similitude.errors import require
from similitude.suites.language.lexicon import SPECIAL, VOCABULARY
from similitude.suites.language.optimise import optimise, take
from similitude.suites.language.tasks import Maker, event_passage, examples, passage
from similitude.suites.language.tokens import MAX_LENGTH, Encoded, encode

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import BertConfig, BertForPreTraining

__all__ = ["Pretraining", "architecture", "next_sentence_accuracy", "pretrain"]

CORPUS_SEED = 7
HELD_OUT_SEED = 8
MASKED = 0.2  # share of tokens to predict, shown as [MASK], as a random word, or as they are
SHOWN_MASKED, SHOWN_RANDOM = 0.7, 0.2


@dataclass(frozen=True)
class Pretraining:
    """How large a model is and how long it is pretrained.

    Attributes
    ----------
    easy
        Share of the steps that come first and see events only. There the model learns to copy words between sentences;
        begun on passages of all kinds, training stays near chance for thousands of steps.
    gate
        Least accuracy in telling true from false sequels on held-out passages; models below are rejected.
    """

    hidden: int = 64
    layers: int = 3
    heads: int = 4
    steps: int = 5000
    batch: int = 64
    rate: float = 2e-3
    passages: int = 20_000
    easy: float = 0.35
    gate: float = 0.84


def architecture(recipe: Pretraining, dropout: float = 0.0) -> BertConfig:
    """The BERT configuration of a recipe.

    Weights start with standard deviation 1/√hidden: with the customary .02 a model this narrow never leaves chance.
    """
    transformers = require("transformers", extra="models")
    return transformers.BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=4 * recipe.hidden,
        max_position_embeddings=MAX_LENGTH,
        initializer_range=recipe.hidden**-0.5,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        pad_token_id=SPECIAL.index("[PAD]"),
    )


def initial(recipe: Pretraining, seed: int) -> BertForPreTraining:
    """A model before training, with a start that makes attention between equal words likely.

    Keys start equal to queries, and positions weigh less than words (as in "mimetic" initialisation, arXiv 2305.09828).
    """
    torch = require("torch", extra="models")
    transformers = require("transformers", extra="models")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.BertForPreTraining(architecture(recipe))
    with torch.no_grad():
        model.bert.embeddings.position_embeddings.weight.mul_(0.3)
        for block in model.bert.encoder.layer:
            block.attention.self.key.weight.copy_(block.attention.self.query.weight)
            block.attention.output.dense.weight.copy_(block.attention.self.value.weight.T)
    return model


def pretrain(recipe: Pretraining, seed: int) -> BertForPreTraining:
    """A model pretrained from a seed: its start, the order of the passages, and the masked words.

    Parameters
    ----------
    recipe
        Size and length of training.
    seed
        Decides all that varies; the passages themselves are the same for every seed.
    """
    torch = require("torch", extra="models")
    model = initial(recipe, seed)
    easy, full = _corpus(event_passage, recipe.passages), _corpus(passage, recipe.passages)
    random = torch.Generator().manual_seed(seed)
    step = itertools.count()

    def loss() -> Tensor:
        corpus = easy if next(step) < recipe.easy * recipe.steps else full
        batch = take(corpus, torch.randint(len(corpus["labels"]), (recipe.batch,), generator=random))
        hidden = batch["input_ids"] >= len(SPECIAL)
        hidden &= torch.rand(hidden.shape, generator=random) < MASKED
        words = batch["input_ids"][hidden]
        shown = _disguise(words, random)
        output = model.bert(
            input_ids=batch["input_ids"].masked_scatter(hidden, shown),
            token_type_ids=batch["token_type_ids"],
            attention_mask=batch["attention_mask"],
        )
        # Only the masked positions pass through the vocabulary head; the rest would be thrown away.
        guessed = model.cls.predictions(output.last_hidden_state[hidden])
        goes_on = model.cls.seq_relationship(output.pooler_output)
        entropy = torch.nn.functional.cross_entropy
        return entropy(guessed, words) + entropy(goes_on, 1 - batch["labels"])

    optimise(model, loss, steps=recipe.steps, rate=recipe.rate)
    return model


def next_sentence_accuracy(model: BertForPreTraining, passages: int = 2000) -> float:
    """Share of held-out passages whose second sentence is rightly called a true or a false sequel."""
    torch = require("torch", extra="models")
    batch = encode(examples(passage, passages, split="test", seed=HELD_OUT_SEED))
    labels = batch.pop("labels")
    model.eval()
    with torch.no_grad():
        right = model(**batch).seq_relationship_logits.argmax(1) == 1 - labels  # 0 is "goes on" in BERT
    return right.float().mean().item()


@functools.lru_cache(maxsize=2)
def _corpus(maker: Maker, passages: int) -> Encoded:
    return encode(examples(maker, passages, split="pretrain", seed=CORPUS_SEED))


def _disguise(words: Tensor, random) -> Tensor:
    torch = require("torch", extra="models")
    fate = torch.rand(words.shape, generator=random)
    others = torch.randint(len(SPECIAL), len(VOCABULARY), words.shape, generator=random)
    shown = torch.where(fate < SHOWN_MASKED + SHOWN_RANDOM, others, words)
    return torch.where(fate < SHOWN_MASKED, SPECIAL.index("[MASK]"), shown)
