"""`similitude reproduce` and `similitude archive`, as a user meets them."""

import json
import shlex
import shutil

import pytest
import typer
from typer.testing import CliRunner

from similitude.benchmark.results import COLUMNS
from similitude.cli import archive, reproduce
from similitude.errors import SimilitudeError
from similitude.suites.published.layout import LAYOUT

app = typer.Typer()
app.command("reproduce")(reproduce.command)
app.add_typer(archive.app, name="archive")
runner = CliRunner()

EXAMPLE = shlex.split(
    "--width 5 --tokens 20 --layers 2 --medium-layers 1 --base 3 --feather 4 --pretraining 2 --finetuning 3 "
    "--deleted 0,2,4 --seed 5"
)


def run(*arguments):
    return runner.invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "example"
    result = run("archive", "make-example", folder, *EXAMPLE)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    return folder


def test_json_stands_alone_on_stdout(example):
    result = run("reproduce", example, "--json")
    assert result.exit_code == 0, result.stderr
    rows = json.loads(result.stdout)
    assert set(COLUMNS) | {"protocol"} <= set(rows[0])
    assert {row["subtask"] for row in rows} == {"layer_exp", "pca_deletion", "feather", "pretrain_finetune"}
    assert {row["statistic"] for row in rows} == {"spearman", "kendall"}
    assert {row["protocol"] for row in rows} == {"as_published", "corrected"}
    assert "this archive has layers 0-1" in result.stderr


def test_the_table_shows_both_protocols_the_published_value_and_footnotes(example, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    result = run("reproduce", example, "--subtasks", "feather,pretrain_finetune", "--measures", "Procrustes,cka")
    assert result.exit_code == 0
    for text in (
        "ρ as published",
        "ρ corrected",
        "τ corrected",
        ".551111",
        "STRESS_NUMERICAL",
        "difference 1",
        "both:",
    ):
        assert text in result.stdout
    assert "pwcca  " not in result.stdout
    assert "difference 2 (" not in result.stdout  # of pca_deletion alone
    monkeypatch.setenv("COLUMNS", "90")
    assert "τ corrected" in run("reproduce", example, "--subtasks", "feather").stdout


def test_out_holds_results_pairs_table_and_distances(example, tmp_path):
    result = run(
        "reproduce", example, "--recompute", "--all-pairs", "--measures", "cka,norm_difference", "-o", tmp_path
    )
    assert result.exit_code == 0, result.stderr
    assert {p.name for p in tmp_path.iterdir()} == {"results.csv", "results.json", "pairs.csv", "table.md", "dists"}
    assert (tmp_path / "table.md").read_text().startswith("| subtask | functionality | measure |")
    header = (tmp_path / "dists/pca_deletion/dists_self_computed.csv").read_text().splitlines()[0]
    assert header == (
        "dataset1,architecture1,seed1,step1,layer1,dataset2,architecture2,seed2,step2,layer2,"
        "dims_deleted,dims_kept,CKA,norm_difference"
    )


def test_a_partial_result_has_its_exit_code(example, tmp_path):
    folder = shutil.copytree(example, tmp_path / "example")
    (folder / "scores/layer_exp/scores.pkl").unlink()
    result = run("reproduce", folder, "--json")
    assert result.exit_code == 1
    assert {row["subtask"] for row in json.loads(result.stdout)} == {"pca_deletion", "feather", "pretrain_finetune"}
    assert "layer_exp cannot be graded: scores/layer_exp/scores.pkl is missing" in result.stderr
    assert "partial" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reproduce"], "Name the archive"),
        (["reproduce", "/nowhere"], "does not exist"),
        (["reproduce", ".", "--all-pairs"], "goes with --recompute"),
        (["reproduce", ".", "--subtasks", "feathers"], "Did you mean 'feather'"),
        (["archive", "make-example", "x", "--deleted", "a"], "not numbers"),
        (["archive", "import", "/nowhere"], "does not exist"),
    ],
)
def test_errors_say_what_to_do(arguments, said):
    result = run(*arguments)
    assert isinstance(result.exception, SimilitudeError)
    assert result.exception.exit_code == 2
    assert said in str(result.exception)


def test_the_layout_is_shown_without_an_archive():
    result = run("reproduce", "--layout")
    assert result.exit_code == 0
    assert result.stdout == LAYOUT


def test_an_import_says_what_comes_next(example, tmp_path):
    result = run("archive", "import", example, "--subtasks", "feather", "--home", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert "similitude run published" in result.stderr
    assert (tmp_path / "populations/published/published-feather/manifest.json").exists()
