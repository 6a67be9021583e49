import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from similitude.errors import InputError
from similitude.representations import PopulationWriter, open_population
from similitude.suites import SUITES
from similitude.suites.base import Site
from similitude.suites.vision.build import build_population
from similitude.suites.vision.data import Cifar10
from similitude.suites.vision.recipe import DELETION_LAYERS, LAYERS, RECIPES
from similitude.suites.vision.suite import VisionSuite


@pytest.fixture(scope="module")
def suite(tiny):
    return VisionSuite(recipes={"paper": tiny, "embedded": tiny})


@pytest.fixture(scope="module")
def home(suite, cifar10, tmp_path_factory):
    pytest.importorskip("torch")
    home = Site(tmp_path_factory.mktemp("home"), "paper")
    suite.build(home, cifar10=cifar10)
    return home


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_what_is_missing_is_built_again_to_the_same_bytes(suite, home, cifar10, tmp_path):
    folder = home.folder("vision")
    partly = Site(tmp_path, "paper").folder("vision")
    shutil.copytree(folder, partly)
    shutil.rmtree(partly / "models" / "seed001")
    kept = (partly / "models" / "seed002" / "model.json").stat().st_mtime_ns
    assert not suite.is_built(Site(tmp_path, "paper"))
    told = []
    again = Site(tmp_path, "paper", workers=1, progress=lambda *told_now: told.append(told_now))
    suite.build(again, cifar10=cifar10)
    assert told == [("vision", 2, 3), ("vision", 3, 3)]
    assert suite.is_built(Site(tmp_path, "paper"))
    assert contents(partly) == contents(folder)
    assert (partly / "models" / "seed002" / "model.json").stat().st_mtime_ns == kept
    told.clear()
    suite.build(again, cifar10=cifar10)
    assert told == [("vision", 3, 3)]


def test_the_population_has_what_the_subtasks_ask_for(suite, home, tiny):
    population = suite.populations(home)["vision"]
    assert population.models == ("seed000", "seed001", "seed002")
    assert population.layers == LAYERS
    representation = population.representation("seed001", "stage3.block2")
    assert representation.reduction == "grid_mean_pool(2 x 2)"
    assert representation.ids == tuple(f"cifar10-{i:05}" for i in range(tiny.inputs))
    for subtask in suite.subtasks():
        for functionality in subtask.functionalities:
            name = functionality.name
            if functionality.pairwise:
                assert population.items(functionality.pairwise.items).shape[::2] == (3, 10)
                name = functionality.pairwise.quality
            scores = population.scores[population.scores["functionality"] == name]
            assert scores["model"].nunique() == (tiny.probed if functionality.per == "layer" else 3)
            assert scores["value"].between(0, 1).all()


def test_description_has_a_row_for_each_functionality_and_for_clean_images(suite, home):
    table = suite.describe(home)
    subtasks = suite.subtasks()
    names = [f.name for subtask in subtasks for f in (*subtask.described_only, *subtask.functionalities)]
    assert table["functionality"].tolist() == names
    graded = {f.name for subtask in suite.subtasks() for f in subtask.functionalities}
    behaviour = {f"{what}/clean" for what in ("disagreement", "jensen_shannon", "calibration_error")}
    assert set(names) - graded == {"accuracy/clean", *behaviour}
    graded = table[table["subtask"] == "vision/ood"].set_index("functionality")
    population = suite.populations(home)["vision"]
    assert graded.loc["accuracy/noise", "mean"] == pytest.approx(population.items("accuracy/noise").mean())
    answers = population.items("predictions/clean").argmax(axis=2)
    differ = [np.mean(answers[a] != answers[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert table.set_index("functionality").loc["disagreement/clean", "mean"] == pytest.approx(np.mean(differ))


def test_cifar10c_replaces_the_corruptions(suite, cifar10, cifar10c, tiny, tmp_path):
    pytest.importorskip("torch")
    from similitude.suites.vision.record import model_record

    data = Cifar10(cifar10, cifar10c).load()
    writer = PopulationWriter(Site(tmp_path, "paper").folder("vision"), "vision", LAYERS, data.ids[: tiny.inputs])
    for seed in range(2):
        writer.write(model_record(data, tiny, seed))
    functionalities = set(suite.describe(Site(tmp_path, "paper"))["functionality"])
    assert {"accuracy/fog", "accuracy/brightness", "accuracy/mean"} < functionalities
    assert "accuracy/noise" not in functionalities
    population = suite.populations(Site(tmp_path, "paper"))["vision"]
    both = [population.items(f"accuracy/{family}") for family in ("fog", "brightness")]
    assert population.items("accuracy/mean") == pytest.approx(np.mean(both, axis=0))


def test_other_images_or_another_recipe_never_mix(suite, home, cifar10, cifar10c, tiny):
    with pytest.raises(InputError, match="another folder, or delete"):
        suite.build(home, cifar10=cifar10, cifar10c=cifar10c)
    other = VisionSuite(recipes={"paper": RECIPES["paper"]})
    assert not other.is_built(home)


@pytest.mark.parametrize(
    ("scale", "options", "message"),
    [
        ("paper", {}, "--cifar10 DIR"),
        ("embedded", {"cifar10": Path("there")}, "--scale paper"),
        ("embedded", {"epochs": 3}, "no option 'epochs'"),
    ],
)
def test_wrong_options_say_what_to_do(suite, scale, options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        suite.build(Site(tmp_path, scale), **options)
    assert not any(tmp_path.iterdir())


def test_batches_larger_than_the_data_are_an_error(cifar10, tmp_path):
    with pytest.raises(InputError, match="120 training images"):
        build_population(Site(tmp_path, "paper"), Cifar10(cifar10), RECIPES["paper"])


KILLED = """
import sys
from pathlib import Path
from similitude.suites.base import Site
from similitude.suites.vision.build import build_population
from similitude.suites.vision.data import Cifar10
from similitude.suites.vision.recipe import Recipe, Training

if __name__ == "__main__":
    recipe = Recipe(models=500, probed=0, training=Training(width=8, epochs=1, batch=24), inputs=60)
    progress = lambda what, done, total: print(done, flush=True)
    build_population(Site(Path(sys.argv[1]), "paper", progress=progress), Cifar10(Path(sys.argv[2])), recipe)
"""


def test_a_killed_build_leaves_whole_models_and_no_processes(cifar10, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "script.py").write_text(KILLED)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "p"), str(cifar10)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() not in ("2", ""):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + 30
        while alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not alive(process.pid)
    population = open_population(Site(tmp_path / "p", "paper").folder("vision"))
    assert len(population.models) >= 2
    for model in population.models:
        assert population.representation(model, LAYERS[0]).n == 60


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_subtasks_are_those_of_the_paper():
    subtasks = {subtask.id: subtask for subtask in SUITES["vision"].subtasks()}
    assert list(subtasks)[:4] == ["vision/seed_layer", "vision/pc_deletion", "vision/ood", "vision/behaviour"]
    assert subtasks["vision/pc_deletion"].pairing.layers == DELETION_LAYERS
    assert len(subtasks["vision/ood"].functionalities) == 9
    recipe = RECIPES["embedded"]
    assert (recipe.models, recipe.probed) == (40, 10)
    assert recipe.inputs >= max(1000, 4 * 4 * recipe.training.width * recipe.grid**2)
