import numpy as np
import pytest

torch = pytest.importorskip("torch")

from similitude.benchmark import calibration_error  # noqa: E402
from similitude.benchmark.functionalities.modularity import modularity  # noqa: E402
from similitude.suites.vision.data import Cifar10  # noqa: E402
from similitude.suites.vision.network import ResNet14  # noqa: E402
from similitude.suites.vision.recipe import DELETION_LAYERS, LAYERS, Training  # noqa: E402
from similitude.suites.vision.record import model_record  # noqa: E402
from similitude.suites.vision.train import augmented, reproducible, train  # noqa: E402


@pytest.fixture(scope="module")
def data(cifar10):
    return Cifar10(cifar10).load()


@pytest.fixture(scope="module")
def record(data, tiny):
    return model_record(data, tiny, seed=0)


def weights(network):
    return b"".join(tensor.numpy().tobytes() for tensor in network.state_dict().values())


@pytest.mark.parametrize("augment", [False, True])
def test_a_seed_decides_every_bit(data, augment):
    training = Training(width=8, epochs=2, batch=24, augment=augment)
    results = []
    for threads, seed in ((1, 0), (2, 0), (1, 1)):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        torch.manual_seed(threads)
        with reproducible():
            results.append(weights(train(data, training, seed)))
        assert torch.get_num_threads() == threads
        assert not torch.are_deterministic_algorithms_enabled()
        torch.set_num_threads(before)
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_later_models_have_no_probes_and_the_callers_random_state_is_left_alone(data, tiny):
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    record = model_record(data, tiny, seed=2, probed=False)
    assert (torch.rand(3) == expected).all()
    assert not any(score.layer for score in record.scores)


def test_training_learns(data):
    with reproducible():
        network = train(data, Training(width=8, epochs=20, batch=24), seed=0)
        answers = network(torch.from_numpy(data.test_images)).argmax(dim=1).numpy()
    assert (answers == data.test_labels).mean() > 0.5


def test_blocks_are_residual_and_halve_the_image():
    network = ResNet14(width=8, stem_stride=2, classes=10, mean=[0.5], deviation=[0.25]).eval()
    with torch.no_grad():
        maps = network.feature_maps(torch.zeros(2, 24, 24, 1, dtype=torch.uint8))
    assert tuple(maps) == LAYERS
    shapes = [(8, 12, 12), (8, 12, 12), (16, 6, 6), (16, 6, 6), (32, 3, 3), (32, 3, 3)]
    assert [tuple(m.shape[1:]) for m in maps.values()] == shapes
    weight_layers = sum(isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3) for m in network.modules()) + 1
    assert weight_layers == 14


def test_a_record_holds_what_the_subtasks_need(data, record):
    assert record.model == "seed000"
    assert {layer: values.shape for layer, values in record.representations.items()} == dict(
        zip(LAYERS, [(60, 32), (60, 32), (60, 64), (60, 64), (60, 128), (60, 128)], strict=True)
    )
    by_name = {(s.functionality, s.layer, s.deleted): s for s in record.scores}
    predictions = {name: values for name, values in record.items.items() if name.startswith("predictions/")}
    for name, right in record.items.items():
        if name in predictions:
            continue
        assert right.shape == (60,)
        assert by_name[name, None, 0].value == pytest.approx(right.mean())
    for family, severities in data.severities.items():
        parts = [by_name[f"accuracy/{family}/{s}", None, 0].value for s in range(1, severities + 1)]
        assert by_name[f"accuracy/{family}", None, 0].value == pytest.approx(np.mean(parts))
    families = [by_name[f"accuracy/{family}", None, 0].value for family in data.severities]
    assert by_name["accuracy/mean", None, 0].value == pytest.approx(np.mean(families))
    assert {layer for name, layer, _ in by_name if name == "probe"} == set(LAYERS)
    for layer in DELETION_LAYERS:
        assert sum(name == "probe/truncated" and where == layer for name, where, _ in by_name) == 13


def test_predictions_are_probabilities_of_the_images_that_accuracies_are_of(data, record):
    clean, corrupted = (record.items[f"predictions/{test}"] for test in ("clean", "corrupted"))
    assert clean.shape == (60, 10)
    assert clean.sum(axis=1) == pytest.approx(1)
    np.testing.assert_array_equal(clean.argmax(axis=1) == data.test_labels, record.items["accuracy/clean"])
    severities = data.severities.values()
    by_version = corrupted.reshape(sum(severities), 20, 10)
    right = by_version.argmax(axis=2) == data.test_labels[:20]
    for family, versions in zip(data.severities, np.split(right, np.cumsum(list(severities))[:-1]), strict=True):
        assert record.items[f"accuracy/{family}"][:20] == pytest.approx(versions.mean(axis=0))


def test_behaviour_is_scored(data, tiny, record):
    scores = {s.functionality: s.value for s in record.scores if s.layer is None}
    with reproducible():
        network = train(data, tiny.training, seed=0)
        with torch.no_grad():
            clean = network(torch.from_numpy(data.test_images)).softmax(dim=1).numpy()
            maps = network.feature_maps(torch.from_numpy(data.test_images))[LAYERS[-1]].numpy()
    assert scores["calibration_error/clean"] == pytest.approx(calibration_error(clean, data.test_labels), abs=1e-6)
    assert scores["modularity"] == pytest.approx(modularity(maps.mean(axis=(2, 3))), abs=1e-5)
    assert 0 < scores["calibration_error/corrupted"] < 1
    assert 0.1 < scores["few_shot/letters"] < 1
    assert set(np.round(20 * record.items["few_shot/letters"], 5) % 1) == {0}


def test_representations_are_means_over_cells(data, tiny, record):
    with reproducible():
        network = train(data, tiny.training, seed=0)
        with torch.no_grad():
            maps = network.feature_maps(torch.from_numpy(data.test_images))["stage1.block1"].numpy()
    half = maps.shape[-1] // 2
    cells = [maps[:, :, y : y + half, x : x + half].mean(axis=(2, 3)) for y in (0, half) for x in (0, half)]
    expected = np.stack(cells, axis=2).reshape(60, -1)
    assert record.representations["stage1.block1"] == pytest.approx(expected, abs=1e-5)


def test_augmentation_mirrors_and_shifts():
    image = np.zeros((1, 16, 16, 1), dtype=np.uint8)
    image[0, 8, 4] = 255
    places = {tuple(np.argwhere(augmented(image, np.random.default_rng(i))[0])[0][:2].tolist()) for i in range(400)}
    assert places == {(y, x) for y in range(6, 11) for x in (*range(2, 7), *range(9, 14))}
