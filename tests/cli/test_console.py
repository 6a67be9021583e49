"""Progress on stderr: one bar over all steps, which only moves forward."""

import io

import pytest

from similitude.cli import console


@pytest.fixture
def screen(monkeypatch):
    written = console._Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(console, "stderr", written)
    return written


def test_one_bar_over_all_steps_only_moves_forward(screen):
    with console.progress_bars() as bars:
        (seen := []).append(0.0)
        bars.steps(10)
        for name, duration in (("training", 9.0), ("grading", 1.0)):
            with bars.step(name, duration):
                for part in ("first", "second"):  # the second bar starts when the first is full
                    advance = bars(part)
                    for done in range(5):
                        advance(done, 4)
                        seen.append(bars._completed())
        assert seen == sorted(seen)
        assert max(seen[:11]) <= 9.0 < max(seen) < 10
        assert bars._completed() == pytest.approx(10)


def test_a_step_without_a_duration_or_a_bar_is_done_at_once(screen):
    with console.progress_bars() as bars:
        bars.steps(0)
        with bars.step("nothing to train", 0):
            pass
        assert bars._completed() == 0
    assert "nothing to train" in screen.file.getvalue()


def test_results_are_printed_while_no_bar_is_on_the_screen(screen):
    with console.progress_bars() as bars:
        bars.steps(1)
        with bars.step("grading", 1):
            bars("a subtask")(1, 2)
        with bars.hidden():
            assert not bars._shown.live.is_started
        assert bars._shown.live.is_started
