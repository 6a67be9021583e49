"""Training is not changed by being watched, and what is written is what `compare` gives."""

from __future__ import annotations

import copy
import random
import warnings

import numpy as np
import pandas as pd
import pytest

import similitude
from similitude.errors import FileError, InputError, NetworkError, ShapeMismatch, SimilitudeWarning, UnknownName

torch = pytest.importorskip("torch")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


class Net(torch.nn.Module):
    """Everything that a pass in training leaves traces of: dropout, batch statistics, buffers, random numbers."""

    def __init__(self, width=16):
        super().__init__()
        self.first = torch.nn.Sequential(torch.nn.Linear(8, width), torch.nn.BatchNorm1d(width), torch.nn.ReLU())
        self.drop = torch.nn.Dropout(0.3)
        self.second = torch.nn.Linear(width, 4)
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, x):
        self.passes += 1
        noise = 1e-7 * torch.rand((), device=x.device) + 1e-7 * random.random() + 1e-7 * np.random.random()  # noqa: NPY002
        return self.second(self.drop(self.first(x + noise)))


def make(device="cpu", seed=0):
    torch.manual_seed(seed)
    return Net().to(device)


def probe(n=40):
    return torch.randn(n, 8, generator=torch.Generator().manual_seed(1))


def train(net, each_step=lambda: None, steps=12, autocast=None):
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    device = next(net.parameters()).device
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    net.train()
    for _ in range(steps):
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=autocast is not None):
            x = torch.randn(16, 8, device=device)
            loss = net(x).square().mean()
            if autocast == "called within":
                each_step()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if autocast != "called within":
            each_step()
    return [*net.parameters(), *net.buffers()]


def watched(net, **options):
    how = {"layers": ["first", "second"], "every": 2, "budget": None, "check": False} | options
    return similitude.SimilarityMonitor(net, probe(), **how)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("autocast", [None, "called after", "called within"])
def test_weights_are_the_same_to_the_last_bit(device, autocast):
    plain = train(make(device), autocast=autocast)
    net = make(device)
    with watched(net, references=["initial", "previous"]) as monitor:
        seen = train(net, monitor.step, autocast=autocast)
    assert all(torch.equal(a, b) for a, b in zip(plain, seen, strict=True))
    assert monitor.to_frame()["step"].nunique() == 7


def test_nothing_is_left_behind():
    net = make()
    net.first.eval()
    modes = [module.training for module in net.modules()]
    state = torch.get_rng_state(), random.getstate(), str(np.random.get_state())  # noqa: NPY002
    net(probe()).sum().backward()
    gradients = [p.grad.clone() for p in net.parameters()]
    torch.set_rng_state(state[0])
    random.setstate(state[1])
    passes = net.passes.clone()
    state = torch.get_rng_state(), random.getstate(), str(np.random.get_state())  # noqa: NPY002
    watched(net).compare()
    assert torch.equal(torch.get_rng_state(), state[0])
    assert (random.getstate(), str(np.random.get_state())) == state[1:]  # noqa: NPY002
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(p.grad, g) for p, g in zip(net.parameters(), gradients, strict=True))
    assert torch.equal(net.passes, passes)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_values_are_those_of_compare():
    net, other = make(), make(seed=5)
    with watched(net, references={"other": other}, measures=["cka", "procrustes"]) as monitor:
        train(net, monitor.step)
    table = monitor.to_frame()
    for layer in ("first", "second"):
        x, y = (similitude.extract(network, probe(), layer, check=False)[layer] for network in (net, other))
        for measure in ("cka", "procrustes"):
            last = table[(table["step"] == 12) & (table["layer"] == layer) & (table["measure"] == measure)]
            assert last["value"].item() == pytest.approx(similitude.compare(x, y, measure)[measure], abs=1e-5)
    assert list(monitor.table("cka").columns) == ["first", "second"]
    assert "n = 40 inputs" in repr(monitor.trajectory)


def test_wrapped_networks_have_the_names_of_the_network_within():
    net = make()
    for wrapper in (torch.nn.DataParallel(net), torch.compile(net, backend="eager")):
        monitor = watched(wrapper)
        assert monitor.layers == ("first", "second")
        monitor.compare()
        assert monitor.to_frame()["value"].notna().all()


def test_a_compiled_network_is_not_compiled_again():
    counts = torch._dynamo.utils.counters
    net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Dropout(0.3), torch.nn.Linear(16, 4))
    compiled = torch.compile(net, backend="eager")
    monitor = similitude.SimilarityMonitor(compiled, probe(), ["0", "2"], every=1, budget=None)
    train(compiled, steps=2)
    graphs = counts["stats"]["unique_graphs"]
    train(compiled, monitor.step, steps=4)
    assert counts["stats"]["unique_graphs"] == graphs
    assert len(monitor.to_frame()) == 5 * 2


def test_the_budget_lengthens_the_interval():
    def compared(budget):
        monitor = watched(make(), every=1, budget=budget)
        return sum(monitor.step() for _ in range(20))

    assert compared(None) == 20
    assert compared(1e-6) == 1


def test_a_file_that_a_killed_run_goes_on_with(tmp_path):
    file = tmp_path / "deep" / "log.csv"

    def run(net, steps, **options):
        monitor = watched(net, csv=file, references=["initial", "previous"], **options)
        train(net, monitor.step, steps)
        return monitor

    net = make()
    whole = run(net, 8).to_frame()
    checkpoint = copy.deepcopy(net)
    pd.testing.assert_frame_equal(pd.read_csv(file), whole)
    run_on = watched(net, csv=file, references=["initial", "previous"], start=8, resume=True)
    train(net, run_on.step, 6)
    expected = run_on.to_frame()
    with file.open("a") as handle:
        handle.write("15,first,init")  # killed while it wrote
    with pytest.raises(FileError, match=r"holds values already\. Continue it with resume=True"):
        watched(make(), csv=file)
    again = watched(checkpoint, csv=file, references=["initial", "previous"], start=8, resume=True)
    train(checkpoint, again.step, 6)
    pd.testing.assert_frame_equal(again.to_frame(), expected)
    pd.testing.assert_frame_equal(pd.read_csv(file), expected)
    assert sorted(expected["step"].unique()) == [0, 2, 4, 6, 8, 10, 12, 14]
    with pytest.raises(InputError, match="which this monitor does not compare"):
        watched(make(), csv=file, layers="first", resume=True)
    file.with_suffix(".initial.npz").unlink()
    with pytest.raises(FileError, match="is missing or damaged"):
        watched(make(), csv=file, references=["initial", "previous"], resume=True)


def test_the_last_step_is_compared_unless_training_fails():
    net = make()
    with watched(net, every=5) as monitor:
        train(net, monitor.step, 12)
    assert monitor.to_frame()["step"].unique().tolist() == [0, 5, 10, 12]
    with pytest.raises(InputError, match="closed"):
        monitor.step()
    monitor = watched(net, every=5)
    monitor.__enter__()
    train(net, monitor.step, 7)
    monitor.__exit__(KeyError, KeyError(), None)
    assert monitor.to_frame()["step"].unique().tolist() == [0, 5]


def test_references_of_every_kind(tmp_path):
    net, other = make(), make(seed=5)
    torch.save({"model": other.state_dict(), "optimizer": {"lr": torch.ones(2)}}, tmp_path / "step-5.pt")
    layers = similitude.extract(other, probe(), ["first", "second"], check=False)
    references = {"network": other, "file": tmp_path / "step-5.pt", "layers": layers}
    monitor = watched(net, references={**references, "one": layers["first"].values, "initial": "initial"})
    monitor.compare()
    first = monitor.to_frame().query("step == 0 and layer == 'first'").set_index("reference")["value"]
    assert np.allclose(first[["network", "file", "layers", "one"]], first["network"], atol=1e-5)
    assert first["initial"] == pytest.approx(1)
    assert first["network"] < 0.9


def test_a_layer_that_dies_costs_its_values_only():
    net = make()
    monitor = watched(net, every=1)
    with torch.no_grad():
        net.second.weight.fill_(float("nan"))
    with pytest.warns(SimilitudeWarning, match="Layer 'second' has no value"):
        monitor.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor.step()
    assert monitor.table().iloc[0].notna().all()
    assert monitor.table()["first"].notna().all()
    assert list(monitor.failures) == [("second", "initial", "cka")]
    assert "160 NaN or infinite" in monitor.failures["second", "initial", "cka"]


def test_a_network_that_fails_on_the_probe_is_trained_all_the_same():
    net = make()
    monitor = watched(net, every=1)
    monitor.step()
    broken, net.forward = net.forward, lambda x: x @ x
    with pytest.warns(SimilitudeWarning, match="Step 2 has no values: Net failed on its inputs"):
        monitor.step()
    net.forward = broken
    monitor.step()
    assert monitor.table().isna().all(axis=1).tolist() == [False, False, True, False]


def test_a_full_disk_is_no_reason_to_stop_training(tmp_path):
    file = tmp_path / "folder" / "log.csv"
    monitor = watched(make(), every=1, csv=file)
    monitor.step()
    file.parent.rename(tmp_path / "gone")
    with pytest.warns(SimilitudeWarning, match="cannot be written"):
        monitor.step()
    monitor.step()
    (tmp_path / "gone").rename(file.parent)
    monitor.step()
    pd.testing.assert_frame_equal(pd.read_csv(file), monitor.to_frame())
    assert monitor.to_frame()["step"].unique().tolist() == [0, 1, 2, 3, 4]


def test_weights_that_are_spread_over_processes_are_refused():
    net = make()
    net.second.weight.device_mesh = "as a distributed tensor has it"
    with pytest.raises(InputError, match="spread over processes"):
        watched(net)


def test_only_the_first_process_compares(monkeypatch, tmp_path):
    distributed = torch.distributed
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_rank", lambda: 1)
    with watched(make(), every=1, csv=tmp_path / "log.csv") as monitor:
        assert not monitor.step()
    assert monitor.to_frame().empty
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="Nothing was compared yet"):
        monitor.plot()


def test_what_cannot_be_watched_is_told_before_training(tmp_path):
    net = make()
    with pytest.raises(UnknownName, match="Did you mean 'first'"):
        watched(net, layers="frist")
    with pytest.raises(NetworkError, match=r"failed on its inputs.*32, 9"):
        similitude.SimilarityMonitor(net, torch.randn(40, 9), ["first"])
    with pytest.raises(InputError, match="at least 4 inputs; there are 3"):
        similitude.SimilarityMonitor(net, torch.randn(3, 8), ["first"])
    with pytest.raises(UnknownName, match="The reference 'old': Linear has no layer 'first'"):
        watched(net, references={"old": torch.nn.Linear(8, 2)})
    with pytest.raises(InputError, match="The reference 'old' has no layer 'second'"):
        watched(net, references={"old": similitude.extract(net, probe(), ["first"], check=False)})
    with pytest.raises(ShapeMismatch, match=r"has 40 inputs and .* has 30"):
        watched(net, references={"old": similitude.extract(net, probe(30), ["first", "second"], check=False)})
    with pytest.raises(InputError, match="references are 'initial', 'previous'"):
        watched(net, references="first")
    with pytest.raises(InputError, match="budget must be a share"):
        watched(net, budget=5)
    with pytest.raises(FileError, match=r"step-9.pt"):
        watched(net, references={"old": tmp_path / "step-9.pt"})
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be written"):
        watched(net, csv=tmp_path / "file" / "log.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(FileError, match="is no log of a SimilarityMonitor"):
        watched(net, csv=tmp_path / "other.csv", resume=True)
    assert not any(module._forward_hooks for module in net.modules())


def test_curves_name_what_they_show(tmp_path):
    net = make()
    with watched(net, measures=["cka", "procrustes"]) as monitor:
        train(net, monitor.step)
    figure = monitor.plot()
    left, right = figure.axes
    assert [line.get_label() for line in left.get_lines()] == ["first", "second"]
    assert left.get_lines()[0].get_xdata().tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert left.get_ylabel() == "similarity (larger: more alike)"
    assert right.get_ylabel() == "dissimilarity (larger: less alike)"
    assert "n = 40 inputs" in figure.get_suptitle()
    assert figure.get_supxlabel() == "training step"
    assert left.get_title() == "cka, compared with initial"
