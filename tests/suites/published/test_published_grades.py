"""Grades against a slow, independent computation, from stored distances and from embeddings."""

import json

import numpy as np
import pandas as pd
import pytest
from example_archive import SIZE
from slow_published import IDS, Computed, Stored, grade, load_scores

from similitude.errors import FileError
from similitude.suites.published.archive import open_archive
from similitude.suites.published.layout import SUBTASKS
from similitude.suites.published.protocols import AS_PUBLISHED, ArchiveProtocol, Quirk, keyed_pairs, reference_layers
from similitude.suites.published.recompute import Embeddings
from similitude.suites.published.reproduce import reproduce
from similitude.suites.published.scores import read_scores

ROWS = [
    ("layer_exp", "QNLI", [11]),
    ("layer_exp", "SST-2", [11]),
    ("pca_deletion", "SST-2", [7, 8, 9, 10, 11]),
    ("feather", "lex_nonent", range(12)),
    ("pretrain_finetune", "STRESS_ANTONYMY", range(2)),
    ("pretrain_finetune", "STRESS_NUMERICAL", range(2)),
]


def estimates(frame: pd.DataFrame, subtask, task, measure, protocol):
    chosen = frame[
        (frame["subtask"] == subtask)
        & (frame["functionality"] == task)
        & (frame["measure"] == measure)
        & (frame["protocol"] == protocol)
    ].set_index("statistic")
    return chosen.loc[["spearman", "kendall"], ["estimate", "p"]].to_numpy().ravel()


@pytest.fixture(scope="module")
def stored(pristine):
    return reproduce(pristine)


@pytest.fixture(scope="module")
def computed(pristine):
    return reproduce(pristine, from_embeddings=True)


@pytest.mark.parametrize(("subtask", "task", "layers"), ROWS)
@pytest.mark.parametrize("protocol", ["as_published", "corrected"])
def test_stored_distances_are_graded_exactly(pristine, stored, subtask, task, layers, protocol):
    assert stored.faults == ()
    value = Stored(pristine, subtask)
    for column, measure in IDS.items():
        if column == "CSA" and subtask != "feather":
            continue
        found = estimates(stored.results.frame, subtask, task, measure, protocol)
        if protocol == "corrected" and measure == "pwcca" and subtask != "pca_deletion":
            assert np.isnan(found).all()
            continue
        expected = grade(pristine, subtask, task, layers, value, column, protocol == "corrected")
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12, err_msg=f"{measure} {protocol}")


@pytest.mark.parametrize(("subtask", "task", "layers"), ROWS)
@pytest.mark.parametrize("protocol", ["as_published", "corrected"])
def test_recomputed_distances_are_graded_as_the_formulas_are(pristine, computed, subtask, task, layers, protocol):
    assert computed.faults == ()
    value = Computed(pristine, SUBTASKS[subtask].architecture)
    for column, measure in IDS.items():
        if column == "CSA":
            continue
        found = estimates(computed.results.frame, subtask, task, measure, protocol)
        expected = grade(pristine, subtask, task, layers, value, column, protocol == "corrected")
        # Of a representation and its own truncation all correlations are 1, and rounding orders what is tied.
        ties = subtask == "pca_deletion" and (protocol == "as_published" or measure == "pwcca")
        np.testing.assert_allclose(found, expected, rtol=0, atol=0.05 if ties else 1e-9, err_msg=measure)


def test_one_orientation_of_pwcca_is_available_only_when_recomputed(stored, computed):
    for subtask, available in (("feather", False), ("layer_exp", False), ("pca_deletion", True)):
        frame = stored.results.frame
        rows = frame[(frame["subtask"] == subtask) & (frame["measure"] == "pwcca") & (frame["protocol"] == "corrected")]
        assert (np.isfinite(rows["estimate"]) == available).all()
        assert (rows["note"].str.contains("not available") != available).all()
    assert computed.results.frame["estimate"].notna().all()


def test_written_distances_are_those_of_the_formulas(pristine, computed, tmp_path):
    computed.write(tmp_path)
    for subtask in SUBTASKS:
        value = Computed(pristine, SUBTASKS[subtask].architecture)
        for name in ("dists_self_computed", "dists_reference_first"):
            file = tmp_path / "dists" / subtask / f"{name}.csv"
            if not file.exists():
                assert (subtask, name) == ("pca_deletion", "dists_reference_first")
                continue
            frame = pd.read_csv(file)
            if subtask == "pca_deletion":
                assert (frame["dims_deleted"] + frame["dims_kept"] == SIZE.width).all()
            for record in frame.sample(frac=1, random_state=0)[:20].to_dict("records"):
                sides = [((record[f"seed{i}"], record[f"step{i}"]), record[f"layer{i}"]) for i in (1, 2)]
                key = (*sides[0], *sides[1], record.get("dims_deleted", 0))
                tied = sides[0] == sides[1]
                for column in IDS:
                    if column != "CSA" and not (tied and column == "PWCCA"):
                        assert record[column] == pytest.approx(value(key, column), abs=1e-9), column


def test_only_needed_pairs_are_computed_unless_all_are_asked_for(pristine, computed):
    count = {s.name: len(done.distances.keys) for s, (_, done) in computed.recomputed.items()}
    # One reference a layer against all models; the side that is first by number and the reference first.
    assert count["feather"] <= 2 * 12 * SIZE.feather
    found = reproduce(pristine, ["feather"], ["cka"], from_embeddings=True, every_pair=True)
    assert len(found.recomputed[SUBTASKS["feather"]][1].distances.keys) >= 12 * SIZE.feather * (SIZE.feather + 1) // 2
    wanted = estimates(computed.results.frame, "feather", "lex_nonent", "cka", "corrected")
    np.testing.assert_array_equal(estimates(found.results.frame, "feather", "lex_nonent", "cka", "corrected"), wanted)


def test_pairs_give_the_estimates_again(computed):
    from scipy.stats import spearmanr

    pairs = computed.pairs.query("protocol == 'corrected' and functionality == 'lex_nonent'")
    rho = [
        spearmanr(np.round(g["cka"], 12), np.round(g["difference"], 12))[0] for _, g in pairs.groupby("reference_layer")
    ]
    assert np.mean(rho) == pytest.approx(
        estimates(computed.results.frame, "feather", "lex_nonent", "cka", "corrected")[0], abs=1e-12
    )


def test_any_measure_and_any_functionality_can_be_graded(pristine):
    found = reproduce(pristine, ["feather/mnli_dev_acc"], ["norm_difference,CKA"], from_embeddings=True)
    assert list(found.results.frame["measure"].unique()) == ["norm_difference", "cka"]
    assert set(found.results.frame["functionality"]) == {"mnli_dev_acc"}
    assert found.faults == ()


@pytest.mark.parametrize("quirk", Quirk)
def test_every_quirk_changes_the_question_where_it_says_so(pristine, quirk):
    with open_archive(pristine) as archive:
        for subtask in SUBTASKS.values():
            scores = read_scores(archive, subtask)
            layers, _ = reference_layers(subtask, scores.layers or [0, 1])
            task = subtask.functionalities[0]
            kept, dropped = (
                list(keyed_pairs(scores, task, layers, protocol))
                for protocol in (AS_PUBLISHED, ArchiveProtocol.keeping("without", frozenset(Quirk) - {quirk}))
            )
            differ = any(
                a.reference != b.reference or a.pairs.shape != b.pairs.shape or (a.pairs != b.pairs).any()
                for a, b in zip(kept, dropped, strict=True)
            )
            if quirk is not Quirk.UNROUNDED:  # which is about ranking, not about pairs
                assert differ == (subtask.name in quirk.subtasks)


def test_a_best_model_with_seed_1_selects_nothing_as_published(archive):
    import pickle

    file = archive / "scores/pretrain_finetune/scores.pkl"
    correct, examples = pickle.loads(file.read_bytes())
    correct[1][2][:] = 1
    file.write_bytes(pickle.dumps((correct, examples)))
    found = reproduce(archive, ["pretrain_finetune"])
    frame = found.results.frame
    published = frame[frame["protocol"] == "as_published"]
    assert published["estimate"].isna().all()
    assert published["note"].str.contains("selects nothing").all()
    assert found.faults == ()
    value = Stored(archive, "pretrain_finetune")
    expected = grade(archive, "pretrain_finetune", "STRESS_ANTONYMY", range(2), value, "CKA", True)
    np.testing.assert_allclose(estimates(frame, "pretrain_finetune", "STRESS_ANTONYMY", "cka", "corrected"), expected)


def test_a_shallower_archive_is_graded_on_its_last_layers(archive):
    import shutil

    for seed in range(1, SIZE.base + 1):
        for layer in range(9, 12):
            shutil.rmtree(archive / f"embeddings/mnli_matched_100/base/{seed}/2000000/{layer}")
    import pickle

    for subtask in ("layer_exp", "pca_deletion"):
        scores = load_scores(archive, subtask)
        for of_task in scores.values():
            for of_seed in of_task.values():
                for layer in range(9, 12):
                    del of_seed[layer + 1]
        (archive / "scores" / subtask / "scores.pkl").write_bytes(pickle.dumps(scores))
    found = reproduce(archive, ["layer_exp/QNLI", "pca_deletion"], ["cka"], from_embeddings=True)
    assert found.faults == ()
    assert len(found.notes) == 2
    assert all("its last" in note for note in found.notes)
    used = found.pairs.groupby("subtask")["reference_layer"].unique()
    assert list(used["layer_exp"]) == [8]
    assert sorted(used["pca_deletion"]) == [4, 5, 6, 7, 8]
    value = Computed(archive, "base")
    expected = grade(archive, "layer_exp", "QNLI", [8], value, "CKA", False)
    np.testing.assert_allclose(
        estimates(found.results.frame, "layer_exp", "QNLI", "cka", "as_published"), expected, atol=1e-9
    )


def test_records_are_json(stored):
    records = json.loads(json.dumps(stored.results.records(), allow_nan=False))
    first = records[0]
    assert first["suite"] == "published"
    assert first["protocol"] in ("as_published", "corrected")
    assert {r["measure"] for r in records if r["subtask"] == "feather"} == set(IDS.values())


def test_a_subtask_without_embeddings_is_named(archive):
    import shutil

    shutil.rmtree(archive / "embeddings/mnli_matched_100/feather")
    found = reproduce(archive, ["feather", "pretrain_finetune"], ["cka"], from_embeddings=True)
    assert set(found.results.frame["subtask"]) == {"pretrain_finetune"}
    assert "no embeddings of architecture 'feather'" in found.faults[0]
    with pytest.raises(FileError, match="Nothing in"):
        reproduce(archive, ["feather"], ["cka"], from_embeddings=True)
    with open_archive(archive) as opened:
        assert Embeddings(opened, SUBTASKS["pretrain_finetune"]).n == SIZE.tokens
