"""What is missing, damaged or inconsistent is named, and the rest is graded."""

import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
from example_archive import SIZE

from similitude.errors import FileError, UnknownName
from similitude.suites.published.reproduce import reproduce


def embedding(root, architecture, seed, step, layer):
    return root / f"embeddings/mnli_matched_100/{architecture}/{seed}/{step}/{layer}/rep.npy"


def edit(file, change):
    frame = pd.read_csv(file)
    change(frame).to_csv(file, index=False)


def recomputed(root, *subtasks):
    found = reproduce(root, list(subtasks), ["cka", "procrustes"], from_embeddings=True)
    return found, "\n".join(found.faults)


def test_a_missing_seed_is_named(archive):
    shutil.rmtree(archive / "embeddings/mnli_matched_100/feather/3")
    found, faults = recomputed(archive, "feather")
    assert "lack seed 3" in faults
    assert set(found.results.frame["n_models"]) == {SIZE.feather - 1}
    assert found.results.frame["estimate"].notna().all()


def test_a_seed_without_scores_is_named(archive):
    file = archive / "scores/layer_exp/scores.pkl"
    scores = pickle.loads(file.read_bytes())
    del scores["QNLI"][5]
    del scores["SST-2"][2][7]
    file.write_bytes(pickle.dumps(scores))
    found = reproduce(archive, ["layer_exp"])
    faults = "\n".join(found.faults)
    assert "QNLI lacks 12 score(s) of seed 5" in faults
    assert "SST-2 lacks 1 score(s) of seed 2, layer(s) 6" in faults
    assert found.results.frame["estimate"].notna().sum() > 0


def test_a_lost_layer_is_named_and_the_others_graded(archive):
    embedding(archive, "feather", 4, 0, 2).unlink()
    embedding(archive, "feather", 5, 0, 3).write_bytes(b"\x93NUMPY")
    found, faults = recomputed(archive, "feather")
    assert "embedding of seed 4, step 0, layer 2 is missing" in faults
    assert "feather/5/0/3/rep.npy has a header that is damaged" in faults
    assert found.results.frame["estimate"].notna().all()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.ones((6, SIZE.tokens - 1)), "has 39 tokens"),
        (np.ones(SIZE.tokens), "should be features x tokens"),
        (np.full((6, SIZE.tokens), np.nan), "NaN"),
        (np.ones((6, SIZE.tokens)), "constant"),
    ],
)
def test_mis_shaped_embeddings_are_named(archive, values, said):
    np.save(embedding(archive, "medium_finetuned", 2, 2, 0), values)
    _, faults = recomputed(archive, "pretrain_finetune")
    assert said in faults
    assert "medium_finetuned/2/2/0/rep.npy" in faults


def test_components_that_cannot_be_deleted_are_named(archive):
    file = archive / "scores/pca_deletion/scores.pkl"
    scores = pickle.loads(file.read_bytes())
    for of_seed in scores["SST-2"].values():
        for of_layer in of_seed.values():
            of_layer[SIZE.width] = [0.5]
    file.write_bytes(pickle.dumps(scores))
    found, faults = recomputed(archive, "pca_deletion")
    assert "6 components cannot be deleted from 6" in faults
    assert found.results.frame["estimate"].notna().all()


def test_a_wrong_number_of_rows_is_named(archive):
    edit(archive / "dists/feather/dists.csv", lambda frame: frame.drop(index=[0, 200]))
    found = reproduce(archive, ["feather"])
    assert "feather/dists.csv has 538 rows where its models, layers and deletion levels make 540 pairs" in "".join(
        found.faults
    )


def test_a_cut_file_is_named_and_what_is_left_graded(archive):
    file = archive / "dists/feather/dists.csv"
    file.write_bytes(file.read_bytes()[:-2000])
    found = reproduce(archive, ["feather"])
    assert any("cut or name no pair" in fault or "rows where" in fault for fault in found.faults)
    assert found.results.frame["estimate"].notna().any()


def test_a_value_that_is_no_number_is_counted(archive):
    def spoil(frame):
        frame["CKA"] = frame["CKA"].astype(object)
        best = pd.read_csv(archive / "scores/feather/scores.csv")["Lexical (nonent)"].idxmax()
        other = 0 if best else 1
        first, second = sorted((best, other))
        frame.loc[(frame["seed1"] == first) & (frame["seed2"] == second) & (frame["layer1"] == 4), "CKA"] = "?"
        return frame

    edit(archive / "dists/feather/dists.csv", spoil)
    found = reproduce(archive, ["feather"], ["cka"])
    assert "1 value(s) of CKA are missing or not numbers" in "".join(found.faults)
    frame = found.results.frame.set_index(["protocol", "statistic"])
    assert np.isnan(frame.loc[("as_published", "spearman"), "estimate"])
    assert "undefined in layer 4" in frame.loc[("as_published", "spearman"), "note"]
    assert np.isfinite(frame.loc[("corrected", "spearman"), "estimate"])
    assert frame.loc[("corrected", "spearman"), "n_failed"] == 1


def test_rows_in_another_order_are_named_and_joined_by_seeds(archive):
    expected = reproduce(archive, ["pretrain_finetune"]).results.frame
    edit(archive / "dists/pretrain_finetune/dists.csv", lambda frame: frame.iloc[::-1])
    found = reproduce(archive, ["pretrain_finetune"])
    assert "not in the order" in "".join(found.faults)
    pd.testing.assert_frame_equal(
        found.results.frame.drop(columns="data_hash"), expected.drop(columns="data_hash"), check_exact=False
    )


def test_rows_given_twice_are_named(archive):
    edit(archive / "dists/feather/dists.csv", lambda frame: pd.concat([frame, frame[:3]]))
    assert "3 pair(s) occur twice" in "".join(reproduce(archive, ["feather"]).faults)


def test_a_joined_table_that_says_otherwise_is_named(archive):
    frame = pd.read_csv(archive / "dists/feather/dists.csv")
    scores = pd.read_csv(archive / "scores/feather/scores.csv")["Lexical (nonent)"]
    frame["lex_nonent_diff"] = np.abs(scores[frame["seed1"]].to_numpy() - scores[frame["seed2"]].to_numpy())
    file = archive / "full_dfs/feather/full_df.csv"
    file.parent.mkdir(parents=True)
    frame.to_csv(file)
    assert reproduce(archive, ["feather"]).faults == ()
    frame.loc[7, "lex_nonent_diff"] += 0.01
    frame.loc[9, "mean_cca_corr"] += 0.01
    frame.to_csv(file)
    faults = reproduce(archive, ["feather"]).faults
    assert any("1 value(s) of lex_nonent_diff do not match scores/feather/scores.csv" in f for f in faults)
    assert any("1 value(s) of mean_cca_corr do not match the distances" in f for f in faults)
    shutil.rmtree(archive / "dists/feather")
    found = reproduce(archive, ["feather"])
    assert "distances are taken from full_dfs" in "".join(found.faults)
    assert found.results.frame["estimate"].notna().any()


def test_recomputing_needs_neither_distances_nor_joined_tables(archive):
    shutil.rmtree(archive / "dists")
    found, faults = recomputed(archive, "feather", "pretrain_finetune")
    assert faults == ""
    assert found.results.frame["estimate"].notna().all()
    with pytest.raises(FileError, match=r"dists/feather/dists\.csv is missing.*--recompute"):
        reproduce(archive, ["feather"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pickle.dumps([1, 2]), "not laid out"),
        (pickle.dumps({"QNLI": {}}), "not laid out"),
        (pickle.dumps(({1: {1: np.ones(3)}}, [{"guid": "STRESS-1"}])), "for 1 examples"),
        (b"cos\nsystem\n(S'true'\ntR.", r"refused: it holds os\.system"),
    ],
)
def test_scores_that_cannot_be_read_are_named_and_the_rest_graded(archive, content, said):
    import re

    name = "pretrain_finetune" if b"guid" in content else "layer_exp"
    (archive / "scores" / name / "scores.pkl").write_bytes(content)
    found = reproduce(archive, [name, "feather"])
    assert set(found.results.frame["subtask"]) == {"feather"}
    assert re.search(f"{name} cannot be graded: scores/{name}/scores.pkl.*{said}", "\n".join(found.faults))


def test_unknown_names_are_errors_or_faults(archive):
    with pytest.raises(UnknownName, match="feather"):
        reproduce(archive, ["feathers"])
    with pytest.raises(UnknownName, match="cka"):
        reproduce(archive, ["feather"], ["ckaa"], from_embeddings=True)
    found = reproduce(archive, ["feather", "feather/typo"], ["cka", "nbs"])
    faults = "\n".join(found.faults)
    assert "no functionality 'typo'" in faults
    assert "no stored distances of nbs" in faults
    assert set(found.results.frame["measure"]) == {"cka"}


def test_a_layer_that_no_model_has_is_named(archive):
    edit(archive / "dists/feather/dists.csv", lambda frame: frame[frame["layer1"] != 5])
    found = reproduce(archive, ["feather"])
    assert found.faults == ("feather: the distances lack layer(s) 5",)
    assert set(found.results.frame.query("protocol == 'as_published'")["n_pairs"]) == {11 * SIZE.feather}


def test_a_deletion_level_without_scores_is_named(archive):
    file = archive / "scores/pca_deletion/scores.pkl"
    scores = pickle.loads(file.read_bytes())
    for of_seed in scores["SST-2"].values():
        for of_layer in of_seed.values():
            del of_layer[3]
    file.write_bytes(pickle.dumps(scores))
    found = reproduce(archive, ["pca_deletion"])
    assert "no scores with 3 components deleted" in "".join(found.faults)
    assert found.results.frame["estimate"].notna().all()


def test_a_grid_without_nothing_deleted_has_no_reference(archive):
    file = archive / "scores/pca_deletion/scores.pkl"
    scores = pickle.loads(file.read_bytes())
    for of_seed in scores["SST-2"].values():
        for layer in (9, 10):
            del of_seed[layer + 1][0]
    file.write_bytes(pickle.dumps(scores))
    found = reproduce(archive, ["pca_deletion"], ["cka"])
    assert "no model has a score of SST-2 in layer 9 with nothing deleted" in "".join(found.faults)
    assert found.results.frame["estimate"].notna().all()
    assert set(found.pairs["reference_layer"]) == {7, 8, 11}


def test_scores_of_other_models_are_no_use(archive):
    file = archive / "scores/layer_exp/scores.pkl"
    scores = {task: {99: of_task[1]} for task, of_task in pickle.loads(file.read_bytes()).items()}
    file.write_bytes(pickle.dumps(scores))
    with pytest.raises(FileError, match="no model in common"):
        reproduce(archive, ["layer_exp"])
