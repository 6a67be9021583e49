"""Networks by reference."""

from __future__ import annotations

import sys
import types

import numpy as np
import pandas as pd
import pytest

from similitude.errors import FileError, InputError, MissingDependency, SimilitudeWarning, UnknownName
from similitude.extraction.images import Preparation
from similitude.extraction.input_files import load_inputs
from similitude.extraction.references import is_model_reference, load_model

torch = pytest.importorskip("torch")


@pytest.fixture
def networks(tmp_path, monkeypatch):
    (tmp_path / "my_networks.py").write_text(
        "import torch\n"
        "def small(): return torch.nn.Linear(3, 2)\n"
        "def wrong(): return 3\n"
        "def broken(): raise ValueError('no weights here')\n"
    )
    (tmp_path / "faulty.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield
    for name in ("my_networks", "faulty"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("networks")
def test_a_factory_in_a_module_or_a_file():
    for reference in ("torch:my_networks:small", "torch:./my_networks.py:small"):
        loaded = load_model(reference)
        assert isinstance(loaded.model, torch.nn.Linear)
        assert loaded.name == "small"


@pytest.mark.usefixtures("networks")
@pytest.mark.parametrize(
    ("reference", "error", "text"),
    [
        ("torch:my_networks:smal", UnknownName, "small"),
        ("torch:my_network:small", UnknownName, "no module"),
        ("torch:./absent.py:small", FileError, "There is no file"),
        ("torch:small", InputError, "names no object of a module"),
        ("torch:my_networks:wrong", InputError, "int"),
        ("torch:my_networks:broken", FileError, "no weights here"),
        ("torch:faulty:small", FileError, "ZeroDivisionError"),
        ("torch:", InputError, "no model reference"),
        ("onnx:net", InputError, "no model reference"),
    ],
)
def test_what_is_wrong_is_said(reference, error, text):
    with pytest.raises(error, match=text):
        load_model(reference)


def test_a_folder_of_transformers(tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=20
    )
    transformers.BertModel(config).save_pretrained(tmp_path / "bert")
    loaded = load_model(f"hf:{tmp_path / 'bert'}")
    assert loaded.name == "bert"
    assert type(loaded.model).__name__ == "BertModel"
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="hf:"):
        load_model(f"hf:{tmp_path / 'empty'}")


def test_timm_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingDependency, match="timm"):
        load_model("timm:resnet18")


def test_a_timm_of_models(monkeypatch):
    timm = types.SimpleNamespace(
        is_model=lambda name: name == "vit_tiny",
        list_models=lambda: ["vit_tiny"],
        create_model=lambda name, pretrained: torch.nn.Linear(2, 2),
    )
    monkeypatch.setitem(sys.modules, "timm", timm)
    assert load_model("timm:vit_tiny").name == "vit_tiny"
    with pytest.raises(UnknownName, match="vit_tiny"):
        load_model("timm:vit_tyni")


def test_references_are_told_from_files():
    assert is_model_reference("hf:some/path")
    assert not is_model_reference("a.npy")
    assert not is_model_reference("C:/a.npy")


def test_arrays_as_inputs(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((3, 2)))
    assert load_inputs(tmp_path / "a.npy").values.shape == (3, 2)
    np.savez(tmp_path / "a.npz", input_ids=np.ones((3, 2)), attention_mask=np.ones((3, 2)))
    assert set(load_inputs(tmp_path / "a.npz").values) == {"input_ids", "attention_mask"}
    np.savez(tmp_path / "one.npz", np.ones((3, 2)))
    assert load_inputs(tmp_path / "one.npz").values.shape == (3, 2)
    for name in ("a.xyz", "absent.txt", "absent.csv"):
        with pytest.raises(FileError, match=name):
            load_inputs(tmp_path / name)


def test_lines_of_text(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffone\r\n\ntwo\u2028three\n".encode())
    with pytest.warns(SimilitudeWarning, match="empty"):
        assert load_inputs(tmp_path / "a.txt").values == ["one", "", "two\u2028three"]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_columns_of_texts(tmp_path, suffix):
    frame = pd.DataFrame({"id": ["p", "q"], "text": ["one", "two"], "note": ["x", "y"], "label": [1, 0]})
    path = tmp_path / f"a{suffix}"
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    elif suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    found = load_inputs(path)
    assert (found.values, found.ids, found.labels) == (["one", "two"], ("p", "q"), ("1", "0"))
    assert load_inputs(path, "note").values == ["x", "y"]
    with pytest.raises(UnknownName, match="note"):
        load_inputs(path, "nots")


def test_a_folder_of_images(tmp_path):
    pil = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for name in ("cat/10.png", "cat/9.png", "dog/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pil.fromarray(rng.integers(0, 255, (8, 12, 3), dtype=np.uint8)).save(tmp_path / name)
    with pytest.raises(InputError, match="--image-size"):
        load_inputs(tmp_path)
    found = load_inputs(tmp_path, preparation=Preparation((8, 8), 8, (0.5,) * 3, (0.25,) * 3), batch_size=2)
    assert found.ids == ("cat/9.png", "cat/10.png", "dog/1.png")
    assert found.labels == ("cat", "cat", "dog")
    batches = list(found.values)
    assert [tuple(batch.shape) for batch in batches] == [(2, 3, 8, 8), (1, 3, 8, 8)]
    pixels = np.asarray(pil.open(tmp_path / "cat/9.png"), dtype=float)[:, 2:10] / 255
    np.testing.assert_allclose(batches[0][0].numpy(), (pixels.transpose(2, 0, 1) - 0.5) / 0.25, atol=1e-5)


def test_the_hash_of_weights_tells_packed_ones_apart():
    import torch

    from similitude.extraction.references import hash_weights

    class Packed(torch.nn.Module):
        def __init__(self, weight, scale):
            super().__init__()
            self.packed = weight, scale

        def get_extra_state(self):
            return self.packed

        def set_extra_state(self, state):
            self.packed = state

    weight = torch.arange(6.0)
    first, *others = (Packed(*entry) for entry in [(weight, 0.1), (weight + 1, 0.1), (weight, 0.2)])
    assert hash_weights(first) == hash_weights(Packed(weight.clone(), 0.1))
    assert not {hash_weights(other) for other in others} & {hash_weights(first)}
