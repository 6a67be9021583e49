"""Every measure that ships passes the checks that anyone's measure has to pass."""

import pytest

from catalogue import QUICK
from similitude.testing import check_measure


@pytest.mark.parametrize("id", QUICK)
def test_does_what_it_declares(id):
    card = check_measure(id)
    assert card.passed, str(card)
