"""The time of comparisons stays within its share, whatever they take."""

from __future__ import annotations

import pytest

from similitude.errors import InputError
from similitude.training.clock import TimeShare


@pytest.mark.parametrize("cost", [0.01, 1.0, 30.0])
def test_the_share_is_kept_and_used(cost):
    now = 0.0
    watch = TimeShare(0.05, lambda: now)
    worst = times = 0.0
    for step in range(1, 20_001):
        now += 0.1
        if step % 10 == 0 and watch.allows():
            with watch.spending():
                now += cost * (1.0 if step % 3 else 0.5)
            if watch.times > 1:
                worst = max(worst, watch.spent / (now - watch.spent))
            times += 1
    assert watch.times == times > 1
    assert worst < 0.0501
    assert watch.spent / (now - watch.spent) > 0.8 * min(0.05, cost)


@pytest.mark.parametrize("share", [0, -1, 5])
def test_shares_that_are_none(share):
    with pytest.raises(InputError, match="above 0 and up to 1"):
        TimeShare(share)
