"""Every measure that ships passes the checks that anyone's measure has to pass."""

import pytest

from similitude.measures import BUILT_IN
from similitude.testing import check_measure

WITH_PARAMETERS = [
    "cka(debiased=true)",
    "cka(kernel=rbf)",
    "cka(kernel=rbf,bandwidth=0.5,debiased=true)",
    "pwcca(lost=drop)",
    "svcca(components=10)",
    "gulp(ridge=0.1)",
    "shape_metric(alpha=0)",
    "shape_metric(alpha=0.5)",
    "shape_metric(alpha=0.5,angular=false)",
    "rsa(rdm=euclidean)",
    "rsa(rdm=cosine,compare=pearson)",
    "rsa(rdm=cosine,compare=kendall)",
    "rsa(rdm=squared_euclidean,compare=cosine)",
    "rsa(compare=rho_a)",
    "rsa(rdm=euclidean,compare=tau_a)",
    "rsa(rdm=cosine,compare=whitened_cosine)",
    "rsa(compare=whitened_pearson)",
    "second_order_cosine(of=similarity)",
    "cknna(debiased=false)",
]


SMALL = {"rtd": "rtd(batch=30,trials=1)"}  # the same code on fewer inputs, in seconds


@pytest.mark.parametrize("id", [*(SMALL.get(name, name) for name in BUILT_IN), *WITH_PARAMETERS])
def test_does_what_it_declares(id):
    card = check_measure(id)
    assert card.passed, str(card)
