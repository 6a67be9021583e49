"""What happens before a command works: nothing large is imported, shells complete values, and Ctrl-C is one line."""

from __future__ import annotations

import importlib
import inspect
import os
import subprocess
import sys

import pytest
import typer

from similitude.cli.commands import COMMANDS, OnDemand
from similitude.cli.main import app
from similitude.measures import BUILT_IN
from similitude.suites import SCALES, SUBTASKS, SUITES

LARGE = {"numpy", "pandas", "scipy", "torch", "matplotlib", "sklearn"}
ENTER = "import sys; sys.argv = ['similitude', *sys.argv[1:]]; from similitude.__main__ import main; "
REPORT = "import atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); main()"


def enter(*arguments, code=ENTER + "main()", **variables):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, timeout=120, env=os.environ | variables,
    )  # fmt: skip


def imported(process):
    return LARGE & {name.partition(".")[0] for name in process.stderr.split()}


@pytest.mark.parametrize("option", ["--help", "--version", "-h"])
def test_help_imports_nothing_large(option):
    process = enter(option, code=ENTER + REPORT)
    assert process.returncode == 0
    assert imported(process) == set()


def test_importing_the_package_imports_nothing_large():
    process = enter(code="import sys, similitude; print(*sys.modules, file=sys.stderr)")
    assert imported(process) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_a_command_says_of_itself(name):
    module = importlib.import_module(f"similitude.cli.{name}")
    own = module.app.info.help if hasattr(module, "app") else inspect.getdoc(module.command).partition("\n\n")[0]
    assert COMMANDS[name] == " ".join(own.split())
    assert OnDemand(name).load().name == name


def completed(line, code=ENTER + "main()"):
    """What bash is told for a line that ends where the cursor is."""
    words = line.split(" ")
    return enter(
        code=code, COMP_WORDS=line, COMP_CWORD=str(len(words) - 1), _SIMILITUDE_COMPLETE="complete_bash"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("similitude rep", ["replay", "report", "replicate", "reproduce"]),
        ("similitude compare a.npy b.npy -m proc", ["procrustes", "procrustes_size_and_shape"]),
        ("similitude compare a.npy b.npy --measures cka,svc", ["cka,svcca"]),
        ("similitude challenge --against pwc", ["pwcca"]),
        ("similitude check cka gul", ["gulp"]),
        ("similitude measures second", ["second_order_cosine"]),
        ("similitude build s", ["synthetic"]),
        ("similitude run vision/o", ["vision/ood"]),
        ("similitude run lang", [*(f"language/{name}" for name in SUBTASKS["language"]), "language"]),
        ("similitude run vision --scale s", ["standard"]),
        ("similitude replicate vision --scale ", list(SCALES)),
        ("similitude reproduce archive --subtasks fea", ["feather"]),
        ("similitude suites pub", ["published"]),
        ("similitude compare ", []),
    ],
)
def test_a_shell_completes_values_without_loading_what_computes(line, values):
    process = completed(line, ENTER + REPORT)
    assert process.stdout.split() == values
    assert imported(process) == set()


def test_a_shell_completes_options_and_values_after_flags():
    assert completed("similitude run --qui").stdout.split() == ["--quick"]
    assert "--image-size" in completed("similitude compare --im").stdout.split()
    assert completed("similitude archive imp").stdout.split() == ["import"]


def test_all_measures_complete():
    assert set(completed("similitude measures ").stdout.split()) >= set(BUILT_IN)


def test_subtasks_that_complete_are_those_of_the_suites():
    for suite, names in SUBTASKS.items():
        assert [f"{suite}/{name}" for name in names] == [subtask.id for subtask in SUITES[suite].subtasks()]


INTERRUPTED = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
"""


@pytest.mark.parametrize(
    "module", ["similitude.cli.main", "typer", "rich.console", "similitude.cli.compare", "numpy", "scipy.special"]
)
def test_an_early_interrupt_is_one_line(module, tmp_path):
    process = enter("compare", "a.npy", "b.npy", code=INTERRUPTED.format(module=module) + ENTER + "main()")
    assert process.returncode == 130
    assert process.stderr == "Interrupted.\n"


def test_an_unknown_command_has_a_suggestion():
    process = enter("comare")
    assert process.returncode == 2
    assert "Did you mean 'compare'?" in process.stderr


def test_every_command_is_found():
    group = typer.main.get_command(app)
    assert list(group.commands) == list(COMMANDS)
