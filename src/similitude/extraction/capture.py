"""Listen to the layers of a network: read, reduce and copy what passes, one batch at a time."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from similitude.errors import InputError, NetworkError, SimilitudeWarning
from similitude.extraction.axes import Axes, StatedAxes
from similitude.extraction.batch import Batch
from similitude.extraction.evidence import NoInputAxis, Witness, input_axis, is_scripted
from similitude.extraction.forward import Call, find_tensor, prepare
from similitude.extraction.reduce import Reduction
from similitude.extraction.rows import Part
from similitude.extraction.taps import Tap

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

__all__ = ["Capture", "Reading", "few"]


@dataclasses.dataclass(frozen=True)
class Reading:
    """How the output of one call of a layer is read.

    Parameters
    ----------
    letters, evidence
        See `similitude.extraction.axes.Axes`; empty if the output cannot be read.
    source
        Name of the input that its tokens come from; see `Batch.mask_of`.
    unfit
        Why it cannot be read.
    shared
        Whether all inputs share it, as they do embeddings of positions: its shape does not depend on their number.
    """

    letters: str = ""
    evidence: str = ""
    source: str | None = None
    unfit: str = ""
    shared: bool = False

    @functools.cached_property
    def axes(self) -> Axes:
        """Its axes."""
        return Axes(self.letters, self.evidence)


@dataclasses.dataclass(frozen=True)
class _Seen:
    """A tensor that passed a tap: itself, by which it is recognised elsewhere, and its content at that moment."""

    tap: Tap
    place: str
    tensor: Tensor
    content: Tensor


class _MaskMissing(InputError):
    """Concerns the inputs, not one layer, so that no layer is left out for it."""


class Capture:
    """Hooks at the taps of a network.

    Parameters
    ----------
    model, forward
        The network, and what is called in its place, if anything.
    taps
        Where to listen.
    reduction
        How outputs become rows.
    stated
        Axes that the user states.

    Attributes
    ----------
    readings
        How the outputs are read, by layer and call; empty before `study`.
    left_out
        Layers that give no representation, with the reason.
    listener
        Called with the layer and call, the whole output as `Axes.arrange` gives it, and the mask of its tokens (None if
        all are real), wherever rows are made of it; and with outputs that all inputs share, as they are.
    """

    listener: Callable[[str, Tensor, Tensor | None], None] | None = None

    def __init__(
        self,
        model: Module,
        forward: Callable[..., Any] | None,
        taps: Sequence[Tap],
        reduction: Reduction,
        stated: StatedAxes,
    ) -> None:
        self.readings: dict[str, Reading] = {}
        self.left_out: dict[str, str] = {}
        self._model = model
        self._forward = forward
        self._taps = taps
        self._reduction = reduction
        self._stated = stated
        self._receive: Callable[[Tap, str, Any], None] = lambda tap, place, output: None
        self._calls: Counter[str] = Counter()
        self._foreign: NetworkError | None = None

    @contextmanager
    def hooks(self) -> Iterator[None]:
        """Listen at all taps within a block."""
        handles = []
        try:
            for tap in self._taps:
                if is_scripted(tap.module):
                    self.left_out[tap.name] = (
                        "it is scripted or traced (torch.jit), and runs outside Python. Use the nn.Module that it was "
                        "made from."
                    )
                elif tap.at_input:
                    handles.append(tap.module.register_forward_pre_hook(self._before(tap), with_kwargs=True))
                else:
                    handles.append(tap.module.register_forward_hook(self._after(tap)))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def study(self, batch: Batch) -> list[dict[str, Part]]:
        """Decide how every output is read, by running the network on two of a batch's inputs and on three.

        Returns
        -------
        list
            What the layers gave for the two inputs and for the three; empty if the network runs on whole batches only.
        """
        try:
            two, three = (batch.cut(few(batch)[:n]) for n in (2, 3))
            first, witness = self._watch(two)
            second, _ = self._watch(three)
        except NetworkError as error:
            first, witness = self._watch(batch)
            warnings.warn(
                f"Axes are read without evidence, and self-tests are left out: {error}", SimilitudeWarning, stacklevel=3
            )
            for seen in first:
                self.readings[seen.place] = self._read(seen, witness, batch, None)
            return []
        shapes = {seen.place: tuple(seen.content.shape) for seen in second}
        for seen in first:
            self.readings[seen.place] = self._read(seen, witness, two, shapes.get(seen.place, ()))
        return [self._parts(found, size) for found, size in ((first, two), (second, three))]

    def shapes(self, batch: Batch) -> list[tuple[str, tuple[int, ...]]]:
        """Study a batch, and return the layers in the order in which they run with the shapes of their outputs."""
        self.study(batch)
        for layer, reason in self.left_out.items():
            self.readings.setdefault(f"{layer}[0]", Reading(unfit=reason))
        self.left_out = {}
        found: list[tuple[str, tuple[int, ...]]] = []

        def note(tap: Tap, place: str, output: Any) -> None:
            tensor = find_tensor(output)
            if tensor is not None:
                found.append((tap.name, tuple(tensor.shape)))

        self._pass(prepare(self._model, batch, self._forward), note)
        return found

    def run(self, batch: Batch) -> dict[str, Part]:
        """What every layer gave for a batch, in the order in which they ran."""
        passed: list[tuple[Tap, str, Part]] = []

        def reduce(tap: Tap, place: str, output: Any) -> None:
            self._try(tap, lambda: passed.append((tap, place, self._part(tap, place, self._tensor(output), batch))))

        self._pass(prepare(self._model, batch, self._forward), reduce)
        expected = [tap.name for tap in self._taps if tap.exact and tap.name not in self.left_out]
        silent = next((name for name in expected if not self._calls[name]), None)
        if silent is not None:
            raise InputError(f"Layer {silent!r} did not run in the forward pass. See list_layers(model, example).")
        kept = [(tap, place, part) for tap, place, part in passed if tap.name not in self.left_out]
        if not kept:
            reasons = [f"{layer}: {reason.rstrip('.')}" for layer, reason in self.left_out.items()]
            silent_graph = (
                "None of them runs in the forward pass. A network that was exported or traced runs as one graph; give "
                "the module that it was made from."
            )
            told = f"{'; '.join(reasons[:3])}." if reasons else silent_graph
            kind = NetworkError if self._foreign else InputError
            raise kind(f"None of the layers gave a representation. {told}") from self._foreign
        return {self._name(tap, place): part for tap, place, part in kept}

    def again(self, batch: Batch) -> dict[str, Part]:
        """As `run`, for a test: layers that are unfit only now are missing, and are not left out for good."""
        left_out = dict(self.left_out)
        try:
            return self.run(batch)
        finally:
            self.left_out.clear()
            self.left_out.update(left_out)

    def _name(self, tap: Tap, place: str) -> str:
        """Name of a layer's call; of its only call, the layer's own."""
        return place if self._calls[tap.name] > 1 else tap.name

    def _watch(self, batch: Batch) -> tuple[list[_Seen], Witness]:
        """One pass with a witness, and what passed the taps."""
        seen: list[_Seen] = []
        call = prepare(self._model, batch, self._forward)
        witness = Witness(self._model, call)

        def keep(tap: Tap, place: str, output: Any) -> None:
            def take() -> None:
                tensor = self._tensor(output)
                seen.append(_Seen(tap, place, tensor, tensor.detach().clone()))

            self._try(tap, take)

        with witness.hooks():
            self._pass(call, keep)
        return seen, witness

    def _pass(self, call: Call, receive: Callable[[Tap, str, Any], None]) -> None:
        self._calls.clear()
        self._receive = receive
        call()

    def _after(self, tap: Tap) -> Callable[..., None]:
        return lambda module, arguments, output: self._take(tap, output)

    def _before(self, tap: Tap) -> Callable[..., None]:
        return lambda module, arguments, named: self._take(tap, (*arguments, *named.values()))

    def _take(self, tap: Tap, output: Any) -> None:
        if find_tensor(output) is None and not tap.exact:
            return
        place = f"{tap.name}[{self._calls[tap.name]}]"
        self._calls[tap.name] += 1
        reading = self.readings.get(place)
        if reading is not None and reading.shared:
            if self.listener is not None:
                self.listener(place, self._tensor(output).detach(), None)
        elif tap.name not in self.left_out:
            self._receive(tap, place, output)

    def _try(self, tap: Tap, action: Callable[[], None]) -> None:
        """Leave a layer out if it is unfit, or if a function of the user's fails on it."""
        try:
            action()
        except _MaskMissing:
            raise
        except (InputError, NetworkError) as error:
            self.left_out[tap.name] = str(error)
            self._foreign = error if isinstance(error, NetworkError) else self._foreign

    def _tensor(self, output: Any) -> Tensor:
        """The tensor of an output, dense, and of real numbers unless a function of the user's reduces it."""
        tensor = find_tensor(output)
        if tensor is None:
            raise InputError(f"it gives no tensor but {type(output).__name__}.")
        if tensor.is_meta:
            raise InputError("its output is on the device 'meta', which holds no values; load the weights first.")
        if tensor.is_complex() and self._reduction.function is None:
            raise InputError(
                "its output is complex, and measures take real numbers. Give a function, such as "
                "reduce=lambda output: torch.view_as_real(output).flatten(1)."
            )
        if tensor.is_nested:
            tensor = tensor.to_padded_tensor(0.0)
        if tensor.is_quantized:
            tensor = tensor.dequantize()
        if tensor.layout is not _strided():
            tensor = tensor.to_dense()
        if tensor.ndim < 2:
            raise InputError(
                f"its output has the shape {tuple(tensor.shape)}: a scalar, or one number per input, where (n, d) or "
                "more axes are expected."
            )
        return tensor

    def _read(self, seen: _Seen, witness: Witness, batch: Batch, three: tuple[int, ...] | None) -> Reading:
        """How an output is read, given its shape for three inputs (None: not known)."""
        output = seen.content
        source = witness.source(seen.tap.path)
        stated = self._stated.find(seen.tap.name, output.ndim)
        try:
            if stated is None:
                inputs = _likely_axis(seen, batch.size) if three is None else input_axis(tuple(output.shape), three)
                mask, _ = batch.mask_of(source)
                length = None if mask is None else mask.shape[1]
                stated = witness.axes(seen.tap.path, seen.tap.module, seen.tensor, inputs, length)
        except NoInputAxis as error:
            return Reading(unfit=f"{error}.", shared=three == tuple(output.shape))
        if stated.channels is None and not self._reduction.reads_any_axes:
            letters = "'ntd' or 'ncl'" if output.ndim == 3 else "'nchw' or 'nhwc'"
            return Reading(
                unfit=f"nothing tells which axis of its output of shape {tuple(output.shape)} holds the channels. "
                f"State it: axes={{{seen.tap.name!r}: ...}} with {letters} (or --axes '{seen.tap.name}=...')."
            )
        return Reading(stated.letters, stated.evidence, source)

    def _parts(self, found: Sequence[_Seen], batch: Batch) -> dict[str, Part]:
        parts: dict[str, Part] = {}
        for seen in found:
            name = self._name(seen.tap, seen.place)
            part = functools.partial(self._part, seen.tap, seen.place, seen.content, batch)
            self._try(seen.tap, lambda name=name, part=part: parts.update({name: part()}))
        return parts

    def _part(self, tap: Tap, place: str, output: Tensor, batch: Batch) -> Part:
        import torch

        reading = self.readings.get(place)
        if reading is None:
            raise InputError(f"Layer {tap.name!r} did not run the same number of times for every batch. Leave it out.")
        if reading.unfit:
            raise InputError(reading.unfit)
        axes, output = reading.axes, output.detach()
        if output.ndim != len(axes.letters) or output.shape[axes.inputs] != batch.size:
            raise InputError(
                f"its output of shape {tuple(output.shape)}, read as {axes.letters}, does not have one row per input "
                f"for {batch.size} inputs. State its axes, or listen to a layer further out."
            )
        own = self._reduction.function is not None  # a function of the user's gets the output as the network gives it
        arranged = output.movedim(axes.inputs, 0) if own else axes.arrange(output)
        mask = None if own else self._mask(reading, arranged, batch)
        rows, per_input = self._reduction(arranged, axes.kind, mask=mask)
        if self.listener is not None:
            whole = axes.arrange(output)
            self.listener(place, whole, self._mask(reading, whole, batch) if own else mask)
        if not rows.is_floating_point():
            rows = rows.double()
        precision = torch.finfo(output.dtype if output.is_floating_point() else rows.dtype).eps
        kept = rows.float() if rows.element_size() < 4 else rows
        if kept.device.type == "cpu" and kept.untyped_storage().data_ptr() == output.untyped_storage().data_ptr():
            kept = kept.clone(memory_format=torch.contiguous_format)
        counts = [per_input] * batch.size if isinstance(per_input, int) else per_input.tolist()
        return Part(kept.cpu().numpy(), counts, str(self._reduction.of(axes.kind)), float(precision), str(axes))

    def _mask(self, reading: Reading, arranged: Tensor, batch: Batch) -> Tensor | None:
        """Mask of an arranged output's tokens; None if all are real."""
        kind = reading.axes.kind
        if kind == "vector" or arranged.ndim > 3:
            return None
        mask, missing = batch.mask_of(reading.source)
        if missing and self._reduction.needs_mask(kind):
            if reading.source == "" or str(reading.source).startswith("decoder_"):
                raise InputError("its tokens are the decoder's; give decoder_input_ids and decoder_attention_mask.")
            raise _MaskMissing(
                "Token inputs need an attention mask, so that padding is left out: give a dict with 'attention_mask', "
                "or mask=..., or mask='all' if no input is padded."
            )
        if mask is None:
            return None
        length = arranged.shape[1 if kind == "tokens" else 2]
        if mask.shape[1] != length:
            if bool(mask.all()):
                return None
            if mask.shape[1] > length and not bool(mask[:, length:].any()):  # cut to the longest, as when unpacked
                return mask[:, :length].to(arranged.device)
            shorten = getattr(self._model, "_get_feature_vector_attention_mask", None)  # sound in, frames out
            if shorten is not None and kind == "tokens":
                mask = shorten(length, mask)
        return mask.to(arranged.device)


def few(batch: Batch) -> list[int]:
    """Positions of three inputs of a batch, the one with the fewest tokens first; fewer inputs come repeatedly."""
    rows = list(range(batch.size))[::-1]  # so that a network that reads the inputs as a sequence is noticed
    if batch.mask is not None:
        rows.sort(key=batch.mask.bool().sum(dim=1).tolist().__getitem__)
    return [rows[i % len(rows)] for i in range(3)]


def _likely_axis(seen: _Seen, size: int) -> int:
    """Axis of the inputs where the network cannot be run on other numbers of inputs."""
    module = seen.tap.module
    last = getattr(module, "batch_first", getattr(getattr(module, "self_attn", None), "batch_first", True)) is False
    fitting = [axis for axis, length in enumerate(seen.content.shape) if length == size]
    if not fitting:
        raise NoInputAxis(f"its output of shape {tuple(seen.content.shape)} has no axis of {size} inputs")
    return 1 if last and 1 in fitting else fitting[0]


def _strided() -> Any:
    import torch

    return torch.strided
