"""Tiny models, built whole: what is on disk, resuming, and that seeds alone decide."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from similitude.benchmark import GradingData, calibration_error  # noqa: E402
from similitude.benchmark.functionality import probe_correct  # noqa: E402
from similitude.benchmark.modularity import modularity  # noqa: E402
from similitude.errors import DegeneratePopulation, InputError  # noqa: E402
from similitude.representations import ModelRecord, Population, open_population  # noqa: E402
from similitude.suites.language import build as building  # noqa: E402
from similitude.suites.language import records  # noqa: E402
from similitude.suites.language.build import CROSSED, FINETUNED, PRETRAINED, Site, build  # noqa: E402
from similitude.suites.language.finetune import Finetuning, finetune  # noqa: E402
from similitude.suites.language.pretrain import Pretraining, pretrain  # noqa: E402
from similitude.suites.language.sizes import SIZES, Size  # noqa: E402
from similitude.suites.language.suite import SUITE, check_spread  # noqa: E402
from similitude.suites.language.tasks import entailment, examples  # noqa: E402
from similitude.suites.language.tokens import encode, tokenizer  # noqa: E402

TINY = Size(
    pretrained=2,
    finetuned=3,
    crossed=2,
    pretraining=Pretraining(hidden=16, layers=1, heads=2, steps=4, batch=8, passages=60, gate=0.0),
    finetuning=Finetuning(examples=40, steps=4, batch=8),
    test_items=30,
    probe_items=40,
)


def quiet(what, done, total):
    pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    site = Site(home / "populations", home / "checkpoints", TINY)
    build(site, quiet, workers=1)
    return site


@pytest.fixture(scope="module")
def populations(site):
    return {name: open_population(site.populations / name) for name in (PRETRAINED, FINETUNED, CROSSED)}


@pytest.fixture(scope="module")
def best(populations):
    """The pretraining seed with the highest next-sentence accuracy, which is fine-tuned most."""
    attributes = populations[PRETRAINED].attributes
    return int(attributes["pretraining_seed"].iloc[attributes["next_sentence_accuracy"].argmax()])


@pytest.fixture(scope="module")
def first(best):
    return f"pretrained-{best:03}-finetuned-000"


def test_every_population_has_its_models(populations, best):
    assert {name: len(population.models) for name, population in populations.items()} == building.model_counts(TINY)
    assert set(populations[FINETUNED].models) & set(populations[CROSSED].models) == {
        f"pretrained-{best:03}-finetuned-000",
        f"pretrained-{best:03}-finetuned-001",
    }


def test_rows_are_the_tokens_of_the_sample(populations, first):
    representation = populations[FINETUNED].representation(first, "block1")
    assert 2000 <= representation.n <= 4000
    assert representation.d == 16
    assert list(representation.ids)[:2] == ["pair000.token00", "pair000.token01"]


def test_checkpoints_open_in_plain_transformers(site, populations, best, first):
    folder = site.finetuned(best, 0)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    words = transformers.AutoTokenizer.from_pretrained(folder)
    assert type(model).__name__ == "BertForSequenceClassification"
    pairs = examples(entailment(0.5), 5, "sample", seed=21)  # the first of the sample
    texts = [[" ".join(side) + " ." for side in (pair.first, pair.second)] for pair in pairs]
    batch = words([t[0] for t in texts], [t[1] for t in texts], padding=True, return_tensors="pt")
    assert batch["input_ids"].equal(encode(pairs)["input_ids"])
    with torch.no_grad():
        hidden = model.eval()(**batch, output_hidden_states=True).hidden_states
    tokens = hidden[1][batch["attention_mask"].bool()].numpy()
    kept = populations[FINETUNED].representation(first, "block1").values
    np.testing.assert_allclose(kept[: len(tokens)], tokens, atol=1e-5)


def test_scores_are_the_means_of_the_items(populations):
    population = populations[CROSSED]
    for functionality in ("accuracy/antonymy", "accuracy/lexical_overlap/non_entailed"):
        scores = population.scores[population.scores["functionality"] == functionality]["value"]
        np.testing.assert_allclose(population.items(functionality).mean(axis=1), scores)


def test_fine_tuned_models_have_what_behaviour_is_graded_by(site, populations, best, first):
    population = populations[FINETUNED]
    scores = population.scores[population.scores["model"] == first].set_index("functionality")["value"]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(site.finetuned(best, 0)).eval()
    for test in records.PREDICTED:
        batch = dict(records._tests(TINY.finetuning.counterexamples, TINY.test_items)[test])
        labels = batch.pop("labels").numpy()
        with torch.no_grad():
            expected = model(**batch).logits.softmax(1).numpy()
        kept = population.items(f"predictions/{test}")[list(population.models).index(first)]
        np.testing.assert_allclose(kept, expected, atol=1e-6)
        assert scores[f"accuracy/{test}"] == pytest.approx(np.mean(expected.argmax(1) == labels))
        assert scores[f"calibration_error/{test}"] == pytest.approx(calibration_error(expected, labels), abs=1e-6)
    tokens = population.representation(first, "block1").values
    assert scores["modularity"] == pytest.approx(modularity(tokens), abs=1e-6)
    assert 0 < scores["few_shot/polarity"] < 1
    for subtask in SUITE.subtasks():
        if subtask.id == "language/behaviour":
            for functionality in subtask.functionalities:
                data = GradingData.of(population, functionality, subtask.pairing)
                assert data.difference.shape == (2, 3, 3, 1)


def test_probes_read_the_projected_tokens(site, populations):
    scores = populations[PRETRAINED].scores
    found = scores[(scores["functionality"] == "probe/question") & (scores["layer"] == "block1")]
    assert sorted(found["deleted"].unique()) == [0, 2, 4, 6, 8, 10, 12, 13, 14, 15]

    # Again, token by token: project each token of each sentence, then pool.
    model = transformers.BertForPreTraining.from_pretrained(site.pretrained(0)).eval()
    basis = populations[PRETRAINED].representation("pretrained-000", "block1").values.astype(float)
    centre = basis.mean(0)
    kept = np.linalg.svd(basis - centre, full_matrices=False)[2][: 16 - 12]
    pooled, labels = [], []
    for batch in records._probe_sets(records.PROBES["question"], TINY.probe_items):
        inputs = {name: values for name, values in batch.items() if name != "labels"}
        with torch.no_grad():
            hidden = model.bert(**inputs, output_hidden_states=True).hidden_states[1].numpy()
        projected = (hidden - centre) @ kept.T
        mask = batch["attention_mask"].numpy()[:, :, None]
        pooled.append((projected * mask).sum(1) / mask.sum(1))
        labels.append(batch["labels"].numpy())
    expected = probe_correct(pooled[0], labels[0], pooled[1], labels[1], standardise=False).mean()
    row = found[(found["model"] == "pretrained-000") & (found["deleted"] == 12)]
    assert row["value"].item() == pytest.approx(expected)


def test_a_finished_build_trains_nothing(site, monkeypatch):
    def refuse(*arguments):
        raise AssertionError("trained again")

    monkeypatch.setattr(building, "pretrain", refuse)
    monkeypatch.setattr(building, "finetune", refuse)
    monkeypatch.setattr(building, "classifier_record", refuse)
    monkeypatch.setattr(building, "pretrained_record", refuse)
    build(site, quiet, workers=1)


def contents(folder):
    return {file.relative_to(folder): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_a_killed_build_resumes_to_the_same_bytes(site, tmp_path, monkeypatch):
    again = Site(tmp_path / "populations", tmp_path / "checkpoints", TINY)
    trained = []

    def dies_at_the_third(base, recipe, seed):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(seed)
        return finetune(base, recipe, seed)

    monkeypatch.setattr(building, "finetune", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        build(again, quiet, workers=1)
    monkeypatch.undo()
    assert 0 < len(open_population(again.populations / FINETUNED).models) < TINY.finetuned
    build(again, quiet, workers=1)
    assert contents(again.populations) == contents(site.populations)
    assert contents(again.checkpoints) == contents(site.checkpoints)


@pytest.mark.slow
def test_workers_change_nothing(site, tmp_path):
    again = Site(tmp_path / "populations", tmp_path / "checkpoints", TINY)
    build(again, quiet, workers=2)
    assert contents(again.populations) == contents(site.populations)
    assert contents(again.checkpoints) == contents(site.checkpoints)


def test_another_recipe_does_not_mix_in(site):
    other = Size(**{**vars(TINY), "pretraining": Pretraining(**{**vars(TINY.pretraining), "steps": 5})})
    with pytest.raises(InputError, match="trained in another way"):
        build(Site(site.populations, site.checkpoints, other), quiet, workers=1)


def test_rejected_seeds_are_skipped_and_reported(tmp_path, monkeypatch):
    accuracies = iter([0.9, 0.4, 0.8])
    monkeypatch.setattr(building, "next_sentence_accuracy", lambda model: next(accuracies))
    recipe = Pretraining(**{**vars(TINY.pretraining), "gate": 0.5})
    size = Size(**{**vars(TINY), "pretraining": recipe, "finetuned": 1, "crossed": 1})
    said = []
    site = Site(tmp_path / "populations", tmp_path / "checkpoints", size)
    build(site, lambda what, done, total: said.append(what), workers=1)
    population = open_population(tmp_path / "populations" / PRETRAINED)
    assert population.models == ("pretrained-000", "pretrained-002")
    assert site.rejected() == [1]
    assert "pretrained models (1 rejected)" in said
    assert "1 of 3 pretraining seeds were rejected" in population.description


def test_hopeless_pretraining_is_an_error(tmp_path):
    recipe = Pretraining(**{**vars(TINY.pretraining), "gate": 1.1})
    size = Size(**{**vars(TINY), "pretraining": recipe})
    with pytest.raises(DegeneratePopulation, match="Only 0 of 4 pretrained models"):
        build(Site(tmp_path / "populations", tmp_path / "checkpoints", size), quiet, workers=1)


def test_seeds_decide_and_the_global_generator_is_left_alone():
    torch.manual_seed(123)
    before = torch.get_rng_state()
    weights = [pretrain(TINY.pretraining, seed).bert.encoder.layer[0].output.dense.weight for seed in (1, 1, 2)]
    base = pretrain(TINY.pretraining, 1)
    tuned = [finetune(base, TINY.finetuning, seed).classifier.weight for seed in (1, 1, 2)]
    for first, again, other in (weights, tuned):
        assert first.equal(again)
        assert not first.equal(other)
    assert torch.get_rng_state().equal(before)
    assert base.bert.encoder.layer[0].output.dense.weight.equal(weights[0])


def population_of(items):
    models = [ModelRecord(f"m{i}", {"a": np.eye(3)}, items={"accuracy/x": row}) for i, row in enumerate(items)]
    return Population.from_records("made up", ["a"], models)


def test_a_spread_that_is_real_passes(rng):
    check_spread(population_of(rng.random((20, 500)) < np.linspace(0.2, 0.8, 20)[:, None]), "accuracy/x")


def test_no_spread_is_an_error(rng):
    with pytest.raises(DegeneratePopulation, match="standard deviation"):
        check_spread(population_of(rng.random((20, 500)) < 0.5), "accuracy/x")


def test_a_spread_of_chance_is_an_error(rng):
    with pytest.raises(DegeneratePopulation, match="reliability"):
        check_spread(population_of(rng.random((20, 15)) < 0.5), "accuracy/x")


def test_tokenizer_knows_every_word_and_marks_pairs():
    batch = encode(examples(entailment(0.1), 200, "test", seed=1))
    words = tokenizer()
    assert not (batch["input_ids"] == words.unk_token_id).any()
    assert ((batch["input_ids"] == words.pad_token_id) == (batch["attention_mask"] == 0)).all()
    second = batch["token_type_ids"].bool()
    assert (batch["input_ids"][second] == words.sep_token_id).sum() == len(second)


def test_the_suite_has_the_four_subtasks_of_the_paper_and_more(tmp_path):
    assert [subtask.id for subtask in SUITE.subtasks()] == [
        "language/seed_layer",
        "language/pc_deletion",
        "language/finetune_ood",
        "language/pretrain_finetune_ood",
        "language/behaviour",
        "language/minilm_layers",
    ]
    assert set(SIZES) == set(SUITE.scales)
    assert not SUITE.is_built(tmp_path)


def test_shared_models_are_trained_once():
    pairs = Size(pretrained=3, finetuned=4, crossed=2).finetunings([0, 2, 3])
    assert pairs == [(0, 0), (0, 1), (0, 2), (0, 3), (2, 0), (2, 1)]
    assert len(SIZES["embedded"].finetunings(list(range(10)))) == 50 + 30


def test_training_notes_are_plain_json(site):
    notes = json.loads((site.pretrained(0) / "training.json").read_text())
    assert notes["seed"] == 0
    assert notes["accepted"] is True
