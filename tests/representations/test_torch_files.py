"""Files of torch.save come back without PyTorch; what they declare is checked before it is believed."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest

from similitude.errors import FileError
from similitude.representations.files import load_arrays

torch = pytest.importorskip("torch")

WHOLE = torch.arange(24, dtype=torch.float32).reshape(4, 6)
TENSORS = {
    "plain": WHOLE,
    "columns": WHOLE.T,
    "part": WHOLE[1:, ::2],
    "expanded": WHOLE[:, :1].expand(4, 3),
    "double": WHOLE.double(),
    "half": WHOLE.half(),
    "bfloat16": WHOLE.bfloat16(),
    "integers": WHOLE.long(),
    "small": WHOLE.to(torch.uint8),
    "truth": WHOLE > 3,
    "complex": WHOLE.to(torch.complex64),
    "float8_e4m3fn": WHOLE.to(torch.float8_e4m3fn),
    "float8_e5m2": WHOLE.to(torch.float8_e5m2),
    "parameter": torch.nn.Parameter(WHOLE.clone()),
    "gradient": WHOLE.clone().requires_grad_(),
    "uint16": WHOLE.to(torch.uint16),
}


def expected(tensor):
    tensor = tensor.detach()
    narrow = tensor.dtype in (torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2)
    return (tensor.float() if narrow else tensor).numpy()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", TENSORS)
def test_tensors_of_every_type_and_layout(name, zipped, tmp_path):
    content = {"a": {name: TENSORS[name]}, "b": [TENSORS[name], 3], "note": "text", "dtype": torch.float32}
    torch.save(content, tmp_path / "t.pt", _use_new_zipfile_serialization=zipped)
    found = {array.layer: array.values for array in load_arrays(tmp_path / "t.pt")}
    assert list(found) == [f"a.{name}", "b.0"]
    for values in found.values():
        np.testing.assert_array_equal(values, expected(TENSORS[name]))
        assert values.dtype == expected(TENSORS[name]).dtype


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16])
def test_every_code_of_a_narrow_type(dtype, tmp_path):
    codes = torch.arange(256).to(torch.uint8).repeat_interleave(2)
    values = (codes if dtype != torch.bfloat16 else codes.contiguous()).view(dtype).reshape(-1, 2)
    torch.save(values, tmp_path / "t.pt")
    (found,) = load_arrays(tmp_path / "t.pt")
    np.testing.assert_array_equal(found.values, values.float().numpy())
    pytest.importorskip("safetensors.torch").save_file({"x": values}, tmp_path / "t.safetensors")
    (found,) = load_arrays(tmp_path / "t.safetensors")
    np.testing.assert_array_equal(found.values, values.float().numpy())


def test_numpy_arrays_and_state_dicts(tmp_path):
    network = torch.nn.Linear(3, 2)
    torch.save({"x": np.eye(4, 3), "net": network.state_dict()}, tmp_path / "t.pt")
    found = {array.layer: array.values for array in load_arrays(tmp_path / "t.pt")}
    np.testing.assert_array_equal(found["x"], np.eye(4, 3))
    np.testing.assert_array_equal(found["net.weight"], network.weight.detach().numpy())


def test_one_column_of_ids_names_the_rows(tmp_path):
    torch.save({"x": torch.eye(4, 3), "ids": torch.arange(4)[:, None]}, tmp_path / "t.pt")
    (found,) = load_arrays(tmp_path / "t.pt")
    assert (found.layer, found.ids) == ("x", ("0", "1", "2", "3"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: WHOLE.to_sparse(), "sparse tensor; save tensor.to_dense"),
        (lambda: torch.quantize_per_tensor(WHOLE, 0.1, 0, torch.qint8), "dequantize"),
        (lambda: torch.empty(3, 3, device="meta"), "no values"),
        (lambda: WHOLE.to(torch.complex64).conj(), "conjugate"),
        (lambda: torch.nn.Linear(2, 2), "holds Python objects"),
        (lambda: WHOLE.to(torch.float8_e4m3fnuz), "float8_e4m3fnuz"),
    ],
)
def test_other_kinds_of_tensor_are_refused_with_the_way_out(make, said, tmp_path):
    torch.save({"x": make()}, tmp_path / "t.pt")
    with pytest.raises(FileError, match=said) as caught:
        load_arrays(tmp_path / "t.pt")
    assert "damaged" not in str(caught.value)


@pytest.mark.filterwarnings("ignore")
def test_a_scripted_network_is_said_to_be_one(tmp_path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "t.pt"))
    with pytest.raises(FileError, match="scripted network"):
        load_arrays(tmp_path / "t.pt")


def rewritten(change, tmp_path, content=None):
    """A saved file with its pickle changed."""
    buffer = io.BytesIO()
    torch.save({"x": WHOLE} if content is None else content, buffer)
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(tmp_path / "t.pt", "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, change(data) if name.endswith("data.pkl") else data)
    return tmp_path / "t.pt"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"K\x04K\x06\x86", b"K\x7fK\x06\x86", "reaches beyond"),
        (b"K\x06K\x01\x86", b"K\xffK\x01\x86", "reaches beyond"),
        (b"K\x04K\x06\x86", b"J\xff\xff\xff\xffK\x06\x86", "malformed tensor"),
        (b"K\x18t", b"K\x19t", "cut short"),
    ],
)
def test_a_tensor_stays_within_its_values(old, new, said, tmp_path):
    def change(data):
        assert old in data
        return data.replace(old, new)

    with pytest.raises(FileError, match=said):
        load_arrays(rewritten(change, tmp_path))


def test_expanded_tensors_are_not_believed(tmp_path):
    torch.save({"x": torch.zeros(1, 1).expand(100_000, 100_000)}, tmp_path / "t.pt")
    with pytest.raises(FileError, match=r"would take 40 GB in memory"):
        load_arrays(tmp_path / "t.pt")
    torch.save({str(i): torch.zeros(1000, 1000) for i in range(1)} | {"y": [torch.zeros(1)] * 3}, tmp_path / "t.pt")
    assert len(load_arrays(tmp_path / "t.pt")) == 1


def test_names_that_collide(tmp_path):
    torch.save({"a": {"b": WHOLE}, "a.b": WHOLE}, tmp_path / "t.pt")
    with pytest.raises(FileError, match=r"two tensors that are called 'a\.b'"):
        load_arrays(tmp_path / "t.pt")


def test_a_plain_pickle_is_no_file_of_tensors(tmp_path):
    (tmp_path / "t.pt").write_bytes(pickle.dumps({"x": np.eye(3)}))
    with pytest.raises(FileError, match=r"not a file of torch\.save"):
        load_arrays(tmp_path / "t.pt")
