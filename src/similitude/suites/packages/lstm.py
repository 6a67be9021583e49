"""The network of MHCnuggets: one LSTM and two dense layers, as Keras wrote their weights."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from similitude.errors import FileError, require

__all__ = ["AMINO_ACIDS", "PeptideNetwork", "encode"]

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
_SYMBOLS = len(AMINO_ACIDS) + 1
"""One more, for amino acids that are not known."""
_TRUE = 0.9
"""What the networks were shown of an amino acid: this at its own place, and the rest over all others."""
_LONGEST = 15
_SHAPES = {
    "lstm_1/lstm_1/kernel:0": ("symbols", "gates"),
    "lstm_1/lstm_1/recurrent_kernel:0": ("units", "gates"),
    "lstm_1/lstm_1/bias:0": ("gates",),
    "dense_1/dense_1/kernel:0": ("units", "hidden"),
    "dense_1/dense_1/bias:0": ("hidden",),
    "dense_2/dense_2/kernel:0": ("hidden", "one"),
    "dense_2/dense_2/bias:0": ("one",),
}


def encode(peptides: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return peptides as numbers, shape (n, 15) with zeros behind their ends, and their lengths."""
    place = {acid: i for i, acid in enumerate(AMINO_ACIDS)}
    found = np.zeros((len(peptides), _LONGEST), dtype=np.intp)
    for row, peptide in enumerate(peptides):
        found[row, : len(peptide)] = [place[acid] for acid in peptide]
    return found, np.array([len(peptide) for peptide in peptides])


@dataclass(frozen=True)
class PeptideNetwork:
    """A network that tells how well a peptide binds: its weights in double precision, as Keras names them.

    Parameters
    ----------
    kernel, recurrent, bias
        Of the LSTM, gates in the order input, forget, cell, output; shapes (21, 4 units), (units, 4 units), (4 units,).
    dense, dense_bias, out, out_bias
        Of the two dense layers.
    """

    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray
    dense: np.ndarray
    dense_bias: np.ndarray
    out: np.ndarray
    out_bias: np.ndarray

    @classmethod
    def read(cls, content: bytes, name: str) -> PeptideNetwork:
        """Read a network from an HDF5 file of weights.

        Parameters
        ----------
        content
            The file.
        name
            Of the file, for people.

        Raises
        ------
        FileError
            It does not hold such a network.
        MissingDependency
            h5py is not installed.
        """
        h5py = require("h5py", "packages")
        try:
            with h5py.File(io.BytesIO(content), "r") as file:
                arrays = [np.asarray(file[key][()], dtype=np.float64) for key in _SHAPES]
        except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise FileError(f"{name} does not hold the weights of an LSTM and two dense layers ({error}).") from None
        units = arrays[1].shape[0] if arrays[1].ndim else 0
        hidden = arrays[3].shape[-1] if arrays[3].ndim else 0
        sizes = {"symbols": _SYMBOLS, "units": units, "gates": 4 * units, "hidden": hidden, "one": 1}
        for array, (key, axes) in zip(arrays, _SHAPES.items(), strict=True):
            if array.shape != (expected := tuple(sizes[axis] for axis in axes)):
                raise FileError(f"{name}: {key} has shape {array.shape}; expected {expected}.")
        return cls(*arrays)

    def run(self, peptides: np.ndarray, lengths: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the layers ``lstm`` (its last state) and ``dense`` for peptides, and how well they bind (0 to 1).

        Gates are Keras's hard sigmoids; places behind a peptide's end are passed over, as its masks do.
        """
        seen = (1 - _TRUE) / (_SYMBOLS - 1) * self.kernel.sum(axis=0) + self.bias
        step = (_TRUE - (1 - _TRUE) / (_SYMBOLS - 1)) * self.kernel
        state = np.zeros((len(peptides), len(self.recurrent)))
        cell = np.zeros_like(state)
        for place in range(int(lengths.max(initial=0))):
            gates = step[peptides[:, place]] + seen + state @ self.recurrent
            into, forget, new, out = np.split(gates, 4, axis=1)
            updated = _hard_sigmoid(forget) * cell + _hard_sigmoid(into) * np.tanh(new)
            there = (lengths > place)[:, None]
            cell = np.where(there, updated, cell)
            state = np.where(there, _hard_sigmoid(out) * np.tanh(updated), state)
        dense = np.tanh(state @ self.dense + self.dense_bias)
        return {"lstm": state, "dense": dense}, expit(dense @ self.out + self.out_bias)[:, 0]


def _hard_sigmoid(values: np.ndarray) -> np.ndarray:
    return np.clip(0.2 * values + 0.5, 0, 1)
