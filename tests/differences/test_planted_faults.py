"""Faults that porting, quantising and refactoring bring are found where they are, in networks as they are used."""

import warnings

import numpy as np
import pytest

import similitude

torch = pytest.importorskip("torch")
nn = torch.nn

from networks_from_configs import inputs, make  # noqa: E402
from small_transformer import changed  # noqa: E402


def perturbed(path, size=1e-5):
    def change(net):
        weight = net.get_parameter(path)
        weight.add_(size * weight.std() * torch.randn(weight.shape, generator=torch.Generator().manual_seed(5)))

    return change


def setting(path, **values):
    return lambda net: [setattr(net.get_submodule(path), name, value) for name, value in values.items()]


def heads_exchanged(path, heads):
    def change(net):
        parts = net.get_parameter(path).view(heads, -1)
        parts[[0, 1]] = parts[[1, 0]]

    return change


def called_with(**changes):
    """Other arguments, made from the token ids and the mask."""

    def change(net):
        usual = net.forward

        def forward(input_ids=None, attention_mask=None, **others):
            made = {name: make(input_ids, attention_mask) for name, make in changes.items()}
            return usual(**{"input_ids": input_ids, "attention_mask": attention_mask, **others, **made})

        net.forward = forward

    return change


def shifted_positions(ids, mask):
    return torch.arange(ids.shape[1])[None] + 1


def without_the_last_token(ids, mask):
    shorter = mask.clone()
    shorter[torch.arange(len(mask)), mask.sum(dim=1) - 1] = 0
    return shorter


def untied(net):
    net.lm_head.weight = nn.Parameter(net.lm_head.weight.clone())
    perturbed("lm_head.weight", 1e-3)(net)


def half_precision(path):
    return lambda net: [p.copy_(p.to(torch.bfloat16)) for p in net.get_submodule(path).parameters()]


FAULTS = [
    ("bert", "weights", perturbed("encoder.layer.2.output.dense.weight"), "encoder.layer.2", ".output.dense"),
    ("llama", "weights", perturbed("model.layers.1.mlp.down_proj.weight"), "model.layers.1", ".mlp.down_proj"),
    ("vit", "weights", perturbed("layers.1.mlp.fc2.weight"), "layers.1", ".mlp.fc2"),
    ("convnet", "weights", perturbed("blocks.2.0.weight"), "blocks.2", ".0"),
    ("bert", "epsilon", setting("encoder.layer.1.attention.output.LayerNorm", eps=1e-5), "encoder.layer.1",
     ".attention.output.LayerNorm"),
    ("llama", "epsilon", setting("model.layers.1.post_attention_layernorm", variance_epsilon=1e-5), "model.layers.1",
     ".post_attention_layernorm"),
    ("llama", "last epsilon", setting("model.norm", variance_epsilon=1e-5), "model.norm", ""),
    ("convnet", "epsilon", setting("blocks.1.1", eps=1e-3), "blocks.1", ".1"),
    ("bert", "dropout", lambda net: net.encoder.layer[1].output.dropout.train(), "encoder.layer.1", ".output.dropout"),
    ("gpt2", "dropout", lambda net: net.transformer.h[1].mlp.dropout.train(), "transformer.h.1", ".mlp.dropout"),
    ("convnet", "batch norm in training mode", lambda net: net.train(), "blocks.0", ".1"),
    ("convnet", "statistics", lambda net: net.blocks[1][1].running_mean.add_(1e-3), "blocks.1", ".1"),
    ("convnet", "residual", lambda net: setattr(net, "residual", [True, True, False, True]), "blocks.3", ":input"),
    ("convnet", "activation", lambda net: net.blocks[2].__setitem__(2, nn.SiLU()), "blocks.2", ".2"),
    ("gpt2", "erf for tanh", setting("transformer.h.1.mlp", act=nn.GELU()), "transformer.h.1", ".mlp.act"),
    ("bert", "no mask", called_with(attention_mask=lambda ids, mask: torch.ones_like(mask)), "encoder.layer.0",
     ".attention.self"),
    ("bert", "mask one short", called_with(attention_mask=without_the_last_token), "encoder.layer.0",
     ".attention.self"),
    ("gpt2", "positions", called_with(position_ids=shifted_positions), "transformer.drop", "transformer.wpe"),
    ("bert", "positions", lambda net: net.embeddings.position_ids.add_(1), "embeddings.LayerNorm",
     "embeddings.position_embeddings"),
    ("llama", "rotation", lambda net: net.model.rotary_emb.inv_freq.mul_(1.01), "model.layers.0", "model.rotary_emb"),
    ("gpt2", "untied", untied, "lm_head", ""),
    ("llama", "bf16", half_precision("model.layers.1"), "model.layers.1", ".self_attn.q_proj"),
    ("bert", "heads", heads_exchanged("encoder.layer.1.attention.self.query.weight", 4), "encoder.layer.1",
     ".attention.self.query"),
    ("llama", "heads", heads_exchanged("model.layers.1.self_attn.k_proj.weight", 2), "model.layers.1",
     ".self_attn.k_proj"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "layer", "module"), [pytest.param(n, *rest, id=f"{n}: {fault}") for n, fault, *rest in FAULTS]
)
def test_a_fault_is_found_where_it_is(name, change, layer, module):
    network = make(name)
    found = similitude.diff(network, changed(network, change), inputs(name))
    assert found.first == layer
    names = list(found.layers["layer"])
    assert not found.layers["beyond"][: names.index(layer)].any()
    assert found.inside == (layer + module if module[:1] in (".", ":") else module or layer)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["bert", "gpt2", "llama", "vit"])
def test_attention_written_another_way_is_no_fault(name, dtype):
    kind = getattr(torch, dtype)
    for seed in range(2):
        networks = [make(name, seed, attn_implementation=how).to(kind) for how in ("sdpa", "eager")]
        shown = inputs(name, seed)
        found = similitude.diff(*networks, shown.to(kind) if name == "vit" else shown)
        assert found.verdict == "same", found
        assert not found.layers["equal"].all()


def test_what_no_output_depends_on_is_no_fault():
    network = make("llama")  # its attention is to relative positions
    shifted = changed(network, called_with(position_ids=shifted_positions))
    assert similitude.diff(network, shifted, inputs("llama")).same


def test_weights_that_differ_within_tolerance_are_named():
    network = make("llama")
    found = similitude.diff(
        network, changed(network, perturbed("model.layers.1.mlp.up_proj.weight", 1e-8)), inputs("llama")
    )
    assert found.same
    assert "1 of 30 parameters differ, from model.layers.1.mlp.up_proj.weight on." in repr(found)


def test_another_width_and_depth():
    network = make("bert")
    wide = torch.nn.Module.eval(type(network)(type(network.config)(**{**network.config.to_dict(), "hidden_size": 48})))
    found = similitude.diff(network, wide, inputs("bert"))
    assert found.first == "embeddings.word_embeddings"
    assert found.layers["cka"].isna().sum() == 1  # token types are the same for all inputs
    shallow = changed(network, lambda net: net.encoder.layer.__delitem__(2))
    found = similitude.diff(network, shallow, inputs("bert"))
    assert (found.first, found.only) == ("pooler.dense", (["encoder.layer.2"], []))


def test_a_quantised_network_is_divided_as_the_first_is():
    network = nn.Sequential(*(nn.Sequential(nn.Linear(16, 16), nn.ReLU()) for _ in range(3)), nn.Linear(16, 4)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao is deprecated, and still what most people quantise with
        quantised = torch.ao.quantization.quantize_dynamic(network, {nn.Linear}, dtype=torch.qint8)
        shown = torch.randn(50, 16, generator=torch.Generator().manual_seed(0))
        found = similitude.diff(network, quantised, shown)
        again = similitude.diff(quantised, network, shown)
    assert list(found.layers["other"]) == ["0:input", "0", "1", "2", "3", "(output)"]
    assert (found.matched_by, found.first, found.inside) == ("name", "0", "0.0")
    assert again.matched_by == "name"
    assert np.isfinite(again.layers["relative"]).all()
