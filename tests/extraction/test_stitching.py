"""Networks that go on from a layer of another."""

from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from similitude import stitch  # noqa: E402
from similitude.errors import InputError, SimilitudeError, UnknownName  # noqa: E402

N = 1200


def trained(net, inputs, classes, steps=300):
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(inputs), classes).backward()
        optimiser.step()
    for parameter in net.parameters():
        parameter.grad = None
    return net


@pytest.fixture(scope="module")
def task():
    """Inputs, classes that no linear map of the inputs tells, and two networks that know them by few features."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        inputs = torch.randn(N, 6)
        classes = (inputs[:, 0] * inputs[:, 1] > 0).long()
        nets = [
            nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 2))
            for width in (4, 5)
        ]
        return inputs, classes, [trained(net, inputs, classes) for net in nets]


def run(task, **options):
    inputs, classes, nets = task
    return stitch(*nets, inputs, classes, **({"layer": "2", "batch_size": 100, "steps": 60} | options))


def test_trained_networks_can_be_stitched_and_untrained_ones_cannot(task):
    table = run(task)
    assert table["donor"].tolist() == ["first", "second"]
    assert table["receiver"].tolist() == ["second", "first"]
    assert (table["own"] > 0.9).all()
    assert (table["accuracy"] > table["own"] - 0.1).all()
    assert (table["untrained"] < table["accuracy"] - 0.1).all()
    assert (table["r2"] > table["untrained_r2"]).all()


def test_a_network_stitched_to_itself_is_itself(task):
    inputs, classes, (net, _) = task
    table = stitch(net, net, inputs, classes, "2", steps=0, batch_size=100)
    assert table["accuracy"].tolist() == table["own"].tolist()
    assert table["r2"].to_numpy() == pytest.approx(1.0, abs=1e-6)


def test_least_squares_are_those_of_scikit_learn(task):
    from sklearn.linear_model import LinearRegression

    inputs, classes, nets = task
    table = run(task, steps=0, held_out=0.25, seed=3)
    out = np.random.default_rng(3).permutation(N) < N // 4
    given, wanted = (net[:3](inputs).detach().numpy() for net in nets)
    model = LinearRegression().fit(given[~out], wanted[~out])
    residual = ((wanted[out] - model.predict(given[out])) ** 2).sum()
    expected = 1 - residual / ((wanted[out] - wanted[out].mean(axis=0)) ** 2).sum()
    assert table["r2"][0] == pytest.approx(expected, abs=1e-4)
    rest = nets[1][3:](torch.as_tensor(model.predict(given[out]))).argmax(1)
    assert table["accuracy"][0] == pytest.approx((rest == classes[out]).float().mean().item(), abs=5e-3)


def test_networks_come_back_as_they_were(task):
    nets = task[2]
    before = [copy.deepcopy(net.state_dict()) for net in nets]
    nets[0].train()
    state = torch.random.get_rng_state()
    run(task)
    assert nets[0].training
    assert torch.equal(state, torch.random.get_rng_state())
    for net, old in zip(nets, before, strict=True):
        assert all(torch.equal(value, old[key]) for key, value in net.state_dict().items())
        assert all(parameter.grad is None for parameter in net.parameters())
        assert not any(module._forward_hooks for module in net.modules())


def test_it_is_the_same_again_and_with_donors_of_ones_own(task):
    _, _, nets = task
    first = run(task, names=("a", "b"))
    assert first.equals(run(task, names=("a", "b")))
    own = run(task, untrained=tuple(nets))
    assert own["untrained"].tolist() == own["accuracy"].tolist()


class Convnet(nn.Module):
    def __init__(self, channels, stride=1):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, channels, 3, stride=stride, padding=1), nn.ReLU())
        self.head = nn.Linear(channels, 3)

    def forward(self, x):
        return self.head(self.body(x).mean(dim=(2, 3)))


def test_maps_are_stitched_position_by_position():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        images, classes = torch.randn(60, 1, 6, 6), torch.randint(3, (60,))
        nets = Convnet(5), Convnet(7), Convnet(5, stride=2)
    table = stitch(*nets[:2], images, classes, "body", steps=5)
    assert table["receiver_layer"].tolist() == ["body", "body"]
    assert np.isfinite(table.select_dtypes("number").to_numpy()).all()
    with pytest.raises(InputError, match=r"\[6, 6\] and \[3, 3\] positions"):
        stitch(nets[0], nets[2], images, classes, "body")


class Tokens(nn.Module):
    """A network whose block gives a tuple, as those of Hugging Face do."""

    def __init__(self, width):
        super().__init__()
        self.embed = nn.Embedding(20, width)
        self.block = Block(width)
        self.head = nn.Linear(width, 2)

    def forward(self, input_ids, attention_mask):
        mask = attention_mask[..., None].to(self.head.weight.dtype)
        return self.head((self.block(self.embed(input_ids))[0] * mask).sum(1) / mask.sum(1))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return self.linear(x), None


def test_tokens_are_stitched_without_their_padding():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ids, classes = torch.randint(1, 20, (80, 7)), torch.randint(2, (80,))
        nets = Tokens(8), Tokens(6)
    mask = (torch.arange(7) < torch.randint(3, 8, (80, 1), generator=torch.Generator().manual_seed(0))).long()
    tables = [
        stitch(*nets, {"input_ids": torch.where(mask > 0, ids, pad), "attention_mask": mask}, classes, "block", steps=0)
        for pad in (0, 13)
    ]
    assert tables[0].equals(tables[1])


class OwnWeights(nn.Sequential):
    def __init__(self, *layers):
        super().__init__(*layers)
        self.bias = nn.Parameter(torch.zeros(1))


def test_what_cannot_be_stitched_is_refused_with_the_reason(task):
    inputs, classes, nets = task
    with pytest.raises(UnknownName, match="nowhere"):
        run(task, layer="nowhere")
    with pytest.raises(InputError, match="one class per input"):
        stitch(*nets, inputs, classes[:5], "2")
    with pytest.raises(InputError, match="beyond the 2 classes"):
        stitch(*nets, inputs, classes + 1, "2")
    with pytest.raises(InputError, match="targets are of type"):
        stitch(*nets, inputs, np.array(["cat"] * N), "2")
    with pytest.raises(InputError, match="held_out"):
        run(task, held_out=1.0)
    with pytest.raises(InputError, match=r"weights of its own \(bias\)"):
        stitch(OwnWeights(*nets[0]), nets[1], inputs, classes, "2")
    with pytest.raises(SimilitudeError, match="row of logits"):
        stitch(nets[0][:1].append(nn.Unflatten(1, (8, 8))), nets[1], inputs, classes, "0")
