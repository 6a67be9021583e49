"""What was meant: names of other packages, other cases and typing errors."""

import pytest

from similitude import get_measure
from similitude.errors import UnknownName


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("CKA", "cka"),
        ("linear_cka", "cka"),
        ("cka_linear", "cka"),
        ("Linear CKA", "cka"),
        ("rbf_cka", "cka"),
        ("LinearCKA", "cka"),
        ("svcca20", "svcca"),
        ("PWCCA", "pwcca"),
        ("pwcaa", "pwcca"),
        ("Mean-CCA", "mean_cca"),
        ("procrustes_distance", "procrustes"),
        ("orthogonal-procrustes", "orthogonal_procrustes"),
        ("rsa_pearson", "rsa"),
        ("RSA", "rsa"),
        ("mutual_nearest_neighbors_knn", "mutual_knn"),
        ("jacard", "jaccard"),
        ("angular procrustes", "angular_procrustes"),
    ],
)
def test_a_measure_under_another_name_is_suggested(asked, meant):
    with pytest.raises(UnknownName, match=f"Did you mean '{meant}'"):
        get_measure(asked)


def test_what_is_like_nothing_is_told_what_there_is():
    with pytest.raises(UnknownName, match=r"Known: .*cka.*uniformity_difference"):
        get_measure("xyzzy")
