"""Small BERTs under conditions: words in front, scrambled sentences, and that a disabled condition fails its gate."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from similitude.errors import DegeneratePopulation
from similitude.suites.language.conditions import (
    DESIGNS,
    EXPERIMENTS,
    Conditioned,
    LanguageExperiments,
    scrambled,
    with_words,
)
from similitude.suites.language.finetune import Finetuning
from similitude.suites.language.pretrain import Pretraining
from similitude.suites.language.tasks import examples, polarity

TINY = LanguageExperiments(
    Conditioned(
        seeds=2,
        architecture=Pretraining(hidden=32, layers=1, heads=2),
        training=Finetuning(examples=200, steps=300, batch=20, rate=3e-3, dropout=0.0),
        copies=2,
        tested=200,
        inputs=80,
    )
)
SENTENCES = examples(polarity, 1000, "sample", seed=0)


def record(test, seed=0, **changes):
    design = DESIGNS[test]
    condition = replace(design.conditions[-1], **changes)
    return TINY.record(design, condition, seed, 0), design.conditions[-1]


@pytest.fixture(scope="module")
def random_labels():
    return record("labels_own")


def test_a_seed_decides_every_bit(random_labels):
    found, _ = random_labels
    again, _ = record("labels_own")
    other, _ = record("labels_own", seed=1)
    assert found.representations["block1"].tobytes() == again.representations["block1"].tobytes()
    assert found.representations["block1"].tobytes() != other.representations["block1"].tobytes()
    assert found.scores == again.scores


def test_a_record_has_the_attribute_and_shapes_that_groups_need(random_labels):
    found, condition = random_labels
    assert found.attributes == {"condition": condition.name, "strength": 1.0, "seed": 0}
    assert {layer: values.shape for layer, values in found.representations.items()} == {
        "embeddings": (80, 32),
        "block1": (80, 32),
    }
    assert (len(TINY.ids()), TINY.layers) == (80, tuple(found.representations))


def test_labels_are_memorised_and_true_ones_fail_the_gate(random_labels):
    found, condition = random_labels
    condition.check(found)
    with pytest.raises(DegeneratePopulation, match=r"accuracy/clean .* at most 0\.65 is required"):
        condition.check(record("labels_own", strength=0.0)[0])


def test_a_word_in_front_is_used_and_one_at_chance_fails_the_gate():
    found, condition = record("shortcut")
    condition.check(found)
    with pytest.raises(DegeneratePopulation, match=r"shortcut .* at least 0\.2 is required"):
        condition.check(record("shortcut", strength=0.5)[0])


@pytest.mark.parametrize("right", [0.5, 0.9, 1.0])
def test_the_word_in_front_tells_the_class_as_often_as_it_should(right):
    found = with_words(SENTENCES, right, [0])
    told = [("one", "two").index(example.first[0]) == example.label for example in found]
    assert np.mean(told) == pytest.approx(right, abs=0.05)
    assert all(a.first[1:] == b.first for a, b in zip(found, SENTENCES, strict=True))
    assert not any({"one", "two"} & set(example.first) for example in SENTENCES)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_scrambling_moves_and_deletes_words_and_adds_none(share):
    found = scrambled(SENTENCES, share, [0])
    for changed, example in zip(found, SENTENCES, strict=True):
        assert changed.first
        assert not Counter(changed.first) - Counter(example.first)
        assert changed.label == example.label
    lengths = [sum(len(example.first) for example in of) for of in (found, SENTENCES)]
    assert lengths[0] / lengths[1] == pytest.approx(1 - share / 2, abs=0.02)
    assert (found == SENTENCES) == (share == 0)


def test_documented_scales():
    assert EXPERIMENTS["embedded"].recipe.seeds == 5
    assert EXPERIMENTS["standard"].recipe.seeds > 5
    assert all(len(design.conditions) == 3 for design in DESIGNS.values())
