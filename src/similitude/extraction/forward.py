"""Run a network in evaluation mode without gradients, and put everything back afterwards."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from similitude.errors import InputError, NetworkError, SimilitudeError, foreign, require, told

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from similitude.extraction.batch import Batch

__all__ = ["WRAPPERS", "Call", "check_network", "evaluating", "find_tensor", "position_limit", "prepare", "unwrapped"]

WRAPPERS = {"DataParallel": "module", "DistributedDataParallel": "module", "OptimizedModule": "_orig_mod"}
"""Wrappers of torch that change how a network is run, not what it computes, with the attribute that holds it."""

_PREFERRED = ("last_hidden_state", "logits")
_KNOWN_INPUTS = ("input_ids", "inputs_embeds", "pixel_values", "input_values", "input_features", "decoder_input_ids")
_NOT_INPUTS = ("labels", "label", "targets", "target", "y", "ids", "id", "index", "idx")
_NOTES_OF_TOKENIZERS = ("special_tokens_mask", "offset_mapping", "overflow_to_sample_mapping", "length", "word_ids")


def check_network(model: Any) -> None:
    """Refuse what cannot be listened to, and name the way out.

    Raises
    ------
    InputError
        Not a module; an exported or scripted network, whose layers do not run in Python; lazily initialised or
        unloaded weights.
    """
    torch = require("torch", "models")
    kind = type(model).__name__
    if kind == "ExportedProgram":
        raise InputError(
            "An exported program has lost its layers. Give the module that it was exported from, or "
            "torch.export.unflatten(program)."
        )
    if not isinstance(model, torch.nn.Module):
        raise InputError(f"A model must be a torch.nn.Module; this is of type {kind}.")
    if isinstance(unwrapped(model), torch.jit.ScriptModule):
        raise InputError(
            f"{kind} is a scripted or traced network (torch.jit): its layers run outside Python, so their outputs "
            "cannot be read. Give the nn.Module that it was made from."
        )
    with foreign(f"Listing the modules and weights of {kind}"):
        list(model.modules())
        named, parameters = list(model.named_parameters()), list(model.parameters())
    lazy = [name for name, p in named if torch.nn.parameter.is_lazy(p)]
    if lazy:
        raise InputError(
            f"{kind} has weights that are not initialised yet: {lazy[0]!r}. Run it once on an example, or load its "
            "weights, before extracting."
        )
    if parameters and all(p.is_meta for p in parameters) and not any(hasattr(m, "_hf_hook") for m in model.modules()):
        raise InputError(
            f"All weights of {kind} are on the device 'meta', which holds no values. Load them first: "
            "model.to_empty(device='cpu') and load_state_dict, or accelerate.load_checkpoint_and_dispatch."
        )


def unwrapped(model: Module) -> Module:
    """Network inside wrappers such as DataParallel and compiled modules."""
    while held := WRAPPERS.get(type(model).__name__):
        model = getattr(model, held)
    return model


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode and no gradients within a block; each submodule's own mode comes back, whatever happens.

    Compiled parts run uncompiled, because compiled code passes by hooks that are added later; and the fast path of
    ``torch.nn.TransformerEncoder`` is off, because it skips layers' own code and gives nested tensors.
    """
    torch = require("torch", "models")
    check_network(model)
    modes = [(module, module.training) for module in model.modules()]
    fast = torch.backends.mha.get_fastpath_enabled()
    with ExitStack() as stack:
        if hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        try:
            _to_evaluation(model)
            torch.backends.mha.set_fastpath_enabled(False)
            stack.enter_context(torch.no_grad())
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
            for module, training in modes:
                module.training = training


def _to_evaluation(model: Module) -> None:
    try:
        model.eval()
    except Exception as error:  # whatever a foreign network raises
        if not isinstance(error, NotImplementedError):
            raise NetworkError(f"Putting {type(model).__name__} in evaluation mode failed: {told(error)}") from error
        raise InputError(
            f"{type(model).__name__} cannot be put in evaluation mode ({told(error)}). Of an exported program give "
            "the module that it was exported from, or torch.export.unflatten(program)."
        ) from None


@dataclasses.dataclass(frozen=True)
class Call:
    """A batch, ready to be run: on the network's device, in its precision, under the names that it takes.

    Parameters
    ----------
    run
        The network, or the function called in its place.
    inputs, arguments
        Positional and named arguments.
    model
        The network, for error messages.
    """

    run: Callable[..., Any]
    inputs: tuple[Any, ...]
    arguments: dict[str, Any]
    model: Module

    def __call__(self) -> Any:
        """Run the batch.

        Raises
        ------
        NetworkError
            The network raised an exception of its own.
        """
        try:
            return self.run(*self.inputs, **self.arguments)
        except SimilitudeError:
            raise
        except Exception as error:  # whatever a foreign network raises
            network = type(self.model).__name__
            raise NetworkError(f"{network} failed on its inputs: {told(error)}.{self._hint(error)}") from error

    def _hint(self, error: Exception) -> str:
        tensors = {**{f"input {i}": v for i, v in enumerate(self.inputs)}, **self.arguments}
        shapes = ", ".join(
            f"{name} {tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
            for name, value in tensors.items()
            if hasattr(value, "shape")
        )
        hint = f" Its inputs were {shapes}."
        images = [value.shape for value in tensors.values() if getattr(value, "ndim", 0) == 4]
        if "uint8" in shapes and images:
            hint += " Images stored as bytes have to be scaled as in training first, for example images.float() / 255."
        elif "type" in str(error) and any(not v.is_floating_point() for v in tensors.values() if hasattr(v, "dtype")):
            hint += " Whole numbers and complex ones are passed on as they are; give x.float() where reals are read."
        if any(shape[3] in (1, 3, 4) and shape[1] not in (1, 3, 4) for shape in images):
            hint += " Images seem to be (n, h, w, c), where networks of torch read (n, c, h, w)."
        if isinstance(error, IndexError) and "out of range" in str(error):
            hint += " Token ids may lie beyond the vocabulary, or there are more tokens than the network has positions."
        if "decoder_input_ids" in _parameters(self.run)[0] and "decoder_input_ids" not in self.arguments:
            hint += (
                " Give a dict with decoder_input_ids and decoder_attention_mask too, or look at the encoder alone: "
                "extract(model.get_encoder(), ...)."
            )
        positions = position_limit(self.model)
        ids = next((v for v in (*self.inputs, *self.arguments.values()) if getattr(v, "ndim", 0) == 2), None)
        if positions is not None and ids is not None and not ids.is_floating_point() and ids.shape[1] > positions:
            hint += f" The network has positions for {positions} tokens; cut the inputs to that many."
        if "out of memory" in str(error):
            hint += " Use a smaller batch_size."
        return hint


def prepare(model: Module, batch: Batch, forward: Callable[..., Any] | None = None) -> Call:
    """Match a batch with the arguments that the network takes, on the network's device and in its precision.

    Labels, ids and notes of tokenizers are left out where the network does not take them, and so are token types if
    there is one type only. Anything else that cannot be passed on is an error.

    Raises
    ------
    InputError
        The network does not take an entry of the batch.
    """
    run = forward or unwrapped(model)
    named, takes_any = _parameters(run)
    read = [key for key, value in batch.arguments.items() if key in named or not _may_be_left_out(key, value)]
    known = (*named, *(_KNOWN_INPUTS if takes_any else ()))
    single = len(read) == 1 and not batch.inputs and read[0] not in known  # whatever its name
    network = type(unwrapped(model)).__name__
    place = _placing(model)
    inputs = batch.inputs
    arguments = {}
    for key, value in batch.arguments.items():
        if single and key == read[0]:
            inputs = (value,)
        elif key in named or (takes_any and key not in _NOT_INPUTS):
            arguments[key] = value
        elif not _may_be_left_out(key, value):
            raise InputError(
                f"The inputs have {key!r}, which {network} does not take; it takes {', '.join(named) or 'nothing'}. "
                "Remove the entry, or pass it on yourself: forward=lambda **batch: ..."
            )
    if batch.mask is not None and not arguments.keys() & set(_MASKS):
        name = next((name for name in _MASKS if name in named), "attention_mask" if takes_any else None)
        if name is not None:
            arguments[name] = _MASKS[name](batch.mask)
    placed = {key: place(value) for key, value in arguments.items()}
    return Call(run, tuple(map(place, inputs)), placed, unwrapped(model))


_MASKS: dict[str, Callable[[Any], Any]] = {
    "attention_mask": lambda mask: mask,
    "src_key_padding_mask": lambda mask: ~mask.bool(),
    "key_padding_mask": lambda mask: ~mask.bool(),
}
"""Arguments that tell a network which tokens are padding, made of a mask that is non-zero at real tokens."""


def _parameters(run: Callable[..., Any]) -> tuple[list[str], bool]:
    """Names that a network or function takes, and whether it takes any other name too."""
    try:
        parameters = inspect.signature(getattr(run, "forward", run)).parameters.values()
    except (TypeError, ValueError):  # built in
        return [], True
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = [p.name for p in parameters if p.kind in by_name]
    return named, any(p.kind is p.VAR_KEYWORD for p in parameters)


def _may_be_left_out(key: str, value: Any) -> bool:
    if key in (*_NOT_INPUTS, *_NOTES_OF_TOKENIZERS) or not hasattr(value, "dtype"):
        return True
    return key == "token_type_ids" and not bool(value.any())


def _placing(model: Module) -> Callable[[Any], Any]:
    """Function that moves a value to where the network computes; what holds no tensor stays as it is."""
    import torch

    here = (p for p in (*model.parameters(), *model.buffers()) if not p.is_meta)
    device: Any = getattr(getattr(model, "_hf_hook", None), "execution_device", None)
    first = next(here, None)
    if device is None and first is not None:
        device = first.device
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), None)

    def placed(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.to(device=device, dtype=dtype if value.is_floating_point() else None)
        return [placed(entry) for entry in value] if isinstance(value, list) else value

    return placed


def position_limit(model: Module) -> int | None:
    """Number of tokens for which a network has positions; None if it says nothing."""
    with foreign(f"Reading the configuration of {type(model).__name__}"):
        config = getattr(model, "config", None)
    configs = [config, getattr(config, "text_config", None)]
    stated = [getattr(c, name, None) for c in configs for name in ("max_position_embeddings", "n_positions")]
    limits = [limit for limit in stated if isinstance(limit, int) and limit > 0]
    for name, module in model.named_modules():
        padding = getattr(module, "padding_idx", None)
        if limits and name.endswith("position_embeddings") and padding is not None:  # RoBERTa counts from there
            limits.append(module.num_embeddings - padding - 1)
    return min(limits, default=None)


def find_tensor(output: Any) -> Tensor | None:
    """Tensor in a layer's output: itself, or the first of a tuple, dict or dataclass that has two axes or more."""
    import torch

    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, Mapping):
        entries = [*(output[key] for key in _PREFERRED if key in output), *output.values()]
    elif dataclasses.is_dataclass(output):
        entries = [getattr(output, field.name) for field in dataclasses.fields(output)]
    elif isinstance(output, tuple | list):
        entries = list(output)
    else:
        return None
    found = (find_tensor(entry) for entry in entries)
    return next((tensor for tensor in found if tensor is not None and tensor.ndim >= 2), None)
