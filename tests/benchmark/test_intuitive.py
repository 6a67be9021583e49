import numpy as np
import pytest

from similitude.benchmark.intuitive.scores import sensitivity, specificity
from similitude.benchmark.intuitive.study import SHARES, layer_blocks, seed_study
from similitude.benchmark.intuitive.verdicts import Marks, opening_claim, verdict
from similitude.errors import DegeneratePopulation, InputError
from similitude.measures import get_measure, get_measures
from similitude.representations import ModelRecord, Population, Score

LAYERS = ("one", "two", "three", "four")


def blocks_of(depth_weight, seed_weight, networks=5, noise=0.0, rng=None):
    """Dissimilarity that grows with distance in depth and with a change of seed."""
    rng = rng or np.random.default_rng(0)
    depth = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    seeds = 1 - np.eye(networks)
    found = depth_weight * depth[None, None] + seed_weight * seeds[:, :, None, None]
    return found + noise * rng.random(found.shape)


def curves_of(height, networks=5, rng=None):
    rng = rng or np.random.default_rng(1)
    shares = np.array(SHARES)
    return height * shares * (1 + 0.05 * rng.normal(size=(networks, 4, 1)))


def test_a_specific_measure_identifies_every_layer():
    found = specificity(blocks_of(1.0, 0.5))
    assert found.identification.estimate == 1
    assert found.identification.low == pytest.approx(1)
    assert found.depth_over_seed.estimate == 1
    assert found.double_map.shape == (8, 8)
    assert found.double_map[0, 4] == 0.5
    assert found.double_map[0, 7] == found.double_map[7, 0] == 3.5
    # Mean depth change: ordered pairs of 4 layers are (6·1 + 4·2 + 2·3) / 12 apart.
    assert found.seed_share.estimate == pytest.approx(0.5 / (0.5 + 20 / 12))


def test_specificity_against_a_loop():
    rng = np.random.default_rng(3)
    blocks = blocks_of(0.3, 0.3, noise=1.0, rng=rng)
    found = specificity(blocks)
    right, wins = [], []
    for s in range(5):
        for t in range(5):
            if s == t:
                continue
            for layer in range(4):
                right.append(np.argmin(blocks[s, t, layer]) == layer)
                wins += [blocks[s, s, layer, k] > blocks[s, t, layer, layer] for k in range(4) if k != layer]
    assert found.identification.estimate == pytest.approx(np.mean(right))
    assert found.depth_over_seed.estimate == pytest.approx(np.mean(wins))
    assert found.identification.low <= found.identification.estimate <= found.identification.high


def test_detection_is_where_the_curve_crosses_the_seed_distance():
    shares = np.array([0.0, 0.5, 1.0])
    curves = np.tile([0.0, 0.2, 1.0], (4, 2, 1))
    between = np.full((4, 4, 2), 0.6)
    between[..., 1] = 2.0
    probe = np.tile([0.9, 0.8, 0.4], (4, 2, 1))
    found = sensitivity(shares, curves, between, probe)
    assert found.detected[0].estimate == pytest.approx(0.75)
    assert (found.detected[0].low, found.detected[0].high) == pytest.approx((0.75, 0.75))
    assert found.detected[1].estimate == np.inf
    np.testing.assert_allclose(found.probe[0], [0.9, 0.6])
    assert np.isnan(found.probe[1, 1])
    np.testing.assert_allclose(found.threshold, [0.6, 2.0])
    np.testing.assert_allclose(found.spread, 0, atol=1e-12)


def test_threshold_ignores_a_network_and_its_own_copy():
    rng = np.random.default_rng(0)
    between = rng.uniform(0.5, 0.7, size=(6, 6, 1))
    between[np.arange(6), np.arange(6)] = 0
    found = sensitivity(np.array([0.0, 1.0]), np.tile([0.0, 1.0], (6, 1, 1)), between)
    assert found.threshold[0] == pytest.approx(between[~np.eye(6, dtype=bool)].mean())
    assert 0.5 < found.detected[0].low <= found.detected[0].estimate <= found.detected[0].high < 0.7


def judge(blocks, curves, measure="cka"):
    between = np.einsum("stll->stl", blocks)
    specific, sensitive = specificity(blocks), sensitivity(np.array(SHARES), curves, between)
    return verdict(get_measure(measure), specific, sensitive, LAYERS)


def test_verdict_of_a_measure_insensitive_to_everything():
    found = judge(np.full((5, 5, 4, 4), 0.3), np.full((5, 4, len(SHARES)), 0.3))
    assert "everything" in found.misses
    assert "any deletion" in found.misses
    assert found.overreacts == ""


def test_verdict_of_a_measure_sensitive_to_seed_only():
    found = judge(blocks_of(0.0, 1.0, noise=0.01), curves_of(0.1))
    assert "which layer matches" in found.misses
    assert "any deletion" in found.misses
    assert found.overreacts.startswith("the seed")


def test_verdict_of_a_good_measure():
    found = judge(blocks_of(1.0, 0.3), curves_of(1.0))
    assert (found.misses, found.overreacts) == ("", "")
    assert found.invariant_to == "rotation, scaling, translation"
    assert judge(blocks_of(1.0, 0.3), curves_of(1.0), "mean_cca").invariant_to.startswith("every invertible linear map")


def test_verdict_of_one_that_notices_late():
    found = judge(blocks_of(1.0, 0.95), curves_of(1.0))
    assert "up to 9" in found.misses


def test_what_no_probe_needs_is_not_missed():
    blocks, curves = blocks_of(1.0, 0.95), curves_of(1.0)
    between = np.einsum("stll->stl", blocks)
    specific = specificity(blocks)
    for left, missed in ((0.9, ""), (0.5, "by when the probe has fallen from 90.0% to 5")):
        probe = np.broadcast_to(np.linspace(0.9, left, len(SHARES)), curves.shape)
        sensitive = sensitivity(np.array(SHARES), curves, between, probe)
        found = verdict(get_measure("cka"), specific, sensitive, LAYERS)
        assert missed in found.misses
        assert bool(found.misses) == bool(missed)


def test_opening_claim_in_words():
    holds = {"cka": Marks(0.9, 0.97, 2.0), "pwcca": Marks(0.4, 0.1, 3.0), "procrustes": Marks(0.8, 0.6, 1.0)}
    holds["random"] = Marks(0.5, 0.0, 4.0)
    text = opening_claim(holds)
    assert "claim holds on these networks" in text
    assert "Most specific: cka; most sensitive: pwcca; best on the benchmark: procrustes. Neither" in text
    reverse = {"cka": Marks(0.3, 0.1, 1.0), "pwcca": Marks(0.4, np.inf, 2.0)}
    assert "does not hold" in opening_claim(reverse)
    assert "never noticed by PWCCA, noticed at 10% by CKA" in opening_claim(reverse)
    assert "agrees with sensitivity" in opening_claim(reverse)
    assert "not both tested" in opening_claim({"cka": Marks(1, 1, 1)})


def population(networks=4, n=60, d=12):
    """Layers drift with depth; every network has its own rotation and noise."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(n, d)) * 0.8 ** np.arange(d)
    steps = [rng.normal(size=(n, d)) * 0.6 for _ in LAYERS]
    records = []
    for s in range(networks):
        layers, x = {}, base
        for name, step in zip(LAYERS, steps, strict=True):
            x = x + step
            own = np.random.default_rng([s, len(layers)])
            layers[name] = (x + 0.2 * own.normal(size=(n, d))) @ np.linalg.qr(own.normal(size=(d, d)))[0]
        scores = [Score("probe", 0.9 - 0.04 * k, layer="four", deleted=k) for k in range(0, d, 3)]
        records.append(ModelRecord(f"net{s}", layers, {}, scores))
    return Population.from_records("drift", LAYERS, records)


def test_study_of_a_population():
    networks = population()
    measures = get_measures(["cka", "procrustes", "mean_cca"])
    study = seed_study(networks, measures, functionality="probe")
    cka, procrustes, cca = study.tested
    assert (study.n, study.layers, len(study.models)) == (60, LAYERS, 4)
    assert cka.specificity.identification.estimate == 1
    x, y = networks.representation("net1", "two"), networks.representation("net2", "three")
    blocks = layer_blocks(networks, measures)
    assert blocks[1, 1, 2, 1, 2] == pytest.approx(measures[1](x, y), abs=1e-9)
    last = [networks.representation(f"net{s}", "four") for s in range(4)]
    for share, kept in ((0.5, 6), (1.0, 1)):
        expected = np.mean([measures[1](full, full.truncate(kept)) for full in last])
        assert procrustes.sensitivity.curve[3, SHARES.index(share)] == pytest.approx(expected, abs=1e-9)
    assert 0 < procrustes.sensitivity.detected[-1].estimate < 1
    assert procrustes.sensitivity.probe[-1, 0] == pytest.approx(0.9)
    assert procrustes.sensitivity.probe[-1, 1] < 0.9
    assert np.isnan(procrustes.sensitivity.probe[0]).all()
    # What is kept of a layer is a subspace of it: mean CCA sees no loss at all.
    assert np.isinf(cca.sensitivity.detected[-1].estimate)
    assert cka.failed == 0


def test_too_little_is_refused():
    with pytest.raises(DegeneratePopulation, match="two networks"):
        seed_study(population(1), get_measures(["cka"]))
    with pytest.raises(InputError, match="two networks"):
        specificity(np.zeros((1, 1, 3, 3)))
