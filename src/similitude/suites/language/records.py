"""What is kept of a model: token representations of a fixed sample, and what it can do."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from similitude.benchmark.functionalities.modularity import modularity
from similitude.benchmark.functionalities.predictions import calibration_error
from similitude.benchmark.functionalities.probes import few_shot_share, probe_correct
from similitude.extraction.extract import extract
from similitude.representations import ModelRecord, Score
from similitude.suites.language.finetune import Finetuning, probabilities
from similitude.suites.language.tasks import (
    DIAGNOSTICS,
    Maker,
    antonymy,
    diagnostic,
    entailment,
    examples,
    numerical,
    polarity,
    question,
)
from similitude.suites.language.tokens import Encoded, encode

if TYPE_CHECKING:
    from transformers import BertForPreTraining, BertForSequenceClassification, BertModel

__all__ = [
    "PREDICTED",
    "PROBES",
    "classifier_record",
    "deletion_levels",
    "layer_names",
    "layer_outputs",
    "pretrained_record",
    "sample_ids",
    "truncation",
]

PROBES: dict[str, Maker] = {"question": question, "polarity": polarity}
PREDICTED = ("in_distribution", "lexical_overlap/non_entailed")
"""Tests of which the predicted probabilities are kept."""

_SAMPLE_PAIRS = 180  # about 3,000 tokens
_SHOTS, _FEW_SHOT_POOL = 64, 800  # 16 of each leave every model near chance

_SAMPLE_SEED, _TEST_SEED, _PROBE_SEED = 21, 31, 41
_DELETED_SHARES = (0, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 13 / 16, 7 / 8, 15 / 16, 31 / 32)


def layer_names(blocks: int) -> tuple[str, ...]:
    """Names of the layers: the embeddings, then each block's output."""
    return ("embeddings", *(f"block{number}" for number in range(1, blocks + 1)))


def deletion_levels(width: int) -> tuple[int, ...]:
    """How many of a layer's trailing principal components are deleted; at last all but one."""
    return tuple(sorted({*(int(share * width) for share in _DELETED_SHARES), width - 1}))


def truncation(tokens: np.ndarray) -> tuple[np.ndarray, list[tuple[int, np.ndarray]]]:
    """Mean of a layer's tokens, n x d, and the d x k directions of the components kept at each level of deletion."""
    centre = tokens.mean(axis=0, dtype=np.float64)
    components = np.linalg.svd(tokens - centre, full_matrices=False)[2]
    levels = deletion_levels(tokens.shape[1])
    return centre, [(deleted, components[: len(components) - deleted].T) for deleted in levels]


def sample_ids() -> list[str]:
    """Names of the rows of every representation: the tokens of the sample, without padding."""
    lengths = _sample()["attention_mask"].sum(1).tolist()
    return [f"pair{pair:03}.token{token:02}" for pair, length in enumerate(lengths) for token in range(length)]


def pretrained_record(
    model: BertForPreTraining, name: str, attributes: Mapping[str, str | int | float], items: int
) -> ModelRecord:
    """Representations of a pretrained model, and linear probes of each layer, whole and truncated.

    A probe reads the mean of a sentence's tokens. Where components are deleted, it reads what is left of that mean in
    the space of the components kept, which are those of the sample's tokens: a mean of projections is the projection
    of the mean.

    Parameters
    ----------
    model, name, attributes
        The model and what is known of it.
    items
        Number of sentences that a probe is trained on; half as many test it.
    """
    tokens = layer_outputs(model.bert, _sample(), "tokens")
    truncations = {layer: truncation(values) for layer, values in tokens.items()}
    scores = []
    for probe, maker in PROBES.items():
        train, test = _probe_sets(maker, items)
        pooled = [layer_outputs(model.bert, batch, "mean_pool") for batch in (train, test)]
        labels = [batch["labels"].numpy() for batch in (train, test)]
        for layer, (centre, levels) in truncations.items():
            for deleted, kept in levels:
                seen = [(means[layer] - centre) @ kept for means in pooled]
                right = probe_correct(seen[0], labels[0], seen[1], labels[1], standardise=False)
                scores.append(Score(f"probe/{probe}", float(right.mean()), layer, deleted, len(right)))
    return ModelRecord(name, tokens, attributes, scores)


def classifier_record(
    model: BertForSequenceClassification,
    name: str,
    attributes: Mapping[str, str | int | float],
    recipe: Finetuning,
    items: int,
) -> ModelRecord:
    """Representations of a fine-tuned model, its accuracy in and out of distribution, and how else it behaves.

    Scores besides accuracies are

    - ``calibration_error/<test>``, of the tests in `PREDICTED`, whose probabilities are kept as ``predictions/<test>``;
    - ``few_shot/polarity``, the accuracy of probes of the last layer's mean-pooled tokens that learn from 64 sentences
      of each class what neither pretraining nor fine-tuning asked for;
    - ``modularity``, of the units of the last layer over the sample's tokens.

    Parameters
    ----------
    model, name, attributes
        The model and what is known of it.
    recipe
        How it was fine-tuned; decides what is in distribution.
    items
        Number of test pairs of each kind, and of test sentences.
    """
    tests = _tests(recipe.counterexamples, items)
    answers = {test: probabilities(model, batch) for test, batch in tests.items()}
    labels = {test: batch["labels"].numpy() for test, batch in tests.items()}
    tokens = layer_outputs(model.bert, _sample(), "tokens")
    last = list(tokens)[-1]
    kept = {
        **{f"accuracy/{test}": (answers[test].argmax(1) == labels[test]).astype(np.uint8) for test in tests},
        "few_shot/polarity": _few_shot(model.bert, last, items),
    }
    scores = [Score(name, float(values.mean(dtype=np.float64)), items=len(values)) for name, values in kept.items()]
    scores += [
        Score(f"calibration_error/{test}", calibration_error(answers[test], labels[test]), items=len(labels[test]))
        for test in PREDICTED
    ]
    scores.append(Score("modularity", modularity(tokens[last])))
    kept |= {f"predictions/{test}": answers[test] for test in PREDICTED}
    return ModelRecord(name, tokens, attributes, scores, kept)


def _few_shot(model: BertModel, layer: str, items: int) -> np.ndarray:
    """Share of probes that tell each test sentence's polarity, after a few examples."""
    sets = _few_shot_sets(items)
    pooled = [layer_outputs(model, batch, "mean_pool")[layer] for batch in sets]
    labels = [batch["labels"].numpy() for batch in sets]
    return few_shot_share(pooled[0], labels[0], pooled[1], labels[1], shots=_SHOTS).astype(np.float32)


def layer_outputs(model: BertModel, batch: Encoded, reduction: str) -> dict[str, np.ndarray]:
    """Return the embeddings and each block's output for a batch, reduced to rows as `extract` does."""
    inputs = {name: values for name, values in batch.items() if name != "labels"}
    blocks = len(model.encoder.layer)
    modules = ["embeddings", *(f"encoder.layer.{block}" for block in range(blocks))]
    found = extract(model, inputs, layers=modules, reduce=reduction, batch_size=256)
    return {name: found[module].values for name, module in zip(layer_names(blocks), modules, strict=True)}


@functools.lru_cache(maxsize=1)
def _sample() -> Encoded:
    # Half of the pairs are traps, so that the rows show what the models disagree on.
    return encode(examples(entailment(0.5), _SAMPLE_PAIRS, split="sample", seed=_SAMPLE_SEED))


@functools.lru_cache(maxsize=len(PROBES))
def _probe_sets(maker: Maker, items: int) -> tuple[Encoded, Encoded]:
    def batch(split: str, count: int) -> Encoded:
        return encode(examples(maker, count, split, seed=_PROBE_SEED))

    return batch("train", items), batch("test", items // 2)


@functools.lru_cache(maxsize=1)
def _few_shot_sets(items: int) -> tuple[Encoded, Encoded]:
    pool, test = (
        examples(polarity, n, split, _PROBE_SEED) for n, split in ((_FEW_SHOT_POOL, "train"), (items, "test"))
    )
    return encode(pool), encode(test)


@functools.lru_cache(maxsize=1)
def _tests(counterexamples: float, items: int) -> dict[str, Encoded]:
    makers: dict[str, Maker] = {
        "in_distribution": entailment(counterexamples),
        **{name: diagnostic(name) for name in DIAGNOSTICS},
        "antonymy": antonymy,
        "numerical": numerical,
    }
    return {name: encode(examples(maker, items, split="test", seed=_TEST_SEED)) for name, maker in makers.items()}
