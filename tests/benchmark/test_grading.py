"""Grades against a plain recomputation, both protocols, failures, and what is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from similitude import ModelRecord, Population, Score, get_measures
from similitude.benchmark import (
    Functionality,
    GradingData,
    Pairing,
    Pairwise,
    Subtask,
    evaluate,
    grade,
    prediction_differences,
)
from similitude.benchmark.protocols import CORRECTED, PUBLISHED, Protocol
from similitude.benchmark.results import Results, load_grading, read_results, save_grading
from similitude.benchmark.statistics.correlation import Grade, correlate
from similitude.errors import FileError, InputError
from similitude.measures import get_measure

LAYERS = ("a", "b")
LEVELS = (0, 2, 4)


@pytest.fixture
def population(rng):
    records = []
    for m in range(7):
        base = rng.normal(size=(60, 6))
        scores = [Score("accuracy", float(rng.random()))]
        scores += [Score("probe", float(rng.random()), layer=layer, deleted=k) for layer in LAYERS for k in LEVELS]
        records.append(
            ModelRecord(
                f"m{m}",
                {layer: base @ rng.normal(size=(6, 6)) + rng.normal(size=(60, 6)) for layer in LAYERS},
                {},
                scores,
                {"predictions/noise": rng.dirichlet((1, 1, 1), size=50)},
            )
        )
    return Population.from_records("nets", LAYERS, records)


DISAGREEMENT, DIVERGENCE = prediction_differences("noise", quality="accuracy")
SUBTASKS = {
    "models": Subtask("s/models", "nets", "seed", (Functionality("accuracy"),), Pairing("models")),
    "errors": Subtask(
        "s/errors", "nets", "seed", (Functionality("accuracy", lower_is_better=True),), Pairing("models")
    ),
    "predictions": Subtask("s/predictions", "nets", "seed", (DISAGREEMENT, DIVERGENCE), Pairing("models")),
    "layers": Subtask(
        "s/layers", "nets", "seed, layer", (Functionality("probe", per="layer"),), Pairing("layers", ("last",))
    ),
    "deletions": Subtask(
        "s/deletions", "nets", "deleted", (Functionality("probe", per="layer"),), Pairing("deletions")
    ),
}


def plain_rho(population, subtask, measure_id, keep_itself):
    """Spearman's rho by loops over the scores and one call of the measure a pair."""
    measure, functionality = get_measure(measure_id), subtask.functionalities[0]
    predictions = {record: i for i, record in enumerate(population.models)}
    name = "accuracy" if functionality.pairwise else functionality.name
    scores = population.scores[population.scores["functionality"] == name]

    def difference(best, model, reference_layer, layer, deleted):
        if functionality.pairwise:
            answers = population.items("predictions/noise").argmax(axis=2)
            return np.mean(answers[predictions[best]] != answers[predictions[model]])
        return abs(score(best, reference_layer, 0) - score(model, layer, deleted))

    def score(model, layer, deleted):
        row = scores[scores["model"] == model]
        if functionality.per == "layer":
            row = row[(row["layer"] == layer) & (row["deleted"] == deleted)]
        return row["value"].iloc[0]

    found = []
    for reference_layer in LAYERS if subtask.pairing.layers == () else LAYERS[-1:]:
        choose = min if functionality.lower_is_better else max
        best = choose(population.models, key=lambda m: score(m, reference_layer, 0))
        distances, differences = [], []
        for model in population.models:
            for layer in LAYERS if subtask.pairing.against == "layers" else (reference_layer,):
                for deleted in LEVELS if subtask.pairing.against == "deletions" else (0,):
                    if (model, layer, deleted) == (best, reference_layer, 0) and not keep_itself:
                        continue
                    other = population.representation(model, layer)
                    other = other.truncate(other.d - deleted).values if deleted else other.values
                    value = measure(population.representation(best, reference_layer).values, other)
                    distances.append(measure.dissimilarity(value))
                    differences.append(difference(best, model, reference_layer, layer, deleted))
        found.append(stats.spearmanr(np.round(distances, 9), np.round(differences, 9)).statistic)
    return np.mean(found)


@pytest.mark.parametrize("kind", SUBTASKS)
@pytest.mark.parametrize("measure", ["cka", "pwcca", "procrustes"])
@pytest.mark.parametrize("protocol", ["corrected", "published"])
def test_grade_is_the_plain_recomputation(population, kind, measure, protocol):
    evaluation = evaluate([SUBTASKS[kind]], {"nets": population}, get_measures(measure), protocol=protocol)
    frame = evaluation.results.frame
    row = frame[frame["functionality"] == frame["functionality"].iloc[0]].set_index("statistic").loc["spearman"]
    assert row["estimate"] == pytest.approx(
        plain_rho(population, SUBTASKS[kind], measure, protocol == "published"), abs=1e-12
    )


@pytest.mark.parametrize("kind", SUBTASKS)
def test_grades_and_statistics_agree_on_the_estimate(population, kind):
    evaluation = evaluate([SUBTASKS[kind]], {"nets": population}, get_measures("cka,procrustes"), resamples=200)
    (_, name), data = next(iter(evaluation.grading.items()))
    frame = evaluation.results.frame
    frame = frame[frame["functionality"] == name].set_index(["measure", "statistic"])
    for measure in ("cka", "procrustes"):
        found = grade(data, measure)
        assert frame.loc[(measure, "spearman"), "estimate"] == pytest.approx(found.rho, abs=1e-12)
        assert frame.loc[(measure, "kendall"), "estimate"] == pytest.approx(found.tau, abs=1e-12)
        assert frame.loc[(measure, "spearman"), "n_pairs"] == found.pairs
    assert (frame["ci_low"] <= frame["estimate"]).all()
    assert (frame["ci_high"] >= frame["estimate"]).all()
    adjusted = frame.xs("spearman", level="statistic")
    assert (adjusted["p_holm"] >= adjusted["p"]).all()


@pytest.mark.parametrize("kind", SUBTASKS)
def test_estimates_can_be_computed_again_from_the_pairs(population, kind):
    evaluation = evaluate([SUBTASKS[kind]], {"nets": population}, get_measures("cka,pwcca"))
    for row in evaluation.results.frame.itertuples():
        pairs = evaluation.pairs[evaluation.pairs["functionality"] == row.functionality]
        correlate = stats.spearmanr if row.statistic == "spearman" else stats.kendalltau
        by_layer = [
            correlate(np.round(g[row.measure], 12), np.round(g["difference"], 12)).statistic
            for _, g in pairs.groupby("reference_layer")
        ]
        assert row.estimate == pytest.approx(np.mean(by_layer), abs=1e-12)
    assert not evaluation.pairs["itself"].any()


def test_published_keeps_the_pair_of_the_reference_with_itself(population):
    evaluation = evaluate([SUBTASKS["models"]], {"nets": population}, get_measures("cka"), protocol="published")
    itself = evaluation.pairs[evaluation.pairs["itself"]]
    assert len(itself) == len(LAYERS)
    assert (itself["difference"] == 0).all()


def grading(dissimilarity, score):
    models = tuple(f"m{i}" for i in range(len(score)))
    score = np.asarray(score, dtype=float)
    return GradingData(
        models,
        ("layer",),
        ((),),
        score[None],
        score[None, :, None],
        np.array([[True]]),
        {"d": np.asarray(dissimilarity)[None, :, :, None]},
    )


def test_one_sided_p_is_half_of_the_two_sided_one_where_positive():
    score = np.array([9.0, 8.0, 6.0, 5.0, 1.0, 3.0])
    difference = 9 - score
    dissimilarity = np.zeros((6, 6))
    dissimilarity[0] = [0, 1, 2, 3, 4, 3.5]
    found = grade(grading(dissimilarity, score), "d")
    expected = stats.spearmanr(dissimilarity[0, 1:], difference[1:])
    assert found.rho_p == pytest.approx(expected.pvalue / 2)
    reverse = grade(grading(-dissimilarity, score), "d")
    assert reverse.rho == pytest.approx(-found.rho)
    assert reverse.rho_p == pytest.approx(1 - expected.pvalue / 2)


def test_failed_pairs_are_left_out_and_counted():
    score = [9.0, 8.0, 6.0, 5.0, 1.0, 3.0]
    dissimilarity = np.tile(np.arange(6.0), (6, 1))
    dissimilarity[0, 3] = np.nan
    found = grade(grading(dissimilarity, score), "d")
    assert (found.pairs, found.failed) == (4, 1)


def test_a_protocol_may_take_failures_to_make_a_grade_undefined():
    x, y = np.array([1.0, 2.0, np.inf, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 2.5, 4.0])
    left_out = correlate(x, y)
    assert left_out.rho == pytest.approx(stats.spearmanr(x[[0, 1, 3, 4]], y[[0, 1, 3, 4]]).statistic)
    undefined = correlate(x, y, Protocol("strict", passes_over_failures=False))
    assert (undefined.pairs, undefined.failed) == (left_out.pairs, left_out.failed) == (4, 1)
    assert np.isnan([undefined.rho, undefined.rho_p, undefined.tau, undefined.tau_p]).all()


def test_only_rounded_values_tie_what_rounding_parted():
    x, y = np.array([1.0, 1.0 + 1e-15, 2.0, 3.0]), np.array([2.0, 1.0, 3.0, 4.0])
    assert correlate(x, y, PUBLISHED).rho == pytest.approx(0.8)
    assert correlate(x, y, CORRECTED).rho == pytest.approx(stats.spearmanr([1, 1, 2, 3], y).statistic)


def test_a_mean_of_grades_adds_up_pairs():
    one, other = Grade(0.5, 0.1, 0.3, 0.2, 4, 1), Grade(0.7, 0.3, 0.5, 0.4, 5)
    assert Grade.mean([one, other]) == Grade(*map(pytest.approx, (0.6, 0.2, 0.4, 0.3)), 9, 1)
    assert np.isnan(Grade.mean([]).rho)


def test_a_measure_that_does_not_vary_has_no_grade():
    assert np.isnan(grade(grading(np.ones((6, 6)), range(6)), "d").rho)


def test_a_missing_score_is_named(population):
    subtask = Subtask("s/x", "nets", "seed", (Functionality("speed"),), Pairing("models"))
    with pytest.raises(InputError, match="no score 'speed'"):
        evaluate([subtask], {"nets": population}, get_measures("cka"))


def test_grading_data_survive_the_disk(population, tmp_path):
    subtasks = [SUBTASKS["deletions"], SUBTASKS["predictions"], SUBTASKS["errors"]]
    evaluation = evaluate(subtasks, {"nets": population}, get_measures("cka,procrustes"))
    save_grading(tmp_path / "grading.npz", evaluation.grading)
    for key, quality in {
        ("s/deletions", "probe"): "",
        ("s/predictions", "disagreement/noise"): "accuracy",
        ("s/errors", "accuracy"): "",
    }.items():
        loaded = load_grading(tmp_path / "grading.npz")[key]
        for measure in ("cka", "procrustes"):
            assert grade(loaded, measure) == grade(evaluation.grading[key], measure)
        assert (loaded.variants, loaded.quality) == (evaluation.grading[key].variants, quality)


def test_two_functionalities_of_pairs_share_their_dissimilarities(population):
    evaluation = evaluate([SUBTASKS["predictions"]], {"nets": population}, get_measures("cka"))
    assert (evaluation.computed, evaluation.reused) == (len(LAYERS) * 7 * 8 / 2, 0)
    disagreement, divergence = evaluation.grading.values()
    assert disagreement.dissimilarity is divergence.dissimilarity
    assert not np.array_equal(disagreement.difference, divergence.difference)


def test_the_kept_statistics_are_those_of_the_same_differences(population, tmp_path):
    subtask = SUBTASKS["predictions"]
    fresh, again = (
        evaluate([subtask], {"nets": population}, get_measures("cka"), resamples=100, cache=tmp_path) for _ in range(2)
    )
    pd.testing.assert_frame_equal(
        fresh.results.frame.drop(columns="seconds"), again.results.frame.drop(columns="seconds")
    )
    assert fresh.results.table().nunique()["cka"] == 2


def test_a_difference_may_depend_on_which_model_is_the_reference(population):
    """Of answers that the reference gives for sure, how many the other gives too; not the same the other way round."""

    def unsure(reference, other):
        sure = reference.max(axis=1) > 0.6
        return float(np.mean(reference[sure].argmax(axis=1) != other[sure].argmax(axis=1)))

    directed = Functionality("unsure", pairwise=Pairwise("predictions/noise", unsure, "accuracy", symmetric=False))
    data = GradingData.of(population, directed, Pairing("models"))
    items = population.items("predictions/noise")
    expected = [[unsure(reference, other) for other in items] for reference in items]
    assert data.pairwise == pytest.approx(np.array(expected))
    assert not np.allclose(data.pairwise, data.pairwise.T)
    assert len(directed.pairwise.differences(items)) == 2 * len(DISAGREEMENT.pairwise.differences(items))
    subtask = replace(SUBTASKS["predictions"], functionalities=(directed,))
    pairs = evaluate([subtask], {"nets": population}, get_measures("cka")).pairs
    references = pairs.groupby("reference_layer")["reference"].first()
    best = population.scores.query("functionality == 'accuracy'").set_index("model")["value"].idxmax()
    assert set(references) == {best}
    of_best = pairs[pairs["reference_layer"] == LAYERS[0]].set_index("model")["difference"]
    number = population.models.index(best)
    assert of_best.to_dict() == pytest.approx(
        {model: expected[number][m] for m, model in enumerate(population.models) if m != number}
    )


def test_what_models_differ_in_by_pairs_is_a_matter_of_whole_models():
    with pytest.raises(InputError, match="whole models"):
        Functionality("disagreement", per="layer", pairwise=DISAGREEMENT.pairwise)


def test_results_survive_the_disk_and_others_are_refused(population, tmp_path):
    results = evaluate([SUBTASKS["models"]], {"nets": population}, get_measures("cka")).results
    results.write(tmp_path)
    pd.testing.assert_frame_equal(read_results(tmp_path).table(), results.table())
    with pytest.raises(FileError, match="no finished run"):
        read_results(tmp_path / "elsewhere")
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(FileError, match="not the results"):
        read_results(tmp_path)


def test_a_failing_measure_ranks_last():
    rows = [("s/x", "f", m, "spearman", e) for m, e in (("good", 0.5), ("bad", -0.5), ("failing", np.nan))]
    frame = pd.DataFrame(rows, columns=["subtask", "functionality", "measure", "statistic", "estimate"])
    summary = Results(frame, {}).summary()
    assert list(summary.index) == ["good", "bad", "failing"]
    assert np.isnan(summary.loc["failing", "worst"])
