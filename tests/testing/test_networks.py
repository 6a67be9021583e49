"""The assertion for tests of networks."""

import pytest

from similitude.testing import assert_same_network

torch = pytest.importorskip("torch")


def network(eps=1e-5):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.LayerNorm(8, eps=eps), torch.nn.Linear(8, 2))


def test_builds_that_agree():
    assert assert_same_network(network(), network(), torch.randn(30, 8)).verdict == "equal"


def test_the_message_names_the_layer():
    with pytest.raises(AssertionError, match=r"Diverged: first and second first differ at 1 "):
        assert_same_network(network(), network(eps=1e-2), torch.randn(30, 8))
    assert assert_same_network(network(), network(eps=1e-2), torch.randn(30, 8), fail_above=0.1).same
