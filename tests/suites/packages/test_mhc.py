"""Networks for peptides: the forward pass against one written for a single peptide, and the differences graded on."""

import math

import fake
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from similitude.errors import FileError
from similitude.suites.packages import mhc
from similitude.suites.packages.lstm import PeptideNetwork, encode


def plainly(arrays, peptide):
    """Output and last state for one peptide, number by number."""
    kernel, recurrent, bias, dense, dense_bias, out, out_bias = (np.float32(a).tolist() for a in arrays.values())
    units = range(fake.UNITS)
    state, cell = [0.0] * fake.UNITS, [0.0] * fake.UNITS
    for acid in peptide:
        seen = [0.9 if acid == other else 0.1 / 20 for other in f"{fake.ACIDS}X"]
        gates = [
            bias[g] + sum(s * kernel[i][g] for i, s in enumerate(seen)) + sum(state[u] * recurrent[u][g] for u in units)
            for g in range(4 * fake.UNITS)
        ]
        into, forget, new, shown = (gates[k * fake.UNITS : (k + 1) * fake.UNITS] for k in range(4))
        hard = [[min(1.0, max(0.0, 0.2 * g + 0.5)) for g in gate] for gate in (into, forget, shown)]
        cell = [hard[1][u] * cell[u] + hard[0][u] * math.tanh(new[u]) for u in units]
        state = [hard[2][u] * math.tanh(cell[u]) for u in units]
    hidden = [math.tanh(dense_bias[h] + sum(state[u] * dense[u][h] for u in units)) for h in range(fake.HIDDEN)]
    total = out_bias[0] + sum(hidden[h] * out[h][0] for h in range(fake.HIDDEN))
    return state, hidden, 1 / (1 + math.exp(-total))


def test_each_peptide_is_run_as_if_it_were_alone(rng):
    arrays = fake.weights(rng)
    peptides = ["ACDEFGHI", "WWWYYYVVVTT", "KLMNPQRST"]
    layers, outputs = PeptideNetwork.read(fake.h5(arrays), "net").run(*encode(peptides))
    for row, peptide in enumerate(peptides):
        state, hidden, output = plainly(arrays, peptide)
        assert layers["lstm"][row] == pytest.approx(state, abs=1e-12)
        assert layers["dense"][row] == pytest.approx(hidden, abs=1e-12)
        assert outputs[row] == pytest.approx(output, abs=1e-12)


def without(arrays, name):
    return {key: values for key, values in arrays.items() if key != name}


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: without(arrays, "dense_2/dense_2/bias:0"),
        lambda arrays: arrays | {"lstm_1/lstm_1/kernel:0": np.zeros((20, 20))},
        lambda arrays: arrays | {"lstm_1/lstm_1/recurrent_kernel:0": np.zeros(())},
        lambda arrays: arrays | {"dense_1/dense_1/kernel:0": np.zeros((3, 4))},
    ],
    ids=["an array is missing", "another alphabet", "a number for an array", "layers that do not fit"],
)
def test_another_architecture_is_refused(rng, change):
    with pytest.raises(FileError, match=r"^somewhere/net\.h5"):
        PeptideNetwork.read(fake.h5(change(fake.weights(rng))), "somewhere/net.h5")


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all"])
def test_a_file_of_another_kind_is_refused(content):
    with pytest.raises(FileError, match=r"^net\.h5 does not hold"):
        PeptideNetwork.read(content, "net.h5")


def test_auc_is_that_of_scikit_learn(rng):
    binds = rng.random(200) < 0.3
    outputs = np.round(rng.normal(size=200) + binds, 1)  # ties
    assert mhc.auc(binds, outputs) == pytest.approx(roc_auc_score(binds, outputs))
    assert math.isnan(mhc.auc(np.ones(5), outputs[:5]))


def test_a_network_is_compared_on_the_allele_of_the_reference():
    binds = np.array([1, 1, 0, 0, 1, 1, 0, 0])
    on_first = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    first = np.column_stack([[4, 3, 2, 1, 1, 2, 3, 4], binds, on_first])  # right on its own, wrong on the other
    second = np.column_stack([[4, 2, 3, 1, 4, 3, 2, 1], binds, 1 - on_first])
    assert mhc.transfer(first, second) == pytest.approx(0.25)  # 1 to 3/4
    assert mhc.transfer(second, first) == pytest.approx(1.0)  # 1 to 0
    assert mhc.transfer(first, first) == 0


def test_measurements_are_read_by_allele_and_repeated_ones_by_their_median():
    rows = ["HLA-A*01:01,AAAAAAAAA,100", "HLA-A*01:01,AAAAAAAAA,300", "HLA-A*01:01,AAAAAAAAA,900"]
    rows += ["HLA-A*01:01,AAAA,1", "HLA-A*01:01,XAAAAAAAA,1", "HLA-B*07:02,CCCCCCCC,7.5"]
    found = mhc._read_measured("\n".join(["mhc,peptide,IC50(nM)", *rows]).encode(), "here")
    assert found == {"HLA-A01:01": {"AAAAAAAAA": 300.0}, "HLA-B07:02": {"CCCCCCCC": 7.5}}


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"mhc,peptide,IC50(nM)\nx,AAAAAAAAA,much\n", b"\xff\xfe"])
def test_another_table_is_refused(content):
    with pytest.raises(FileError, match=r"^here: .*not the table"):
        mhc._read_measured(content, "here")


def test_decisions_differ_on_either_side_of_500_nanomolar():
    threshold = 1 - math.log(500) / math.log(50_000)
    first = np.array([threshold + 0.01, threshold - 0.01, 0.9, 0.1])
    assert mhc.decisions_differ(first, first[[1, 0, 2, 3]]) == 0.5
    assert mhc.decorrelation(first, 1 - first) == pytest.approx(2)
