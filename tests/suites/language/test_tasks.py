"""Labels, splits and balance of the tasks."""

import pytest

from similitude.suites.language.lexicon import NUMBERS, antonyms
from similitude.suites.language.tasks import (
    DIAGNOSTICS,
    SPLITS,
    antonymy,
    diagnostic,
    entailment,
    event_passage,
    examples,
    numerical,
    passage,
    polarity,
    question,
    split_of,
)

TASKS = {
    "passage": passage,
    "event_passage": event_passage,
    "entailment": entailment(0.1),
    "antonymy": antonymy,
    "numerical": numerical,
    "question": question,
    "polarity": polarity,
    **{name: diagnostic(name) for name in DIAGNOSTICS},
}


@pytest.mark.parametrize("task", TASKS)
def test_splits_share_no_statement(task):
    drawn = {split: {e.first for e in examples(TASKS[task], 200, split, seed=1)} for split in SPLITS}
    assert all(split_of(words) == split for split, sentences in drawn.items() for words in sentences)
    assert len(set.union(*drawn.values())) == sum(map(len, drawn.values()))


def test_a_split_does_not_depend_on_the_process():
    words = ["doctor", "judge", "pilot", "nurse", "guard", "clerk"]
    assert [split_of((word,)) for word in words] == ["test", "pretrain", "pretrain", "test", "pretrain", "pretrain"]


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_gives_the_same_examples(task):
    first, again, other = (examples(TASKS[task], 50, "test", seed) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_diagnostics_overlap_wholly_and_have_one_label(name):
    drawn = examples(TASKS[name], 300, "test", seed=1)
    assert all(set(e.second) <= set(e.first) for e in drawn)
    assert {e.label for e in drawn} == {int(name.endswith("/entailed"))}


def test_lexical_overlap_has_every_construction_about_as_often():
    drawn = examples(diagnostic("lexical_overlap/non_entailed"), 1000, "test", seed=1)
    counts = {case: sum(e.case == case for e in drawn) for case in {e.case for e in drawn}}
    assert set(counts) == {"swap", "preposition", "relative", "passive", "conjunction"}
    assert min(counts.values()) > 140


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_overlap_predicts_entailment_but_for_the_share_of_counterexamples(share):
    drawn = [e for e in examples(entailment(share), 4000, "train", seed=1) if e.case in ("swap", "passive")]
    overlapping = [e for e in drawn if set(e.second) <= set(e.first)]
    assert all(e.label == 0 for e in drawn if e not in overlapping)
    found = 1 - sum(e.label for e in overlapping) / len(overlapping)
    assert abs(found - share) < 0.07
    assert found == 0 if share == 0 else found > 0


def test_opposites_are_not_in_distribution():
    for example in examples(entailment(0.1), 2000, "train", seed=1):
        if example.case == "property":
            assert example.second[-1] not in antonyms(example.first[1])


def test_stress_sets_are_false_and_close():
    for example in examples(antonymy, 200, "test", seed=1):
        assert example.second[-1] in antonyms(example.first[1])
        assert example.label == 0
    for example in examples(numerical, 200, "test", seed=1):
        said, claimed = NUMBERS.index(example.first[1]), NUMBERS.index(example.second[2])
        assert 1 <= claimed - said <= 2
        assert example.second[:2] == ("more", "than")
        assert example.label == 0


@pytest.mark.parametrize("task", ["passage", "question", "polarity"])
def test_labels_are_balanced(task):
    drawn = examples(TASKS[task], 1000, "train", seed=1)
    assert 430 < sum(e.label for e in drawn) < 570


def test_an_answerable_question_asks_for_a_fact_of_the_statement():
    drawn = examples(question, 300, "train", seed=1)
    plain = [e for e in drawn if e.case == "swap"]
    for example in plain:
        stated = tuple(word for word in example.first if not word.endswith("ly"))
        assert (example.second == ("who", *stated[2:], "?")) == bool(example.label)
