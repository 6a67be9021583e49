"""The archive as populations, and as a suite like any other."""

import numpy as np
import pytest
from example_archive import SIZE
from typer.testing import CliRunner

from similitude.benchmark.evaluate import evaluate
from similitude.cli.main import app
from similitude.errors import FileError, InputError
from similitude.measures import get_measures
from similitude.suites.base import Site
from similitude.suites.published.convert import import_archive
from similitude.suites.published.layout import SUBTASKS
from similitude.suites.published.reproduce import reproduce
from similitude.suites.published.suite import SUITE, population_name


def into(home):
    return lambda subtask: SUITE.folder(Site(home), population_name(subtask))


@pytest.fixture(scope="module")
def home(pristine, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    assert not SUITE.is_built(Site(home))
    faults = import_archive(pristine, into(home))
    assert faults == {name: [] for name in SUBTASKS}
    assert SUITE.is_built(Site(home))
    return home


def test_populations_hold_the_networks_and_their_scores(pristine, home):
    populations = SUITE.populations(Site(home))
    feather = populations["published-feather"]
    assert len(feather.models) == SIZE.feather
    stored = np.load(pristine / "embeddings/mnli_matched_100/feather/3/0/7/rep.npy")
    np.testing.assert_array_equal(feather.representation("seed-003", "7").values, stored.T)
    deletion = populations["published-pca_deletion"]
    assert deletion.layers == ("7", "8", "9", "10", "11")
    assert len(deletion.models) == 7
    crossed = populations["published-pretrain_finetune"]
    items = crossed.items("STRESS_ANTONYMY")
    scores = crossed.scores[crossed.scores["functionality"] == "STRESS_ANTONYMY"].set_index("model")["value"]
    np.testing.assert_allclose(items.mean(axis=1), scores.loc[list(crossed.models)])


def test_the_suite_grades_as_the_corrected_protocol_does(pristine, home):
    measures = get_measures("cka,pwcca")
    subtasks = [s for s in SUITE.subtasks() if s.id != "published/layer_exp"]
    found = evaluate(subtasks, SUITE.populations(Site(home)), measures).results.frame
    names = [s.id.partition("/")[2] for s in subtasks]
    expected = reproduce(pristine, names, ["cka,pwcca"], from_embeddings=True).results.frame
    expected = expected[expected["protocol"] == "corrected"]
    keys = ["functionality", "measure", "statistic"]
    found, expected = (frame.set_index(keys)["estimate"].sort_index() for frame in (found, expected))
    tied = np.array([key[0] == "SST-2" and key[1] == "pwcca" for key in found.index])
    np.testing.assert_allclose(found[~tied], expected[~tied], atol=1e-10)
    np.testing.assert_allclose(found[tied], expected[tied], atol=0.05)


def test_descriptions_need_no_results_per_item(home):
    described = SUITE.describe(Site(home)).set_index("functionality")
    assert np.isnan(described.loc["lex_nonent", "reliability"])
    assert described.loc["STRESS_ANTONYMY", "reliability"] > 0
    assert described.loc["lex_nonent", "n_models"] == SIZE.feather


def test_an_import_resumes_and_leaves_out_what_is_broken(archive, tmp_path):
    (archive / "embeddings/mnli_matched_100/feather/2/0/5/rep.npy").write_bytes(b"")
    faults = import_archive(archive, into(tmp_path), ["feather"])
    assert "seed 2, step 0 left out: " in faults["feather"][0]
    assert len(SUITE.populations(Site(tmp_path))["published-feather"].models) == SIZE.feather - 1
    np.save(archive / "embeddings/mnli_matched_100/feather/2/0/5/rep.npy", np.ones((6, SIZE.tokens)) * np.arange(40))
    assert import_archive(archive, into(tmp_path), ["feather"]) == {"feather": []}
    assert len(SUITE.populations(Site(tmp_path))["published-feather"].models) == SIZE.feather


def test_one_cause_is_one_line(archive, tmp_path):
    for file in archive.glob("embeddings/*/*/*/*/*/rep.npy"):
        file.write_bytes(b"torn")
    runner = CliRunner()
    result = runner.invoke(app, ["archive", "import", str(archive), "--home", str(tmp_path)])
    assert result.exit_code == 2
    error = result.stderr[result.stderr.index("error: ") :]
    assert error.count("is not a .npy file") == error.count("\n") == 1
    assert all(name in error for name in ("layer_exp", "pca_deletion", "feather", "pretrain_finetune"))


def test_networks_left_out_for_one_cause_are_one_line(archive, tmp_path):
    for seed in (1, 2):
        (archive / f"embeddings/mnli_matched_100/feather/{seed}/0/5/rep.npy").write_bytes(b"torn")
    (archive / "embeddings/mnli_matched_100/feather/3/0/5/rep.npy").unlink()
    lines = [line for line in import_archive(archive, into(tmp_path), ["feather"])["feather"] if "left out" in line]
    assert len(lines) == 2
    assert lines[0].startswith("feather: seed 1, step 0 (and 1 more) left out: ")
    assert "layer 5 is missing" in lines[1]


def test_without_an_import_it_is_said_how(tmp_path):
    with pytest.raises(InputError, match="similitude archive import"):
        SUITE.build(Site(tmp_path))
    with pytest.raises(FileError):
        import_archive(tmp_path, into(tmp_path))
