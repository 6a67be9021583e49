"""The checks pass what is true and catch planted lies."""

import sys
from math import inf

import numpy as np
import pytest

from similitude.errors import InputError, MissingDependency
from similitude.measures import get_measure, measure
from similitude.measures.base import Measure, Properties, invariant
from similitude.testing import check_measure


def failed(lie):
    card = check_measure(lie)
    assert not card.passed, str(card)
    return {check.name for check in card.failures}


def centred_norms(X, Y):
    return abs(np.linalg.norm(X - X.mean(0)) - np.linalg.norm(Y - Y.mean(0)))


def cosine(X, Y):
    X, Y = X - X.mean(0), Y - Y.mean(0)
    return np.linalg.norm(X.T @ Y) ** 2 / (np.linalg.norm(X.T @ X) * np.linalg.norm(Y.T @ Y))


TRUE_NORMS = {"kind": "dissimilarity", "bounds": (0, inf), "is_metric": True, "invariances": "OT"}


@measure(**TRUE_NORMS)
def honest(X, Y):
    return centred_norms(X, Y)


@measure(kind="similarity", bounds=(0, 1), invariances="OST")
def honest_similarity(X, Y):
    return cosine(X, Y)


@measure(kind="dissimilarity", bounds=(0, inf), is_metric=True, invariances="OST")
def false_scaling(X, Y):
    return centred_norms(X, Y)


@measure(kind="dissimilarity", bounds=(0, inf), is_metric=True, invariances="O")
def concealed_translation(X, Y):
    return centred_norms(X, Y)


@measure(kind="similarity", bounds=(0, inf), invariances="OT")
def flipped_kind(X, Y):
    return centred_norms(X, Y)


@measure(kind="dissimilarity", bounds=(0, 1), invariances="OST")
def flipped_similarity(X, Y):
    return cosine(X, Y)


@measure(**TRUE_NORMS)
def writes_to_input(X, Y):
    X -= X.mean(0)
    Y -= Y.mean(0)
    return abs(np.linalg.norm(X) - np.linalg.norm(Y))


CALLS = []


@measure(**TRUE_NORMS)
def hidden_counter(X, Y):
    CALLS.append(1)
    return centred_norms(X, Y) * (1 + 1e-3 * len(CALLS))


LARGEST = [0.0]


@measure(**TRUE_NORMS)
def hidden_maximum(X, Y):
    LARGEST[0] = max(LARGEST[0], float(np.abs(X).max()))
    return centred_norms(X, Y) * (1 + LARGEST[0])


@measure(**TRUE_NORMS)
def unseeded_noise(X, Y):
    return centred_norms(X, Y) + abs(np.random.default_rng().normal()) * 1e-3


@measure(kind="dissimilarity", bounds=(0, inf), is_metric=True, invariances="OT")
def squared_distance(X, Y):
    return centred_norms(X, Y) ** 2


@measure(kind="dissimilarity", bounds=(0, 0.5), invariances="OT")
def false_bounds(X, Y):
    return centred_norms(X, Y)


@measure(kind="similarity", bounds=(0, 1), invariances=("OST", "OST"), symmetric=True)
def false_symmetry(X, Y):
    X, Y = X - X.mean(0), Y - Y.mean(0)
    q, _ = np.linalg.qr(Y)
    return np.linalg.norm(q.T @ X) ** 2 / np.linalg.norm(X) ** 2


@measure(kind="similarity", bounds=(0, 1), invariances="OST", symmetric=False)
def concealed_symmetry(X, Y):
    return cosine(X, Y)


@measure(kind="similarity", bounds=(0, 1), invariances="OST")
def absolute_tolerance(X, Y):
    X, Y = X - X.mean(0), Y - Y.mean(0)
    return np.linalg.norm(X.T @ Y) ** 2 / (np.linalg.norm(X.T @ X) * np.linalg.norm(Y.T @ Y) + 1e-6)


@measure(kind="similarity", bounds=(0, 1), invariances="OST")
def single_precision(X, Y):
    X, Y = X.astype(np.float32), Y.astype(np.float32)
    return float(cosine(X, Y))


@measure(kind="similarity", bounds=(0, 1), invariances="OST")
def needs_contiguous_memory(X, Y):
    return cosine(np.frombuffer(X.tobytes(order="A")).reshape(X.shape), Y)


@measure(kind="dissimilarity", bounds=(0, inf), invariances="OT", is_metric=True)
def constant(X, Y):
    return 0.0


@measure(kind="dissimilarity", bounds=(0, inf), invariances="OT", is_metric=True)
def not_a_number(X, Y):
    return float("nan")


@pytest.mark.parametrize(
    "true",
    [honest, honest_similarity, "cka", "pwcca", "procrustes", "random"],
    ids=lambda m: str(m).split(":")[-1],
)
def test_true_declarations_pass(true):
    card = check_measure(true)
    assert card.passed, str(card)


@pytest.mark.parametrize(
    ("lie", "caught"),
    [
        (false_scaling, "isotropic scaling, first"),
        (concealed_translation, "translation, second"),
        (flipped_kind, "self-comparison"),
        (flipped_similarity, "kind"),
        (writes_to_input, "input unchanged"),
        (hidden_counter, "hidden state"),
        (hidden_maximum, "hidden state"),
        (unseeded_noise, "hidden state"),
        (squared_distance, "triangle inequality"),
        (false_bounds, "value"),
        (false_symmetry, "symmetry"),
        (concealed_symmetry, "symmetry"),
        (absolute_tolerance, "scales 1e-6 to 1e6"),
        (single_precision, "offsets up to 1e6"),
        (needs_contiguous_memory, "memory layout"),
        (constant, "value"),
        (not_a_number, "value"),
    ],
    ids=lambda value: str(value).split(":")[-1],
)
def test_lies_are_caught(lie, caught):
    assert caught in failed(lie)


def test_asymmetric_invariance_is_checked_per_argument():
    @measure(kind="similarity", bounds=(0, 1), invariances=("OST", "OST"), symmetric=False)
    def regression(X, Y):
        X, Y = X - X.mean(0), Y - Y.mean(0)
        q, _ = np.linalg.qr(Y)
        return np.linalg.norm(q.T @ X) ** 2 / np.linalg.norm(X) ** 2

    names = failed(regression)
    assert "invertible linear transformation, second" in names
    assert "invertible linear transformation, first" not in names


def test_a_class_that_spoils_shared_values_is_caught():
    class Spoils(Measure):
        name = "spoils"
        declares = Properties(
            kind="dissimilarity",
            bounds=(0, inf),
            symmetric=True,
            invariances=invariant("OT"),
            reference="",
            formula="",
        )

        def score(self, pair):
            if pair.x.values.flags.writeable:
                pair.x.values[:] += 1
            return centred_norms(pair.x.values, pair.y.values)

    assert "input unchanged" in failed(Spoils())


def test_a_gradient_that_is_lost_on_the_way_is_caught():
    pytest.importorskip("torch")

    class Detached(Measure):
        name = "detached"
        declares = Properties("dissimilarity", (0, inf), True, invariant("OT"), "", "", differentiable=True)

        def score(self, pair):
            norms = (pair.xp.linalg.vector_norm(side.values - side.values.mean(0)) for side in (pair.x, pair.y))
            first, second = norms
            return abs(2 * first - getattr(first, "detach", lambda: first)() - second)

    assert "gradients" in failed(Detached())
    assert check_measure("norm_difference")["gradients"].outcome == "passed"
    assert check_measure("jaccard")["gradients"].outcome == "skipped"


def test_any_seed_gives_the_same_verdict():
    for seed in range(1, 6):
        assert check_measure("cka", seed).passed
        assert not check_measure(false_scaling, seed).passed


def test_a_plain_function_is_refused_with_the_way_out():
    with pytest.raises(InputError, match="Decorate it"):
        check_measure(centred_norms)


def test_the_card_prints_every_check():
    card = check_measure(get_measure("cka"))
    text = str(card)
    assert text.startswith("cka passes")
    assert all(check.name in text for check in card.checks)
    assert card["symmetry"].outcome == "passed"


def test_a_measure_that_cannot_run_here_is_no_failed_check(monkeypatch):
    monkeypatch.setitem(sys.modules, "ot", None)  # as if it were not installed
    with pytest.raises(MissingDependency, match="pip install 'similitude\\[matching\\]'"):
        check_measure("soft_matching")
