"""Tiny models, built whole: what is on disk, resuming, and that seeds alone decide."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from in_process import ARITHMETIC, start_in_process  # noqa: E402

from similitude.benchmark import GradingData, calibration_error  # noqa: E402
from similitude.benchmark.functionalities.modularity import modularity  # noqa: E402
from similitude.benchmark.functionalities.probes import probe_correct  # noqa: E402
from similitude.benchmark.subtask import Grouping  # noqa: E402
from similitude.errors import DegeneratePopulation, SimilitudeWarning  # noqa: E402
from similitude.representations import ModelRecord, Population, open_population  # noqa: E402
from similitude.suites import (  # noqa: E402
    SCALES,
    Site,
    jobs,
)
from similitude.suites.language import build as building  # noqa: E402
from similitude.suites.language import records  # noqa: E402
from similitude.suites.language.build import CROSSED, FINETUNED, PRETRAINED, Zoo, build  # noqa: E402
from similitude.suites.language.finetune import Finetuning, finetune  # noqa: E402
from similitude.suites.language.pretrain import Pretraining, pretrain  # noqa: E402
from similitude.suites.language.sizes import SIZES, Size  # noqa: E402
from similitude.suites.language.suite import SUITE, check_spread  # noqa: E402
from similitude.suites.language.tasks import entailment, examples  # noqa: E402
from similitude.suites.language.tokens import encode, tokenizer  # noqa: E402

TINY = Size(
    pretrained=2,
    checkpoints=2,
    finetuned=3,
    crossed=2,
    pretraining=Pretraining(hidden=16, layers=1, heads=2, steps=4, batch=8, passages=60, gate=0.0),
    finetuning=Finetuning(examples=40, steps=4, batch=8),
    test_items=30,
    probe_items=40,
)


@pytest.fixture(autouse=True, scope="module")
def in_process():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "start_workers", start_in_process)
        patch.setattr(building, "measure_arithmetic", lambda workers, architecture: ARITHMETIC)
        yield


@pytest.fixture(scope="module")
def site(tmp_path_factory, in_process):
    site = Site(tmp_path_factory.mktemp("home"))
    build(site, TINY)
    return site


@pytest.fixture(scope="module")
def zoo(site):
    return Zoo(site, TINY, ARITHMETIC)


@pytest.fixture(scope="module")
def populations(site):
    return {name: open_population(site.folder(name)) for name in (PRETRAINED, FINETUNED, CROSSED)}


@pytest.fixture(scope="module")
def first():
    return "pretrained-000-finetuned-000"


def test_every_population_has_its_models(populations):
    assert {name: len(population.models) for name, population in populations.items()} == building.model_counts(TINY)
    assert set(populations[FINETUNED].models) & set(populations[CROSSED].models) == {
        f"pretrained-{pretrained:03}-finetuned-{finetuned:03}" for pretrained in range(2) for finetuned in range(2)
    }


def test_rows_are_the_tokens_of_the_sample(populations, first):
    representation = populations[FINETUNED].representation(first, "block1")
    assert 2000 <= representation.n <= 4000
    assert representation.d == 16
    assert list(representation.ids)[:2] == ["pair000.token00", "pair000.token01"]


def test_checkpoints_open_in_plain_transformers(zoo, populations, first):
    folder = zoo.finetuned(0, 0)
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


def test_fine_tuned_models_have_what_behaviour_is_graded_by(zoo, populations, first):
    population = populations[FINETUNED]
    scores = population.scores[population.scores["model"] == first].set_index("functionality")["value"]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(zoo.finetuned(0, 0)).eval()
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
                assert data.difference.shape == (2, 6, 6, 1)


def test_probes_read_the_projected_tokens(zoo, populations):
    scores = populations[PRETRAINED].scores
    found = scores[(scores["functionality"] == "probe/question") & (scores["layer"] == "block1")]
    assert sorted(found["deleted"].unique()) == [0, 2, 4, 6, 8, 10, 12, 13, 14, 15]

    # Again, token by token: project each token of each sentence, then pool.
    model = transformers.BertForPreTraining.from_pretrained(zoo.pretrained(0)).eval()
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
    build(site, TINY)


def contents(folder):
    return {file.relative_to(folder): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_a_killed_build_resumes_to_the_same_bytes(site, tmp_path, monkeypatch):
    again = Site(tmp_path)
    trained = []

    def dies_at_the_third(base, recipe, seed):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(seed)
        return finetune(base, recipe, seed)

    monkeypatch.setattr(building, "finetune", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        build(again, TINY)
    monkeypatch.setattr(building, "finetune", finetune)
    assert 0 < len(open_population(again.folder(FINETUNED)).models) < TINY.finetuned
    build(again, TINY)
    assert contents(again.home) == contents(site.home)


@pytest.mark.slow
def test_workers_change_nothing(tmp_path):
    found = []
    for workers in (1, 2):
        again = Site(tmp_path / str(workers), workers=workers)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(building, "start_workers", jobs.start_workers)
            build(again, TINY)
        found.append(contents(again.home))
    assert found[0] == found[1]


def test_networks_of_another_recipe_are_set_aside_and_named(site, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(site.home, home)
    before = contents(Site(home).folder(FINETUNED))
    other = replace(TINY, pretraining=replace(TINY.pretraining, steps=5))
    assert not building.is_complete(Site(home), other, FINETUNED)
    with pytest.warns(SimilitudeWarning, match=r"differs in pretraining.*language_finetuned\.superseded-1"):
        build(Site(home), other, [FINETUNED])
    assert contents(Site(home).folder(f"{FINETUNED}.superseded-1")) == before
    assert building.is_complete(Site(home), other, FINETUNED)
    assert building.is_complete(Site(home), TINY, PRETRAINED)


def test_another_draw_has_other_seeds_and_another_folder(site):
    again = Site(site.home, draw=1)
    build(again, TINY, [FINETUNED])
    models = open_population(again.folder(FINETUNED)).models
    assert models[0] == "pretrained-1000-finetuned-1000"
    assert len(models) == 6
    assert building.is_complete(site, TINY, FINETUNED)
    assert not again.folder(CROSSED).exists()


def test_rejected_seeds_are_skipped_and_reported(tmp_path, monkeypatch):
    accuracies = iter([0.9, 0.4, 0.8])
    monkeypatch.setattr(building, "next_sentence_accuracy", lambda model: next(accuracies))
    recipe = Pretraining(**{**vars(TINY.pretraining), "gate": 0.5})
    size = replace(TINY, pretraining=recipe, finetuned=1, crossed=1)
    said = []
    site = Site(tmp_path, progress=lambda what, done, total: said.append(what))
    build(site, size)
    assert open_population(site.folder(PRETRAINED)).models == ("pretrained-000", "pretrained-002")
    assert "pretrained models (1 rejected)" in said


def test_hopeless_pretraining_is_an_error(tmp_path):
    recipe = Pretraining(**{**vars(TINY.pretraining), "gate": 1.1})
    with pytest.raises(DegeneratePopulation, match="Only 0 of 4 pretrained models"):
        build(Site(tmp_path), replace(TINY, pretraining=recipe))


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
    assert [subtask.id for subtask in SUITE.subtasks()][:6] == [
        "language/seed_layer",
        "language/pc_deletion",
        "language/finetune_ood",
        "language/pretrain_finetune_ood",
        "language/behaviour",
        "language/minilm_layers",
    ]
    assert set(SIZES) == set(SCALES)
    assert not SUITE.is_built(Site(tmp_path))


def test_shared_models_are_trained_once(tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(
        building, "finetune", lambda base, recipe, seed: trained.append(seed) or finetune(base, recipe, seed)
    )
    build(Site(tmp_path), replace(TINY, finetuned=1), [FINETUNED, CROSSED])
    assert sorted(trained) == [0, 0, 1, 1]


def test_fine_tunings_of_one_checkpoint_are_a_group():
    groupings = {subtask.id: subtask.grouping for subtask in SUITE.subtasks()}
    assert (
        groupings["language/finetune_ood"] == groupings["language/behaviour"] == Grouping("pretraining_seed", "within")
    )
    assert groupings["language/pretrain_finetune_ood"] == Grouping("pretraining_seed", "across")
    assert groupings["language/seed_layer"] is None


def test_training_notes_are_plain_json(zoo):
    notes = json.loads((zoo.pretrained(0) / "training.json").read_text())
    assert notes["seed"] == 0
    assert notes["accepted"] is True
