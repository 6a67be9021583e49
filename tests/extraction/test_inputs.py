"""Inputs as users have them: one value whatever holds them, and errors that name the cure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from similitude.errors import InputError, NetworkError, SimilitudeWarning
from similitude.extraction.extract import extract
from similitude.extraction.input_files import load_inputs

torch = pytest.importorskip("torch")
nn = torch.nn


def convnet():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))


def images():
    return np.random.default_rng(0).normal(size=(10, 3, 8, 8)).astype("float32")


def bert(positions: int = 16):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        vocab_size=40,
        max_position_embeddings=positions,
    )
    return transformers.BertModel(config)


class Letters:
    """A tokenizer of one token per letter."""

    model_max_length = 10**30

    def __init__(self, pad_token: str | None = "-"):
        self.pad_token = pad_token

    def __call__(self, texts, padding=False, truncation=False, return_tensors=None, max_length=None):
        if isinstance(texts, str):
            return {"input_ids": [ord(letter) % 35 + 5 for letter in texts]}
        ids = [[ord(letter) % 35 + 5 for letter in text][:max_length] for text in texts]
        assert not (padding and self.pad_token is None)
        if not padding:
            return {"input_ids": ids, "attention_mask": [[1] * len(row) for row in ids]}
        length = max(map(len, ids))
        padded = torch.tensor([row + [0] * (length - len(row)) for row in ids])
        return {"input_ids": padded, "attention_mask": (padded > 0).long()}


class Pairs(torch.utils.data.Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, i):
        return images()[i], i % 3


class Rows:
    """A data set that is none of torch's, such as those of the library `datasets`."""

    def __len__(self):
        return 10

    def __getitem__(self, i):
        return {"pixels": images()[i], "label": i % 3, "id": "abcdefghij"[i]}


class Stream(torch.utils.data.IterableDataset):
    """Shared out among the workers of a loader, or not."""

    def __init__(self, shared):
        self.shared = shared

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        parts = images() if worker is None or not self.shared else images()[worker.id :: worker.num_workers]
        return iter(parts)


@pytest.mark.parametrize(
    "hold",
    [
        torch.as_tensor,
        lambda x: {"whatever": x},
        lambda x: {"whatever": x, "labels": np.arange(10), "ids": list("abcdefghij")},
        list,
        lambda x: [torch.as_tensor(image) for image in x],
        lambda x: [(image, 0) for image in x],
        lambda x: Pairs(),
        lambda x: torch.utils.data.DataLoader(Pairs(), batch_size=3),
        lambda x: Rows(),
        lambda x: [Rows()[i] for i in range(10)],
        lambda x: {"pixel_values": x, "flag": True, "nothing": None},
        lambda x: {"pixel_values": list(x)},
        lambda x: (x, np.arange(10)),
        lambda x: [torch.as_tensor(x), torch.arange(10)],
        lambda x: pd.Series(list(x)),
        lambda x: torch.utils.data.TensorDataset(torch.as_tensor(x), torch.arange(10)),
        lambda x: torch.utils.data.Subset(Pairs(), range(10)),
        lambda x: torch.utils.data.ConcatDataset([torch.utils.data.Subset(Pairs(), range(4)), list(zip(x[4:], x))]),  # noqa: B905
        lambda x: Stream(shared=False),
        lambda x: (x[i : i + 3] for i in range(0, 10, 3)),
        lambda x: [x[:4], x[4:]],
        lambda x: np.ascontiguousarray(x, dtype=">f4"),
        lambda x: torch.as_tensor(x).requires_grad_(),
    ],
)
def test_images(hold):
    found = extract(convnet(), hold(images()), layers="3")["3"].values
    expected = convnet()(torch.as_tensor(images())).detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["arr_0", "images", "x"])
def test_an_archive_of_one_array(tmp_path, name):
    np.savez(tmp_path / "inputs.npz", **{name: images()})
    found = extract(convnet(), load_inputs(tmp_path / "inputs.npz").values, layers="3")["3"].values
    np.testing.assert_array_equal(found, extract(convnet(), images(), layers="3")["3"].values)


@pytest.mark.parametrize(
    ("inputs", "error", "text"),
    [
        ((images() * 50).astype("uint8"), NetworkError, "scaled as in training"),
        (images().transpose(0, 2, 3, 1), NetworkError, r"n, h, w, c"),
        (images()[0], InputError, r"x\[None\]"),
        ([images()[0], images()[1][:, :4]], InputError, "differ in shape"),
        (pd.DataFrame({"a": ["x"], "b": [1]}), InputError, "not numeric"),
        (pd.Series(["a text", None]), InputError, "not a text"),
        (pd.Series([1.0, 2.0]), InputError, r"frame\[\[column\]\]"),
        ((images()[0] * 50).reshape(6, 32).astype("uint8"), NetworkError, r"uint8"),
        (np.ma.masked_less(images(), 0), InputError, "masked"),
        (torch.as_tensor(images()).to_sparse(), InputError, "to_dense"),
        (sparse.csr_array(np.eye(3)), InputError, "toarray"),
        (np.array([["2020-01-01"] * 4], dtype="M8[D]"), InputError, "not numbers"),
        ({1, 2}, InputError, "no order"),
        ([{"x": images()[0], "id": 1}, {"y": images()[1], "id": 2}], InputError, "Input 1 has the keys y"),
    ],
)
def test_inputs_that_do_not_fit(inputs, error, text):
    with pytest.raises(error, match=text):
        extract(convnet(), inputs, layers="3")


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ("one text", "list of texts"),
        (torch.zeros(0, 5), "no inputs"),
        ([], "no inputs"),
        (torch.zeros(5), "first axis"),
        ({"a": torch.zeros(3, 2), "b": torch.zeros(4, 2)}, "differ in length"),
        (3, "int"),
        ([object()], "object"),
    ],
)
def test_inputs_that_cannot_be_used_are_named(inputs, text):
    with pytest.raises(InputError, match=text):
        extract(nn.Sequential(nn.Linear(2, 2)), inputs, layers="0")


def test_images_of_pillow_are_sent_to_the_image_processor():
    pil = pytest.importorskip("PIL.Image")
    pictures = [pil.fromarray(np.zeros((8, 8, 3), dtype="uint8"))] * 3

    class Pictures(Pairs):
        def __getitem__(self, i):
            return pictures[i % 3], 0

    loader = torch.utils.data.DataLoader(Pictures(), batch_size=2)
    for inputs in (pictures, [(picture, 0) for picture in pictures], {"pixel_values": pictures}, Pictures(), loader):
        with pytest.raises((InputError, NetworkError), match="image processor"):
            extract(convnet(), inputs, layers="3")


def test_a_stream_that_several_workers_share():
    def load(shared):
        return torch.utils.data.DataLoader(Stream(shared), batch_size=2, num_workers=2)

    found = extract(convnet(), load(shared=True), layers="3")["3"]
    assert found.n == 10
    with pytest.raises(InputError, match="2 workers gives all inputs"):
        extract(convnet(), load(shared=False), layers="3")


def test_a_data_set_without_a_length():
    class Endless(torch.utils.data.Dataset):
        def __getitem__(self, i):
            return images()[0]

    with pytest.raises(InputError, match="__len__"):
        extract(convnet(), Endless(), layers="3")


def test_complex_inputs_reach_a_complex_network():
    x = torch.randn(9, 4, dtype=torch.complex64)
    net = nn.Sequential(nn.Linear(4, 3, dtype=torch.complex64))
    found = extract(net, x, layers="0", reduce=lambda output: torch.view_as_real(output).flatten(1))["0"]
    expected = torch.view_as_real(net(x)).flatten(1).detach().numpy()
    np.testing.assert_allclose(found.values, expected, atol=1e-6)


def test_frames():
    net = nn.Sequential(nn.Linear(2, 3))
    frame = pd.DataFrame({"a": np.arange(5.0), "b": [1, 0, 2, 5, 3]}, index=list("vwxyz"))
    found = extract(net, frame, layers="0")["0"]
    assert found.ids == tuple("vwxyz")
    expected = net(torch.as_tensor(frame.to_numpy(), dtype=torch.float32)).detach().numpy()
    np.testing.assert_allclose(found.values, expected, atol=1e-6)


TEXTS = ["ab", "abc", "hello", "x"]


@pytest.mark.parametrize(
    "hold", [list, tuple, np.array, pd.Series, lambda x: [(text, 1) for text in x], lambda x: [x[:2], x[2:]]]
)
@pytest.mark.parametrize("pad_token", ["-", None])
def test_texts(hold, pad_token):
    one_by_one = extract(bert(), TEXTS, tokenizer=Letters(), batch_size=1)
    found = extract(bert(), hold(TEXTS), tokenizer=Letters(pad_token))
    for layer, expected in one_by_one.items():
        np.testing.assert_allclose(found[layer].values, expected.values, atol=1e-5)


@pytest.mark.parametrize(
    "hold",
    [
        dict,
        lambda found: [{key: value[i] for key, value in found.items()} for i in range(4)],
        lambda found: {"input_ids": found["input_ids"]},
        lambda found: found["input_ids"],
    ],
)
def test_what_a_tokenizer_gives_as_lists(hold):
    found = extract(bert(), hold(Letters()(TEXTS)))
    for layer, expected in extract(bert(), TEXTS, tokenizer=Letters()).items():
        np.testing.assert_allclose(found[layer].values, expected.values, atol=1e-5)


def test_texts_that_are_too_long_or_empty():
    with pytest.warns(SimilitudeWarning, match="more than 16 tokens"):
        found = extract(bert(), ["a" * 20, "b" * 16], tokenizer=Letters())["encoder.layer.0"]
    assert found.n == 2
    with pytest.raises(InputError, match="'' has no tokens"):
        extract(bert(), ["a", ""], tokenizer=Letters())
    with pytest.raises(InputError, match="tokenizer"):
        extract(bert(), TEXTS)


class Ragged(Letters):
    """A tokenizer that pads nothing, whatever it is told."""

    def __call__(self, texts, **options):
        return (
            super().__call__(texts)["input_ids"]
            if isinstance(texts, str)
            else {"input_ids": super().__call__(texts)["input_ids"]}
        )


class Raising(Letters):
    def __call__(self, texts, **options):
        raise KeyError("[MASK]")


@pytest.mark.parametrize(
    ("tokenizer", "error", "text"),
    [
        (Raising(), NetworkError, r"The tokenizer failed: KeyError: '\[MASK\]'"),
        ("bert-base-uncased", InputError, "cannot be called"),
        (lambda texts, **options: [[1, 2]] * len(texts), InputError, "gave a list; expected a dict with 'input_ids'"),
    ],
)
def test_tokenizers_that_give_no_tokens(tokenizer, error, text):
    with pytest.raises(error, match=text):
        extract(bert(), TEXTS, tokenizer=tokenizer)


def test_a_tokenizer_that_does_not_pad():
    expected = extract(bert(), TEXTS, tokenizer=Letters())["encoder.layer.0"].values
    found = extract(bert(), TEXTS, tokenizer=Ragged())["encoder.layer.0"].values
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"mask": "al"}, "'all', not 'al'"),
        ({"ids": ["a"] * 10}, "'a' occurs twice"),
        ({"ids": ["a", "b"]}, "2 ids for 10 inputs"),
        ({"batch_size": "8"}, "whole number"),
        ({"layers": None}, "not by None"),
        ({"layers": [nn.Linear(2, 2)]}, "not by Linear"),
        ({"reduce": lambda output: None}, "gave NoneType"),
        ({"reduce": lambda output: output[:, 0]}, r"gave \(10,\)|gave \(3,\)|gave \(2,\)"),
    ],
)
def test_options_that_cannot_be_used(options, text):
    with pytest.raises(InputError, match=text):
        extract(convnet(), images(), **({"layers": "3"} | options))


def test_a_reduction_may_give_an_array():
    found = extract(convnet(), images(), layers="3", reduce=lambda output: output.numpy()[:, :2])["3"].values
    np.testing.assert_array_equal(found, extract(convnet(), images(), layers="3")["3"].values[:, :2])


def test_an_exception_of_the_data_set_is_reported_as_such():
    class Broken(Pairs):
        def __getitem__(self, i):
            raise OSError("file 7 is gone")

    for inputs in (Broken(), torch.utils.data.DataLoader(Broken(), batch_size=2, num_workers=1)):
        with pytest.raises(NetworkError, match=r"Reading the inputs failed: OSError: file 7 is gone$"):
            extract(convnet(), inputs, layers="3")
    Broken.__len__ = lambda self: 1 // 0
    with pytest.raises(NetworkError, match="Counting the inputs failed: ZeroDivisionError"):
        extract(convnet(), Broken(), layers="3")


def test_unfit_layers_cost_only_themselves():
    class Constant(nn.Module):
        def forward(self, x):
            return torch.ones(len(x), 3)

    class Scalar(nn.Module):
        def forward(self, x):
            return x.mean()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.constant, self.scalar, self.last = nn.Linear(4, 3), Constant(), Scalar(), nn.Linear(4, 2)

        def forward(self, x):
            self.constant(x)
            self.scalar(x)
            return self.first(x), self.last(x)

    for layers in ("all", ["first", "constant", "scalar", "last"]):
        with pytest.warns(SimilitudeWarning, match="2 layer"):
            found = extract(Net(), torch.randn(9, 4), layers=layers)
        assert list(found) == ["first", "last"]
        assert set(found.left_out) == {"constant", "scalar"}
    for layer, reason in (("constant", "constant"), ("scalar", "scalar")):
        with pytest.raises(InputError, match=reason):
            extract(Net(), torch.randn(9, 4), layers=layer)
