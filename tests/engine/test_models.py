"""Two networks to a labelled matrix; the chance level against permutations."""

from __future__ import annotations

import numpy as np
import pytest

from similitude import compare, pairwise
from similitude.doctor import chance
from similitude.doctor.chance import chance_of_cka, sphericity
from similitude.engine.models import compare_models, compare_reductions
from similitude.engine.streaming import Stream
from similitude.errors import InputError, SimilitudeWarning
from similitude.extraction.extract import extract
from similitude.extraction.rows import FolderRows
from similitude.measures import get_measure
from similitude.representations.representation import row_blocks

torch = pytest.importorskip("torch")
nn = torch.nn


def convnet(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(64, 3))


IMAGES = torch.randn(120, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_the_matrix_is_labelled_and_right():
    table = compare_models(convnet(0), convnet(1), IMAGES, ["cka", "procrustes"], layers=["0", "2", "4"])
    matrix = table.matrix("cka")
    assert list(matrix.index) == ["Sequential A/0", "Sequential A/2", "Sequential A/4"]
    assert list(matrix.columns) == ["Sequential B/0", "Sequential B/2", "Sequential B/4"]
    with torch.no_grad():
        x = convnet(0)[0](IMAGES).mean(dim=(2, 3)).numpy()
        y = convnet(1)(IMAGES).numpy()
    assert matrix.iloc[0, 2] == pytest.approx(get_measure("cka")(x, y), abs=1e-6)
    assert matrix.iloc[0, 2] != pytest.approx(matrix.iloc[2, 0], abs=1e-3)


def test_a_network_against_itself():
    matrix = compare_models(convnet(0), None, IMAGES, layers=["0", "2"], names=("net", "net")).matrix("cka")
    np.testing.assert_allclose(np.diag(matrix), 1, atol=1e-9)
    assert list(matrix.index) == list(matrix.columns) == ["net/0", "net/2"]


def test_reductions_are_told_apart():
    table = compare_reductions(convnet(0), convnet(1), IMAGES, ["flatten", "mean_pool", "positions"], layers=["0", "2"])
    assert list(table.columns) == ["flatten", "mean_pool", "positions", "spread"]
    assert list(table.index) == [("0", "cka"), ("2", "cka")]
    row = table.loc[("0", "cka")]
    assert row["spread"] == pytest.approx(row[:3].max() - row[:3].min())
    assert row["spread"] > 0.01


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.other = nn.ModuleList([convnet(1)])

    def forward(self, x):
        return self.other[0](x)


def test_networks_without_a_common_layer():
    with pytest.raises(InputError, match="in common"):
        compare_reductions(nn.Sequential(convnet(0)), Twice(), IMAGES, ["flatten"], layers="*.*")


def test_chance_is_the_mean_over_permutations():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 30)) * np.geomspace(1, 0.1, 30)
    y = np.tanh(x @ rng.normal(size=(30, 8))) + 3
    cka = get_measure("cka")
    values = [cka(x, y[rng.permutation(12)]) for _ in range(3000)]
    assert chance_of_cka(x, y) == pytest.approx(np.mean(values), abs=4 * np.std(values) / np.sqrt(3000))


@pytest.fixture
def no_temporary_files(tmp_path, monkeypatch):
    """A place for temporary files where none of ours is left at the end; torch keeps a folder of its own there."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    yield
    assert not list(place.glob("similitude-*"))


@pytest.mark.usefixtures("no_temporary_files")
@pytest.mark.parametrize("memory", [400_000, 40_000])
def test_what_does_not_fit_in_memory_gives_the_same_values(memory, monkeypatch):
    images = torch.randn(1500, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    measures = ["cka", "procrustes", "mean_cca", "linear_regression"]
    options = {"layers": ["0", "2", "4"], "batch_size": 100}
    expected = compare_models(convnet(0), convnet(1), images, measures, **options)
    files = []
    finish = FolderRows.finish
    monkeypatch.setattr(FolderRows, "finish", lambda self: (files.append(self.folder), finish(self))[1])
    monkeypatch.setattr(Stream, "bytes", lambda self, widths: 1)
    found = compare_models(convnet(0), convnet(1), images, measures, memory=memory, **options)
    assert [folder.name for folder in files] == (["a", "b"] if memory < 100_000 else [])
    np.testing.assert_allclose(found.frame[measures], expected.frame[measures], rtol=0, atol=1e-9)
    assert list(found.frame["first"]) == list(expected.frame["first"])


def test_a_folder_keeps_what_was_extracted(tmp_path):
    first = compare_models(convnet(0), convnet(1), IMAGES, layers="2", folder=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
    net = convnet(0)
    net.register_forward_hook(lambda *_: pytest.fail("ran again"))
    again = compare_models(net, convnet(1), IMAGES, layers="2", folder=tmp_path)
    assert again.frame.equals(first.frame)
    with pytest.raises(InputError, match="other model"):
        compare_models(convnet(2), convnet(1), IMAGES, layers="2", folder=tmp_path)


def test_an_iterator_is_for_one_network():
    with pytest.raises(InputError, match="cannot both read an iterator"):
        compare_models(convnet(0), convnet(1), iter(IMAGES.split(40)), layers="2")
    matrix = compare_models(convnet(0), None, iter(IMAGES.split(40)), layers="2").matrix("cka")
    assert matrix.iloc[0, 0] == pytest.approx(1)
    spent = iter(IMAGES.split(40))
    list(spent)
    with pytest.raises(InputError, match="no inputs"):
        compare_models(convnet(0), None, spent, layers="2")


def test_chance_is_told_once():
    nets = [nn.Sequential(nn.Linear(40, 200)) for _ in "ab"]
    with pytest.warns(SimilitudeWarning) as told:
        compare_models(*nets, torch.randn(20, 40), layers="*")
    assert len(told) == 1


def test_compare_and_pairwise_tell_of_chance_too():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 30, 200))
    for call in (
        lambda: compare(x, y, "cka"),
        lambda: pairwise([x, y], "cka"),
        lambda: compare(torch.tensor(x), torch.tensor(y), "cka"),
    ):
        with pytest.warns(SimilitudeWarning, match="n = 30 inputs are few for 200") as told:
            call()
        assert len(told) == 1
    with pytest.warns(SimilitudeWarning, match="If they are features x inputs, pass their transposes"):
        compare(x, y, "cka")
    compare(x, y, "cka(debiased=true),procrustes")
    assert compare(torch.tensor(x, requires_grad=True), torch.tensor(y), "cka")["cka"] > 0.5  # a training loss


def test_sphericity_is_that_of_the_whole_in_pieces(monkeypatch):
    rng = np.random.default_rng(0)
    for shape in ((40, 90), (90, 40)):
        values = rng.normal(size=shape) + 5
        centred = values - values.mean(axis=0)
        gram = centred @ centred.T
        expected = np.trace(gram) / np.linalg.norm(gram)
        monkeypatch.setattr("similitude.doctor.chance.row_blocks", lambda array: row_blocks(array, 3000))
        assert sphericity(values) == pytest.approx(expected, rel=1e-12)


def test_few_inputs_for_many_features_are_warned_of():
    nets = [nn.Sequential(nn.Linear(40, 200), nn.Linear(200, 200)) for _ in "ab"]
    with pytest.warns(SimilitudeWarning, match=r"by chance: n = 20 inputs are few for 200"):
        compare_models(*nets, torch.randn(20, 40), layers="*")
    compare_models(*nets, torch.randn(20, 40), "cka(debiased=true)", layers="*")


def test_layers_of_each_network_and_a_dict_of_representations():
    x = torch.randn(20, 4)
    a = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Linear(5, 3))
    b = torch.nn.ModuleDict({"first": torch.nn.Linear(4, 6)})
    b.forward = lambda inputs: b["first"](inputs)
    matrix = compare_models(a, b, x, layers="*", other_layers=["first"], names=("A", "B")).matrix("cka")
    assert matrix.shape == (2, 1)
    dicts = extract(a, x, layers="*", name="A"), extract(b, x, layers="first", name="B")
    again = pairwise(dicts[0], "cka", others=dicts[1]).matrix("cka")
    assert list(again.index) == ["A/0", "A/1"]
    assert list(again.columns) == ["B/first"]
    np.testing.assert_array_equal(again.to_numpy(), matrix.to_numpy())
    arrays = {layer: representation.values for layer, representation in dicts[0].items()}
    assert list(pairwise(arrays, "cka").matrix("cka").index) == ["0", "1"]


@pytest.mark.parametrize("kind", ["isotropic", "power law", "offset", "low rank"])
def test_chance_is_estimated_to_a_few_percent_before_it_is_computed(kind):
    rng = np.random.default_rng(0)
    n, d = 400, 700
    values = rng.normal(size=(n, 10)) @ rng.normal(size=(10, d)) if kind == "low rank" else rng.normal(size=(n, d))
    values = values * (np.arange(1, d + 1) ** -0.5 if kind == "power law" else 1.0) + 1e6 * (kind == "offset")
    assert chance._roughly_sphericity(values) == pytest.approx(sphericity(values), rel=0.03)
    assert chance._roughly_sphericity(np.ones((n, d))) == 0.0
