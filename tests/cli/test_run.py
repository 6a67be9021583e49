"""`similitude run` and its kin, as a user would call them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from similitude import ModelRecord, PopulationWriter, Score


def similitude(*arguments, **options):
    command = [sys.executable, "-m", "similitude", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    arguments = ("run", "synthetic", "--quick", "--home", folder / "home", "-m", "cka,pwcca", "-m", "procrustes")
    process = similitude(*arguments, "--out", "out", cwd=folder)
    assert process.returncode == 0, process.stderr
    return folder, arguments, process


def test_prints_the_table_and_writes_all_files(finished):
    folder, _, process = finished
    assert "synthetic/angle" in process.stdout
    assert process.stdout.startswith("smoke test: values mean nothing")
    assert "mean rank" not in process.stdout  # of populations that learn nothing
    assert "\x1b" not in process.stdout
    assert max(map(len, process.stdout.splitlines())) <= 100
    assert {"results.csv", "results.json", "table.md", "table.tex", "pairs.csv", "grading.npz"} <= set(
        os.listdir(folder / "out")
    )
    assert (folder / "out/figures/synthetic-angle-follows.png").stat().st_size > 10_000


def test_a_second_run_computes_nothing_and_gives_the_same_bytes(finished):
    folder, arguments, _ = finished
    before = {f: f.read_bytes() for f in (folder / "out").rglob("*") if f.is_file()}
    again = similitude(*arguments, "--out", "out", cwd=folder)
    assert "0 values computed" in again.stderr
    assert before == {f: f.read_bytes() for f in (folder / "out").rglob("*") if f.is_file()}


def test_neither_memory_nor_executor_changes_a_value(finished, tmp_path):
    folder, arguments, _ = finished
    shutil.copytree(folder / "home/populations", tmp_path / "home/populations")
    changed = ["--home", tmp_path / "home", "--memory", "1MB", "--executor", "processes:2", "--out", tmp_path / "out"]
    again = similitude(*arguments, *changed)
    assert again.returncode == 0, again.stderr
    assert " 0 values computed" not in again.stderr
    for file in ("results.csv", "pairs.csv"):
        first, second = (pd.read_csv(place / file) for place in (folder / "out", tmp_path / "out"))
        kept = [column for column in first if column != "seconds"]
        pd.testing.assert_frame_equal(first[kept], second[kept], rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--memory", "2"], "--memory 2: write a number and a unit"),
        (["--executor", "gpu"], "--executor gpu: write threads, serial"),
        (["--executor", "processes:0"], "processes:N"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_trained(arguments, text, tmp_path):
    result = similitude("run", "vision", "--home", tmp_path / "home", *arguments)
    assert result.returncode == 2
    assert text in result.stderr
    assert not (tmp_path / "home").exists()


def test_rho_in_the_results_follows_from_the_pairs_file(finished):
    folder, _, _ = finished
    results, pairs = pd.read_csv(folder / "out/results.csv"), pd.read_csv(folder / "out/pairs.csv")
    keys = ["subtask", "functionality"]
    for row in results[results["statistic"] == "spearman"].itertuples():
        mine = pairs[(pairs[keys] == [row.subtask, row.functionality]).all(axis=1)]
        groups = [g for _, g in mine.groupby("reference_layer")]
        rho = np.mean([stats.spearmanr(g[row.measure].round(12), g["difference"].round(12)).statistic for g in groups])
        assert row.estimate == pytest.approx(rho, abs=1e-12)


def test_json_stands_alone_on_stdout(finished):
    folder, arguments, _ = finished
    content = json.loads(similitude(*arguments, "--out", "json", "--json", cwd=folder).stdout)
    assert {row["measure"] for row in content["results"]} == {"cka", "pwcca", "procrustes"}
    assert content["provenance"]["scales"] == {"synthetic": "quick"}


def test_one_subtask_and_the_published_protocol(finished):
    folder, _, _ = finished
    process = similitude(
        "run",
        "synthetic/angle",
        "--quick",
        "--home",
        folder / "home",
        "--protocol",
        "published",
        "--json",
        "--out",
        folder / "p",
    )
    rows = json.loads(process.stdout)["results"]
    assert {row["subtask"] for row in rows} == {"synthetic/angle"}
    assert {row["n_pairs"] for row in rows} == {24}


def test_a_killed_run_goes_on(tmp_path):
    command = [
        sys.executable,
        "-m",
        "similitude",
        "run",
        "synthetic",
        "--home",
        tmp_path / "home",
        "--out",
        tmp_path / "out",
    ]
    for seconds in (2.0, 4.0, 6.0):
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    whole = similitude(*command[3:])
    assert whole.returncode == 0, whole.stderr
    fresh = similitude("run", "synthetic", "--home", tmp_path / "home2", "--out", tmp_path / "out2")
    assert fresh.returncode == 0
    assert (tmp_path / "out/pairs.csv").read_bytes() == (tmp_path / "out2/pairs.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "visoin"), "Did you mean 'vision'"),
        (("run", "synthetic/angel"), "Did you mean 'synthetic/angle'"),
        (("run", "synthetic", "-m", "ckka"), "Did you mean 'cka'"),
        (("run", "synthetic", "-m", "pwcca(lots=drop)"), "no parameter 'lots'"),
        (("run", "synthetic", "-m", "pwcca(lost=maybe)"), "'zero' or 'drop'"),
        (("suites", "visoin"), "Did you mean 'vision'"),
        (("build", "visoin"), "Did you mean 'vision'"),
        (("run", "synthetic", "--protocol", "mine"), "protocol"),
        (("run", "./mine", "--scores", "scores.csv"), "no suite and no folder './mine'"),
        (("run", "synthetic", "--quick", "--out", "/dev/null/out"), "/dev/null/out cannot be made"),
        (("run", "synthetic", "--quick", "--home", "/dev/null/home"), "error: /dev/null/home"),
        (("intuitive", "synthetic", "-m", "ckka"), "Did you mean 'cka'"),
        (("report", "/dev/null"), "holds no finished run"),
        (("check", "cka", "--seed", "-1"), "--seed"),
    ],
)
def test_bad_input_is_one_message_and_code_2(arguments, words, tmp_path):
    process = similitude(*arguments, env={**os.environ, "SIMILITUDE_HOME": str(tmp_path)}, cwd=tmp_path)
    assert process.returncode == 2
    assert words in " ".join(process.stderr.split())
    assert "Traceback" not in process.stderr
    assert process.stdout == ""


@pytest.mark.parametrize("command", [(), ("run",), ("build",), ("compare",), ("measures",), ("suites",), ("check",)])
def test_help(command):
    process = similitude(*command, "--help")
    assert process.returncode == 0
    assert "Usage" in process.stdout


def test_listings():
    assert {"cka", "pwcca", "random"} <= {row["measure"] for row in json.loads(similitude("measures", "--json").stdout)}
    assert "synthetic/angle" in {row["subtask"] for row in json.loads(similitude("suites", "--json").stdout)}


def test_two_folders_of_one_name_are_refused_before_anything_is_graded(tmp_path):
    rng = np.random.default_rng(0)
    for place in ("first", "second"):
        writer = PopulationWriter(tmp_path / place / "mine", "mine", ["layer"], [str(i) for i in range(30)])
        for i in range(4):
            scores = (Score("accuracy", i / 4),)
            writer.write(ModelRecord(f"net{i}", {"layer": rng.normal(size=(30, 4))}, scores=scores))
    process = similitude("run", "first/mine", "second/mine", "--home", "home", cwd=tmp_path)
    assert process.returncode == 2
    assert "are called 'mine'" in process.stderr
    assert not (tmp_path / "results").exists()
