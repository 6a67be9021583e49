"""A leaderboard from populations made here: what it grades, what it writes, and that a killed one goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from similitude import ModelRecord, PopulationWriter, Score, get_measures
from similitude.benchmark import Pairing, Subtask
from similitude.benchmark.questions import Monotonicity, Separation
from similitude.benchmark.standings import Standings, confirm, replicated_standings
from similitude.benchmark.subtask import Functionality
from similitude.cli.main import app
from similitude.errors import InputError
from similitude.measures import MEASURES, every_measure
from similitude.report.leaderboard import confirmation_sentence, read_run
from similitude.runs.grade import Choice
from similitude.runs.leaderboard import Options, make_leaderboard
from similitude.runs.replicate import can_be_halved, half_of
from similitude.runs.timing import time_measures
from similitude.suites import Site, Suite

FAILING = """
import numpy as np
from similitude.measures import measure


@measure(kind="similarity", bounds=(0, 1), invariances="POST")
def picky(X, Y):
    '''Refuses some representations.'''
    if abs(X[0, 0]) < 0.2:
        raise ValueError("the first value is too small")
    return 0.5
"""


class MadeSuite(Suite):
    """Networks that differ in one trait, which they answer by, and in groups."""

    name = "made"
    description = "made up"

    def subtasks(self):
        answers = tuple(
            Subtask(f"made/{p}", p, "seed", (Functionality("trait"),), Pairing("models"), test="accuracy")
            for p in ("one", "two", "three")
        )
        return (
            *answers,
            Subtask("made/layers", "one", "layer", (), Pairing("layers"), question=Monotonicity(), test="layers"),
            Subtask("made/groups", "groups", "group", (), Pairing("models"), question=Separation(), test="groups"),
            Subtask("made/absent", "absent", "seed", (Functionality("trait"),), Pairing("models"), test="outputs"),
        )

    def is_built(self, site, populations=None):
        return True

    def build(self, site, populations=None, **options):
        rng = np.random.default_rng(0)
        for name in ("one", "two", "three", "groups"):
            inputs = [f"x{i}" for i in range(40)]
            writer = PopulationWriter(site.folder(name), name, ["early", "middle", "late"], inputs)
            base, towards = rng.normal(size=(2, 40, 6))
            for m in range(12):
                trait = m % 3 if name == "groups" else rng.random()
                step = base + trait * towards
                layers = {}
                for layer in ("early", "middle", "late"):
                    step = step + 0.4 * rng.normal(size=step.shape)
                    layers[layer] = step
                attributes = {"condition": f"group {trait}"} if name == "groups" else {}
                writer.write(ModelRecord(f"net{m:02d}", layers, attributes, (Score("trait", float(trait)),)))


@pytest.fixture(scope="module")
def choice(tmp_path_factory):
    suite, site = MadeSuite(), Site(tmp_path_factory.mktemp("home"), "first")
    suite.build(site)
    return Choice(suite, site, suite.subtasks())


@pytest.fixture(scope="module")
def made(choice, tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    (folder / "mine.py").write_text(FAILING)
    measures = get_measures(["cka", "procrustes", "angular_procrustes", "random", f"{folder}/mine.py:picky"])
    board = make_leaderboard([choice], measures, folder / "out", Options())
    board.write(folder / "out")
    return folder, board


def test_every_named_measure_and_every_declared_setting_is_in_the_catalogue():
    ids = [str(measure) for measure in every_measure()]
    assert set(MEASURES) <= set(ids)
    assert {"cka(debiased=true)", "rtd(batch=30,trials=1)"} <= set(ids)
    assert len(ids) == len(set(ids)) >= 40


def test_families_are_those_of_the_subtasks_whose_networks_are_there(made):
    _, board = made
    assert board.standings["family"].unique().tolist() == ["layers", "failure", "conditions", "all"]
    assert board.provenance["without_networks"] == ["made/absent"]
    whole = board.standings[board.standings["family"] == "failure"].set_index("measure")
    assert whole.loc["cka", "subtasks"] == 3
    assert whole.loc["cka", "units"] == 36
    assert whole.loc["cka", "tells"]
    assert not whole.loc["random", "tells"]
    assert whole.loc["procrustes", "rank"] == whole.loc["angular_procrustes", "rank"]


def test_a_measure_that_fails_is_last_and_counted(made):
    _, board = made
    for _, rows in board.standings.groupby("family"):
        own = rows[rows["measure"].str.endswith("picky")].iloc[0]
        assert own["rank"] == rows["rank"].max()
        assert own["failed"] > 0
    assert board.failures["pairs"].sum() > 0
    assert "too small" in board.failures["reason"].iloc[0]
    assert any("pairs failed" in line for line in board.sentences())


def test_groups_that_are_too_small_to_split_are_in_one_half(made, choice):
    _, board = made
    assert board.provenance["in_one_half"] == ["made/groups"]
    assert set(board.verdicts["outcome"]) <= {"holds", "undecided", "reversed", "not graded"}
    kept = board.verdicts.query("family == 'failure' and kind == 'tells' and outcome == 'holds'")
    assert "cka" in set(kept["measure"])
    assert "random" not in set(board.verdicts["measure"])
    confirmed = board.standings.query("family == 'failure' and confirmed")
    assert set(confirmed["measure"]) == set(kept["measure"])


def test_files_say_what_the_board_says(made):
    folder, board = made
    out = folder / "out"
    table = pd.read_csv(out / "leaderboard.csv")
    assert len(table) == len(board.standings) == 4 * 5
    pd.testing.assert_series_equal(table["estimate"], board.standings["estimate"], rtol=1e-5)
    kept = json.loads((out / "leaderboard.json").read_text())
    assert kept["provenance"]["measures"] == 5
    assert kept["provenance"]["timed_on"] == {"n": 40, "d": 6}
    assert any("40 inputs and 6 features" in line for line in kept["findings"])
    assert kept["combination"]["outcome"] == board.combination.outcome != "not tried"
    text = (out / "leaderboard.md").read_text()
    assert all(line.split(":")[0] in text.replace("\\", "") for line in board.sentences()[:2])
    assert {"heat-map.png", "time.png", "places-failure.png", "places-all.pdf"} <= set(os.listdir(out / "figures"))
    assert (out / "run/results.csv").exists()
    assert not (out / "run/grading.npz").exists()


def test_parquet_holds_the_same_tables(made):
    pytest.importorskip("pyarrow")
    folder, board = made
    table = pd.read_parquet(folder / "out/leaderboard.parquet")
    pd.testing.assert_frame_equal(table, board.standings, check_dtype=False)
    assert len(pd.read_parquet(folder / "out/differences.parquet")) == len(board.differences)


def test_verdicts_of_another_leaderboard_are_put_to_this_one(made):
    folder, board = made
    families = dict(zip(board.rows["subtask"], board.rows["family"], strict=True))
    kept = read_run(folder / "out")
    found = confirm(kept, kept, families)
    verdicts = found.verdicts
    assert len(verdicts) == board.standings["tells"].sum() + board.differences["distinct"].sum() > 2
    assert set(verdicts[verdicts["low"] > 0]["outcome"]) == {"holds"}
    summary = found.families.set_index("family")
    assert summary["agreement"].to_list() == pytest.approx([1] * len(summary))
    assert (summary["best_again"] == 1).all()
    assert summary["subtasks"].to_dict() == {"layers": 1, "failure": 3, "conditions": 1, "all": 5}
    held = (verdicts["outcome"] == "holds").sum()
    assert confirmation_sentence(found, folder).startswith(f"Of {len(verdicts)} verdicts of {folder} on families of")
    assert f"{held} ({held / len(verdicts):.0%}) hold on these networks" in confirmation_sentence(found, folder)
    assert "has no verdict" in confirmation_sentence(found._replace(verdicts=verdicts[:0]), folder)


def test_only_what_both_graded_is_compared(made):
    folder, board = made
    families = dict(zip(board.rows["subtask"], board.rows["family"], strict=True))
    kept = read_run(folder / "out")
    frame = kept.frame
    fewer = frame[~frame["subtask"].isin(["made/one", "made/layers"]) & (frame["measure"] != "procrustes")]
    for pair in ((kept, replace(kept, frame=fewer)), (replace(kept, frame=fewer), kept)):
        found = confirm(*pair, families)
        assert found.families.set_index("family")["subtasks"].to_dict() == {"failure": 2, "conditions": 1, "all": 3}
        assert "procrustes" not in set(found.verdicts["measure"]) | set(found.verdicts["other"])
        assert set(found.verdicts["outcome"]) == {"holds"}
    with pytest.raises(InputError, match="in common"):
        confirm(kept, replace(kept, frame=frame[frame["measure"] == "made elsewhere"]), families)


def test_what_is_the_other_way_round_is_reversed(made):
    _, board = made
    here = Standings(board.standings, board.differences)
    flipped = here.table.assign(low=-here.table["high"], high=-here.table["low"])
    assert (replicated_standings(here, here._replace(table=flipped))["outcome"] == "reversed").any()


def test_estimates_are_means_over_the_rows_of_a_family(made):
    _, board = made
    rows = board.rows.query("family == 'failure' and measure == 'cka'")
    own = board.standings.query("family == 'failure' and measure == 'cka'").iloc[0]
    assert own["estimate"] == pytest.approx(rows["every"].mean())


def test_a_slow_measure_is_left_out_and_named(choice, tmp_path):
    times = pd.DataFrame({"measure": ["cka", "random"], "version": ["x", "x"], "seconds": [5.0, 0.001]})
    cka, random = get_measures(["cka", "random"])
    times["version"] = [cka.version, random.version]
    times.assign(n=1, d=1).to_csv(tmp_path / "timings.csv", index=False)
    some = replace(choice, subtasks=choice.subtasks[:1])
    board = make_leaderboard([some], [cka, random], tmp_path, Options(limit=1.0))
    assert board.provenance["too_slow"] == {"cka": 5.0}
    assert set(board.standings["measure"]) == {"random"}
    with pytest.raises(InputError, match="Raise --limit"):
        make_leaderboard([some], [cka], tmp_path, Options(limit=1.0))


def test_times_are_taken_once(tmp_path):
    rng = np.random.default_rng(0)
    pair = [rng.normal(size=(50, 4)) for _ in range(3)]
    from similitude import Representation

    given = [Representation(values) for values in pair]
    first = time_measures(get_measures("cka"), given, tmp_path / "t.csv")
    again = time_measures(get_measures("cka,procrustes"), given, tmp_path / "t.csv")
    assert again["seconds"].iloc[0] == first["seconds"].iloc[0]
    assert again[["n", "d"]].to_numpy().tolist() == [[50, 4]] * 2


def test_a_population_without_networks_is_not_there_yet(choice, tmp_path):
    site = Site(tmp_path, "first")
    PopulationWriter(site.folder("one"), "one", ["early", "middle", "late"], ["x0", "x1"])
    assert choice.suite.populations(site) == {}
    with pytest.raises(InputError, match="There are no networks for made/absent, made/groups"):
        make_leaderboard([replace(choice, site=site)], get_measures("cka"), tmp_path / "out", Options())


def test_halves_split_every_group_and_share_no_network(choice):
    populations = choice.suite.populations(choice.site)
    groups = next(s for s in choice.subtasks if s.id == "made/groups")
    halves = [half_of(groups, populations["groups"], half) for half in (0, 1)]
    assert not set(halves[0].models) & set(halves[1].models)
    for half in halves:
        assert half.attributes["condition"].value_counts().tolist() == [2, 2, 2]
    assert not can_be_halved(groups, populations["groups"])
    some = replace(choice.subtasks[0], models=6)
    first = [half_of(s, populations["one"], 0) for s in (choice.subtasks[0], some)]
    assert set(first[1].models) <= set(first[0].models)
    assert can_be_halved(choice.subtasks[0], populations["one"])
    assert not can_be_halved(some, populations["one"])


def test_no_networks_at_all(choice, tmp_path):
    absent = replace(choice, subtasks=choice.subtasks[-1:])
    with pytest.raises(InputError, match="no networks for made/absent"):
        make_leaderboard([absent], get_measures("cka"), tmp_path, Options())


ARGUMENTS = ("leaderboard", "synthetic", "--scale", "first", "--only")
IDS = "cka,procrustes,pwcca,nbs,random"


def command(*arguments):
    return CliRunner().invoke(app, [*ARGUMENTS, *map(str, arguments)])


def test_a_killed_leaderboard_computes_only_what_is_missing(tmp_path):
    def arguments(home):
        return ["-m", IDS, "--home", tmp_path / home, "-o", tmp_path / f"{home}-out"]

    killed = [sys.executable, "-m", "similitude", *ARGUMENTS, *map(str, arguments("killed"))]
    process = subprocess.Popen(killed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ledger = tmp_path / "killed/ledger.sqlite"
    while process.poll() is None and sum(f.stat().st_size for f in ledger.parent.glob("ledger.*")) < 200_000:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    counts = {}
    for home in ("killed", "fresh"):
        result = command(*arguments(home))
        assert result.exit_code == 0, result.output
        words = result.stderr.partition(" values computed, ")
        counts[home] = int(words[0].split()[-1]), int(words[2].split()[0])
    assert sum(counts["killed"]) == sum(counts["fresh"])
    assert 0 < counts["killed"][0] < counts["fresh"][0]
    kept = ["estimate", "low", "high", "rank", "rank_low", "rank_high", "distinct"]
    tables = [pd.read_csv(tmp_path / f"{home}-out/leaderboard.csv")[kept] for home in ("killed", "fresh")]
    pd.testing.assert_frame_equal(*tables)
    again = command(*arguments("fresh"))
    assert "\n0 values computed" in again.stderr


def test_json_stands_alone_on_stdout(tmp_path):
    result = command("-m", "cka,random", "--home", tmp_path / "home", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert content == json.loads((tmp_path / "out/leaderboard.json").read_text())
    assert {row["family"] for row in content["standings"]} == {"removed"}
    assert content["decisions"][0]["question"] == "removed components"
    assert content["combination"]["outcome"] == "not tried"


def test_another_draw_is_held_against_the_first(tmp_path):
    shared = ("-m", "cka,procrustes,random", "--home", tmp_path / "home")
    assert command(*shared, "-o", tmp_path / "first").exit_code == 0
    again = command(*shared, "--draw", 1, "-o", tmp_path / "again", "--against", tmp_path / "first")
    assert again.exit_code == 0, again.output
    assert "hold on these networks" in again.stderr
    verdicts = pd.read_csv(tmp_path / "again/replication.csv")
    summary = pd.read_csv(tmp_path / "again/replication_families.csv")
    assert summary["verdicts"].sum() == len(verdicts) > 0
    other = CliRunner().invoke(app, ["leaderboard", "graphs", "--built", "--against", str(tmp_path / "first")])
    assert other.exit_code == 2
    assert "has none of the subtasks graphs" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-m", "ckka"], "Did you mean 'cka'"),
        ([], "--only takes --measures"),
        (["-m", "cka", "--executor", "gpu"], "--executor gpu: write threads"),
        (["-m", "cka", "--out", "/dev/null/out"], "/dev/null/out cannot be made"),
        (["-m", "cka", "--built"], "There are no networks for synthetic/angle"),
        (["-m", "cka", "--pairs", "3"], "--pairs"),
        (["-m", "cka", "--inputs", "3"], "--inputs"),
        (["-m", "cka", "--against", "/dev"], "/dev is not the folder of a leaderboard"),
        (["-m", "cka", "--memory", "2"], "--memory 2"),
    ],
)
def test_bad_input_is_one_message_and_code_2(arguments, words, tmp_path):
    result = command("--home", tmp_path / "home", "--out", tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.output
