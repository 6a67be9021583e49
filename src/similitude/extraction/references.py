"""Networks by reference: ``hf:PATH``, ``timm:NAME``, ``torch:package.module:factory``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_128

from similitude.addresses import first_line, load
from similitude.errors import FileError, InputError, MissingDependency, UnknownName, foreign, require, suggestion
from similitude.extraction.images import Preparation
from similitude.extraction.state import state_entries
from similitude.representations.allowance import Allowance, check_regular
from similitude.representations.names import readable
from similitude.representations.readers import SUFFIXES, read_file

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["LoadedModel", "hash_weights", "is_model_reference", "load_model", "load_weights"]

_KINDS = ("hf", "timm", "torch")


@dataclass(frozen=True)
class LoadedModel:
    """A network with what it needs to read texts or image files.

    Parameters
    ----------
    name
        As in tables.
    model
        The network.
    tokenizer
        Its tokenizer, if it reads text; padding stands behind the tokens.
    preparation
        How image files are prepared, if its configuration says so.
    """

    name: str
    model: Module
    tokenizer: Any = None
    preparation: Preparation | None = None


def is_model_reference(text: str) -> bool:
    """Whether a text refers to a network and not to a file."""
    return text.partition(":")[0] in _KINDS and ":" in text


def load_model(reference: str) -> LoadedModel:
    """Network of a reference.

    Parameters
    ----------
    reference
        ``hf:PATH`` a folder (or hub name) for transformers, with its tokenizer if it has one; ``timm:NAME`` a
        pretrained model of timm; ``torch:package.module:factory`` or ``torch:./file.py:factory`` a function without
        arguments that returns a module.

    Raises
    ------
    FileError
        The folder or file cannot be loaded.
    UnknownName
        No such module, function or model.
    MissingDependency
        The library that loads it is not installed, or does not fit the installed torch.
    """
    kind, _, rest = reference.partition(":")
    if kind not in _KINDS or not rest:
        raise InputError(
            f"{reference!r} is no model reference. Write hf:PATH, timm:NAME or torch:package.module:factory."
        )
    require("torch", "models")
    return {"hf": _from_transformers, "timm": _from_timm, "torch": _from_factory}[kind](rest)


def load_weights(loaded: LoadedModel, path: Path) -> LoadedModel:
    """Put the weights of a file into a model.

    Parameters
    ----------
    loaded
        The model; its own weights are lost.
    path
        File of arrays named as the model's parameters, such as a ``.safetensors`` or ``.pt`` file of a state dict; or
        of a checkpoint that holds the state dict beside other things.

    Raises
    ------
    FileError
        The file cannot be read, or does not hold the model's weights.
    """
    torch = require("torch", "models")
    check_regular(path)
    if path.suffix.lower() not in SUFFIXES:
        raise FileError(f"{path}: unsupported file type {path.suffix!r}. Weights are read from {', '.join(SUFFIXES)}.")
    arrays = read_file(path, Allowance())
    try:
        state = _state_within(arrays, list(loaded.model.state_dict()), path)
        loaded.model.load_state_dict({name: torch.tensor(values) for name, values in state.items()})
    except (RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise FileError(f"{path} does not hold the weights of {loaded.name}: {reason[:300]}") from None
    return replace(loaded, name=readable(path.stem))


def _state_within(arrays: dict[str, Any], wanted: list[str], path: Path) -> dict[str, Any]:
    """The arrays that are wanted, where a checkpoint holds them under a name, beside an optimiser's; else all.

    Raises
    ------
    FileError
        The checkpoint holds them several times.
    """
    before = [name.removesuffix(wanted[0]) for name in arrays if wanted and name.endswith(wanted[0])]
    holding = [prefix for prefix in before if all(f"{prefix}{name}" in arrays for name in wanted)]
    if "" in holding or not holding:
        return arrays
    if len(holding) > 1:
        raise FileError(
            f"{path} holds weights of the model {len(holding)} times: {', '.join(p.rstrip('.') for p in holding)}. "
            "Save those that are meant as a file of their own."
        )
    return {name: arrays[f"{holding[0]}{name}"] for name in wanted}


def _from_transformers(path: str) -> LoadedModel:
    transformers = require("transformers", "models")
    transformers.logging.set_verbosity_error()
    try:
        model = transformers.AutoModel.from_pretrained(path)
    except Exception as error:  # the library raises what it likes
        raise FileError(f"hf:{path} cannot be loaded: {first_line(error)}") from None
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    except Exception:  # an image model has none, and says so in many ways
        tokenizer = None
    if tokenizer is not None:
        tokenizer.padding_side = "right"  # on the left, networks that count positions would count the padding
    return LoadedModel(readable(Path(path).name), model, tokenizer)


def _set_padding(tokenizer: Any) -> None:
    """Padding behind the tokens, by a token of any kind where there is none for it: the mask leaves it out."""
    tokenizer.padding_side = "right"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)


def _from_timm(name: str) -> LoadedModel:
    try:
        timm = require("timm", "timm")
    except MissingDependency:
        raise
    except Exception as error:  # torchvision beside a torch that it was not built for
        raise MissingDependency(
            f"timm is installed and cannot be imported ({first_line(error)}). Install a torchvision that fits torch."
        ) from None
    if not timm.is_model(name):
        raise UnknownName(f"timm has no model {name!r}. {suggestion(name, timm.list_models())}")
    try:
        model = timm.create_model(name, pretrained=True)
    except Exception as error:
        raise FileError(f"timm:{name} cannot be loaded: {first_line(error)}") from None
    return LoadedModel(name, model, preparation=Preparation.of_timm(model))


def _from_factory(address: str) -> LoadedModel:
    import torch

    name = address.rpartition(":")[2]
    factory = load(address)
    if not callable(factory):
        raise InputError(f"torch:{address}: {name} is a {type(factory).__name__}, not a function that returns a model.")
    try:
        model = factory()
    except Exception as error:
        raise FileError(
            f"torch:{address}: calling {name}() failed: {type(error).__name__}: {first_line(error)}"
        ) from None
    if not isinstance(model, torch.nn.Module):
        raise InputError(f"torch:{address}: {name}() returned a {type(model).__name__}, not a torch.nn.Module.")
    return LoadedModel(name, model, preparation=Preparation.of_timm(model))


def hash_weights(model: Module) -> str:
    """Return the XXH3 digest of all that is in a network's state, with names, types and shapes."""
    import torch

    digest = xxh3_128()
    with foreign(f"Reading the weights of {type(model).__name__}"):
        for name, values in state_entries(model):
            for value in values:
                if not isinstance(value, torch.Tensor):
                    digest.update(f"{name} {value!r}\n".encode())
                    continue
                plain = value.detach().cpu().contiguous()
                digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
                digest.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
    return digest.hexdigest()
