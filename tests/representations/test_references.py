"""Networks by reference."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from similitude.errors import FileError, InputError, MissingDependency, UnknownName
from similitude.representations.references import is_model_reference, load_inputs, load_model

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
        ("torch:./absent.py:small", FileError, "no Python file"),
        ("torch:small", InputError, "names no function"),
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


def test_inputs(tmp_path):
    (tmp_path / "a.txt").write_text("one\n\ntwo\n")
    assert load_inputs(tmp_path / "a.txt") == ["one", "two"]
    np.save(tmp_path / "a.npy", np.ones((3, 2)))
    assert load_inputs(tmp_path / "a.npy").shape == (3, 2)
    np.savez(tmp_path / "a.npz", input_ids=np.ones((3, 2)), attention_mask=np.ones((3, 2)))
    assert set(load_inputs(tmp_path / "a.npz")) == {"input_ids", "attention_mask"}
    for name in ("a.csv", "absent.txt"):
        with pytest.raises(FileError, match=name):
            load_inputs(tmp_path / name)
