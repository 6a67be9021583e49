import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from similitude.errors import InputError
from similitude.representations import Representation
from similitude.suites.vision.probes import deletion_curve, kept_components, probe_share


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(120) % 4)
    spread = np.array([3.0, 2.0, 1.0, *np.full(17, 0.3)])
    values = 5 + spread * (rng.normal(size=(4, 20))[labels] + rng.normal(size=(120, 20)))
    return values.astype(np.float32), labels


def test_share_is_that_of_probes_fitted_one_by_one(data):
    values, labels = data
    share = probe_share(values, labels, folds=3)
    x = values.astype(np.float64) - values.astype(np.float64).mean(axis=0)
    x /= x.std()
    fold, counts = [], dict.fromkeys(range(4), 0)
    starts = {c: sum(int((labels == b).sum()) for b in range(c)) for c in range(4)}
    for label in labels:
        fold.append((starts[label] + counts[label]) % 3)
        counts[label] += 1
    right = np.zeros(120)
    for chosen in range(3):
        train = np.array(fold) == chosen
        probe = LogisticRegression(max_iter=200).fit(x[train], labels[train])
        for i in np.flatnonzero(~train):
            right[i] += probe.predict(x[i : i + 1])[0] == labels[i]
    assert share == pytest.approx(right / 2)
    assert 0.5 < share.mean() < 1


def test_rotation_and_scale_change_nothing(data):
    values, labels = data
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(20, 20)))[0]
    turned = probe_share(1000 * values @ rotation + 7, labels, folds=3)
    assert turned.mean() == pytest.approx(probe_share(values, labels, folds=3).mean(), abs=0.01)


def test_deletion_curve_probes_what_measures_see(data):
    values, labels = data
    curve = dict(deletion_curve(values, labels, folds=3))
    assert tuple(20 - deleted for deleted in curve) == kept_components(20)
    assert curve[0].mean() == pytest.approx(probe_share(values, labels, folds=3).mean(), abs=0.01)
    truncated = Representation(values).truncate(2).values
    assert curve[18].mean() == pytest.approx(probe_share(truncated, labels, folds=3).mean(), abs=0.01)
    assert curve[19].mean() < curve[0].mean()


@pytest.mark.parametrize("d", [64, 128, 256])
def test_grid_has_thirteen_levels_from_all_to_one(d):
    kept = kept_components(d)
    assert (kept[0], kept[-1], len(kept)) == (d, 1, 13)


def test_too_few_items_is_an_error():
    with pytest.raises(InputError, match="too few"):
        probe_share(np.random.default_rng(0).normal(size=(6, 3)), np.array([0, 0, 0, 0, 0, 1]), folds=6)
