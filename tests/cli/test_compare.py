"""`similitude compare`, as a user would call it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist, squareform
from typer.testing import CliRunner

from similitude import deconfounded, interval
from similitude.cli.console import parse_size
from similitude.cli.main import app
from similitude.measures import get_measure
from similitude.representations import ModelRecord, PopulationWriter

RNG = np.random.default_rng(0)
START = RNG.bit_generator.state
N = 40


@pytest.fixture(autouse=True)
def same_numbers_whatever_ran_before():
    RNG.bit_generator.state = START


def run(*arguments):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


def features(d=4):
    return RNG.normal(size=(N, d))


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arrays = {name: {layer: features() for layer in ("first", "second", "last")} for name in ("a", "b", "c", "d")}
    for name, layers in arrays.items():
        np.savez(f"{name}.npz", **layers)
    np.save("x.npy", arrays["a"]["first"])
    np.save("y.npy", arrays["b"]["last"])
    return arrays


def test_two_arrays(files):
    result = run("x.npy", "y.npy", "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert content["n"] == N
    assert content["kinds"]["cka"] == "similarity"
    (value,) = [entry["value"] for entry in content["values"] if entry["measure"] == "cka"]
    assert value == pytest.approx(get_measure("cka")(files["a"]["first"], files["b"]["last"]))
    assert len(content["values"]) == 7
    printed = run("x.npy", "y.npy").stdout
    assert "dissimilarity" in printed
    assert "n = 40" in printed


@pytest.mark.filterwarnings("default::similitude.SimilitudeWarning")
def test_intervals(files):
    result = run("x.npy", "y.npy", "-m", "cka,cknna(k=35)", "--interval", "--json", "--csv", "values.csv")
    assert result.exit_code == 0, result.output
    assert "1 value(s) have no interval" in " ".join(result.stderr.split())
    cka, cknna = json.loads(result.stdout)["values"]
    expected = interval(files["a"]["first"], files["b"]["last"], "cka")
    assert [cka["low"], cka["high"]] == pytest.approx([expected["low"][0], expected["high"][0]])
    assert cknna["value"] is not None
    assert cknna["low"] is cknna["high"] is None
    (row,) = pd.read_csv("values.csv").to_dict("records")
    assert row["cka high"] == pytest.approx(cka["high"])
    printed = run("x.npy", "y.npy", "-m", "cka,gulp", "--interval").stdout
    assert f"[.{cka['low'] * 1000:03.0f}, .{cka['high'] * 1000:03.0f}]" in printed
    matrix = json.loads(run("a.npz", "b.npz", "-m", "cka", "--interval", "--json").stdout)["values"]
    assert all(entry["low"] < entry["value"] < entry["high"] for entry in matrix)
    assert "interval" not in run("x.npy", "y.npy").stdout


def test_two_networks_layer_by_layer(files):
    result = run("a.npz", "b.npz", "--json", "-m", "cka,procrustes")
    values = {
        (entry["first"], entry["second"], entry["measure"]): entry["value"]
        for entry in json.loads(result.stdout)["values"]
    }
    assert len(values) == 18
    for i in files["a"]:
        for j in files["b"]:
            expected = get_measure("cka")(files["a"][i], files["b"][j])
            assert values[f"a/{i}", f"b/{j}", "cka"] == pytest.approx(expected)
    assert "cka (similarity)" in run("a.npz", "b.npz").stdout


@pytest.mark.usefixtures("files")
def test_one_network_within_and_some_layers():
    result = run("a.npz", "--within", "--layers", "first", "-l", "la*", "--json")
    content = json.loads(result.stdout)
    assert [(e["first"], e["second"]) for e in content["values"]][:2] == [("a/first", "a/first"), ("a/first", "a/last")]
    assert content["values"][0]["value"] == pytest.approx(1)


@pytest.mark.usefixtures("files")
def test_figures_and_frames(tmp_path):
    result = run("a.npz", "b.npz", "--figure", "out/heat.png", "--csv", "out/all.csv")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out/heat.png").stat().st_size > 5000
    assert (tmp_path / "out/heat.pdf").exists()
    assert len(pd.read_csv(tmp_path / "out/all.csv")) == 9


@pytest.mark.usefixtures("files")
def test_many_networks_and_their_map(tmp_path):
    result = run("a.npz", "b.npz", "c.npz", "d.npz", "--map", "map.png", "--layers", "last", "--json")
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.stdout)["kinds"]) == {"cka", "angular_procrustes"}
    assert (tmp_path / "map.png").stat().st_size > 5000
    assert run("a.npz", "b.npz", "--map", "map.png").exit_code == 2
    result = run("a.npz", "b.npz", "c.npz", "--map", "map.png", "--layers", "last", "-m", "procrustes")
    assert "procrustes (dissimilarity)" in result.output
    assert "angular_procrustes (" not in result.output  # only places the networks


def test_a_wide_matrix_is_summed_up(tmp_path):
    np.savez(tmp_path / "deep.npz", **{f"layer{i}": features() for i in range(20)})
    result = run(tmp_path / "deep.npz")
    assert result.exit_code == 0, result.output
    assert "most alike" in result.stdout
    assert "1 " not in [line.split("│")[-2].strip() for line in result.stdout.splitlines() if "layer0 " in line]


def test_a_population(tmp_path):
    writer = PopulationWriter(tmp_path / "pop", "pop", ["a", "b"], [str(i) for i in range(N)])
    for model in ("m1", "m2", "m3"):
        writer.write(ModelRecord(model, {"a": features(), "b": features()}))
    content = json.loads(run(tmp_path / "pop", "--json", "--layers", "b").stdout)
    assert len(content["values"]) == 9


def test_files_of_the_same_name(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "net.npy", features())
    content = json.loads(run(tmp_path / "one/net.npy", tmp_path / "two/net.npy", "--json", "-m", "cka").stdout)
    assert [(e["first"], e["second"]) for e in content["values"]] == [("1:net", "2:net")]


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2 * 10**9), ("1.5 GiB", 3 << 29), ("512mb", 512 * 10**6), ("4000000B", 4_000_000), (None, 7)],
)
def test_sizes(text, size):
    assert parse_size(text, 7) == size


def test_files_with_layers_of_other_names(files):
    np.savez("other.npz", deep=files["b"]["last"])
    content = json.loads(run("a.npz", "other.npz", "-l", "la*", "--other-layers", "deep", "--json").stdout)
    assert {(entry["first"], entry["second"]) for entry in content["values"]} == {("a/last", "other/deep")}
    assert run("a.npz", "-l", "last", "--other-layers", "first").exit_code == 2


def _damage():
    with open("bad.npz", "wb") as file:
        file.write(b"PK, and then nothing")
    return "bad.npz", "bad.npz is not a .npz file"


def _constant():
    np.savez("constant.npz", first=np.ones((N, 3)))
    return "constant.npz", "every feature is constant"


def _shorter():
    np.savez("short.npz", first=features()[:30])
    return "short/first", "short/first has 30"


def _reordered():
    np.savez("turned.npz", first=features(), ids=np.arange(N)[::-1])
    np.savez("named.npz", first=features(), ids=np.arange(N))
    return "turned/first", "another order"


def _broken():
    with open("broken.py", "w") as file:
        file.write("def net(): raise ValueError('no weights')")
    return "torch:./broken.py:net", "no weights"


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("spoil", [_damage, _constant, _shorter, _reordered, _broken])
def test_one_network_that_cannot_be_compared_costs_only_itself(spoil):
    if spoil is _broken:
        pytest.importorskip("torch")
    key, reason = spoil()
    name = key if ":" in key else f"{key.partition('/')[0].removesuffix('.npz')}.npz"
    whole = ["named.npz"] if spoil is _reordered else []
    inputs = ["--inputs", "x.npy"] if ":" in key else []
    expected = json.loads(run("a.npz", *whole, "b.npz", "--json").stdout)["values"]
    result = run("a.npz", *whole, name, "b.npz", *inputs, "--json")
    assert result.exit_code == 1, result.output
    content = json.loads(result.stdout)
    assert content["values"] == expected
    assert list(content["left_out"]) == [key]
    assert reason in content["left_out"][key]
    table = run("a.npz", *whole, name, "b.npz", *inputs, "--map", "map.png").stdout
    assert key in table
    assert reason.partition(" ")[0] in table
    assert run("a.npz", name, *inputs).exit_code == (0 if whole else 2)  # nothing is left to compare


@pytest.mark.usefixtures("files")
def test_one_damaged_file_of_a_folder_costs_only_itself(tmp_path):
    (tmp_path / "layers").mkdir()
    for name in ("first", "last"):
        np.save(tmp_path / f"layers/{name}.npy", features())
    (tmp_path / "layers/middle.npy").write_bytes(b"nothing")
    content = json.loads((result := run("layers", "--json")).stdout)
    assert result.exit_code == 1
    assert len(content["values"]) == 4
    assert "is not a .npy file" in content["left_out"]["layers/middle"]


def test_one_damaged_network_of_a_population_costs_only_itself(tmp_path):
    writer = PopulationWriter(tmp_path / "pop", "pop", ["a", "b"], [str(i) for i in range(N)])
    for model in ("m1", "m2", "m3"):
        writer.write(ModelRecord(model, {"a": features(), "b": features()}))
    next((tmp_path / "pop").rglob("m2/*.np*")).write_bytes(b"nothing")
    result = run(tmp_path / "pop", "--json")
    assert result.exit_code == 1, result.output
    content = json.loads(result.stdout)
    assert any(key.startswith("m2/") for key in content["left_out"])
    assert {("m1/a", "m3/b"), ("m3/a", "m3/a")} <= {(e["first"], e["second"]) for e in content["values"]}


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["x.npy"], "second one"),
        (["a.npz", "b.npz", "--within"], "name one"),
        (["a.npz", "b.npz", "--layers", "lst"], "'last'"),
        (["absent.npy", "x.npy"], "does not exist"),
        (["x.npy", "y.npy", "-m", "ckaa"], "cka"),
        (["onnx:net", "y.npy"], "does not exist"),
        (["x.npy", "y.npy", "--memory", "2"], "a number and a unit"),
        (["x.npy", "y.npy", "--memory", "lots"], "such as 2GB"),
        (["x.npy", "y.npy", "--memory", "10KB"], "1MB at least"),
        (["x.npy", "y.npy", "--folder", "kept"], "all networks here are files"),
        (["x.npy", "y.npy", "--inputs", "x.npy"], "--inputs is for models"),
        (["x.npy", "y.npy", "--reduce", "cls"], "--reduce is for models"),
        (["x.npy", "y.npy", "--csv", "x.npy/values.csv"], "cannot be made"),
        (["x.npy", "y.npy", "--figure", "x.npy/heat.png"], "cannot be made"),
    ],
)
def test_what_is_wrong_is_said_with_exit_code_2(arguments, text):
    result = run(*arguments)
    assert result.exit_code == 2
    assert text in result.output
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("files")
def test_a_file_compared_with_itself_is_the_same():
    result = run("x.npy", "x.npy", "-m", "cka", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["values"][0]["value"] == pytest.approx(1.0)


@pytest.mark.usefixtures("files")
def test_other_inputs_are_refused():
    np.save("short.npy", features()[:30])
    result = run("x.npy", "short.npy")
    assert result.exit_code == 2
    assert "inputs" in result.output


def test_dissimilarity_matrices_among_features(files):
    layer = files["a"]["first"]
    np.save("brain.npy", pdist(layer, "correlation"))
    np.savez("areas.npz", V1=squareform(pdist(layer)), V4=squareform(pdist(files["a"]["last"])), ids=np.arange(N))
    result = run("rdm:brain.npy", "x.npy", "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert [(v["measure"], v["value"]) for v in content["values"]] == [("rsa", pytest.approx(1.0))]
    assert content["layers"]["brain"]["d"] is None
    assert "d = RDM and 4" in " ".join(run("rdm:brain.npy", "x.npy").stdout.split())
    result = run("rdm:areas.npz", "a.npz", "-m", "rsa(rdm=euclidean,compare=rho_a)", "--json")
    assert result.exit_code == 0, result.output
    values = {(v["first"], v["second"]): v["value"] for v in json.loads(result.stdout)["values"]}
    assert values["areas/V1", "a/first"] == values["areas/V4", "a/last"] == pytest.approx(1.0)


@pytest.mark.filterwarnings("ignore::similitude.SimilitudeWarning")
def test_measures_of_features_fail_on_dissimilarity_matrices(files):
    np.save("brain.npy", pdist(files["a"]["first"]))
    result = run("rdm:brain.npy", "x.npy", "-m", "cka,rsa", "--json")
    assert result.exit_code == 1
    content = json.loads(result.stdout)
    assert [failure["measure"] for failure in content["failures"]] == ["cka"]
    assert "brain is an RDM" in content["failures"][0]["reason"]
    result = run("rdm:x.npy", "y.npy")
    assert result.exit_code == 2
    assert "x.npy: x: shape (40, 4) is no RDM" in " ".join(result.output.split())


@pytest.mark.parametrize("name", ["heat.svg", "heat.jpg", "heat.JPG"])
def test_a_figure_is_written_under_exactly_its_name(files, name, tmp_path):
    result = run("a.npz", "b.npz", "-m", "cka", "--figure", f"named/{name}")
    assert result.exit_code == 0, result.output
    assert [file.name for file in (tmp_path / "named").iterdir()] == [name]


def test_a_format_that_cannot_be_written_is_refused_before_anything_is_computed(files, tmp_path):
    result = run("a.npz", "b.npz", "--figure", "refused/heat.docx")
    assert result.exit_code == 2
    assert "unsupported figure format '.docx'" in result.output
    assert ".svg" in result.output
    assert not (tmp_path / "refused").exists()


def test_what_the_inputs_explain_is_left_out(files):
    images = RNG.normal(size=(N, 3, 2, 2))
    np.save("pixels.npy", images)
    result = run("x.npy", "y.npy", "--confounder", "pixels.npy", "-m", "cka,rsa(rdm=euclidean)", "--json")
    assert result.exit_code == 0, result.output
    x, y = files["a"]["first"], files["b"]["last"]
    asked = [deconfounded(id, images) for id in ("cka", "rsa(rdm=euclidean)")]
    found = {entry["measure"]: entry["value"] for entry in json.loads(result.stdout)["values"]}
    assert found == {str(measure): pytest.approx(measure(x, y)) for measure in asked}
    np.save("rdm.npy", squareform(pdist(images.reshape(N, -1))))
    result = run("x.npy", "y.npy", "--confounder", "rdm:rdm.npy", "-m", "rsa(rdm=euclidean)", "--json")
    (entry,) = json.loads(result.stdout)["values"]
    assert entry["value"] == pytest.approx(asked[1](x, y))
    assert "cka,given=" in run("x.npy", "y.npy", "--confounder", "pixels.npy").stdout


def test_a_confounder_that_does_not_fit_is_refused(files):
    np.save("pixels.npy", features()[1:])
    result = run("x.npy", "y.npy", "--confounder", "pixels.npy")
    assert result.exit_code != 0
    assert "pixels has 39" in result.output.replace("\n", " ")
    assert "holds 3 arrays" in run("x.npy", "y.npy", "--confounder", "a.npz").output
    assert "cannot be deconfounded" in run("x.npy", "y.npy", "--confounder", "x.npy", "-m", "procrustes").output
