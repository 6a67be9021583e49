"""Callbacks of trainers count the trainer's steps."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import similitude
from similitude.errors import MissingDependency

torch = pytest.importorskip("torch")


@pytest.fixture
def monitor():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2))
    return similitude.SimilarityMonitor(net, torch.randn(40, 8), ["0", "1"], every=2, budget=None)


def test_the_trainer_of_transformers(monitor):
    transformers = pytest.importorskip("transformers")
    from transformers.trainer_callback import CallbackHandler

    callback = monitor.hf_callback()
    assert isinstance(callback, transformers.TrainerCallback)
    handler = CallbackHandler([callback], None, None, None, None)
    state, control = transformers.TrainerState(global_step=10), transformers.TrainerControl()
    handler.on_train_begin(None, state, control)
    for state.global_step in range(11, 16):
        handler.on_step_end(None, state, control)
    handler.on_train_end(None, state, control)
    assert monitor.to_frame()["step"].unique().tolist() == [10, 12, 14, 15]


@pytest.mark.filterwarnings("ignore")
def test_a_trainer_of_transformers_as_it_is(tmp_path):
    pytest.importorskip("accelerate")
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, vocab_size=50
    )

    def train(watched):
        transformers.set_seed(0)
        model = transformers.BertForSequenceClassification(config)
        tokens = torch.randint(0, 50, (64, 6))
        data = [{"input_ids": row, "attention_mask": torch.ones(6).long(), "labels": row[0] % 2} for row in tokens]
        probe = {"input_ids": tokens[:30], "attention_mask": torch.ones(30, 6).long()}
        monitor = similitude.SimilarityMonitor(model, probe, every=3, budget=None) if watched else None
        arguments = transformers.TrainingArguments(
            str(tmp_path), max_steps=8, per_device_train_batch_size=4, report_to=[], save_strategy="no", use_cpu=True
        )
        callbacks = [monitor.hf_callback()] if monitor else []
        transformers.Trainer(model, arguments, train_dataset=data, callbacks=callbacks).train()
        return monitor, model.state_dict()

    (monitor, seen), (_, plain) = train(True), train(False)
    assert monitor.to_frame()["step"].unique().tolist() == [0, 3, 6, 8]
    assert all(torch.equal(seen[key], plain[key]) for key in plain)


def test_lightning(monitor, monkeypatch):
    class Callback:
        """Stands in for the base class, where Lightning is not installed."""

    import similitude.training.callbacks as callbacks

    monkeypatch.setattr(callbacks, "_lightning", lambda: SimpleNamespace(Callback=Callback))
    callback = monitor.lightning_callback()
    trainer = SimpleNamespace(global_step=0)
    callback.on_train_start(trainer, None)
    for batch in range(12):
        trainer.global_step = (batch + 1) // 2  # gradients of two batches are added up
        callback.on_train_batch_end(trainer, None, None, None, batch)
    callback.on_train_end(trainer, None)
    assert isinstance(callback, Callback)
    assert monitor.to_frame()["step"].unique().tolist() == [0, 2, 4, 6]


@pytest.mark.filterwarnings("ignore")  # of other people's code
def test_lightning_as_it_is(tmp_path):
    lightning = pytest.importorskip("lightning.pytorch")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2))

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, index):
            return self(batch).square().mean()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    module = Module()
    monitor = similitude.SimilarityMonitor(module, torch.randn(40, 8), ["net.0"], every=2, budget=None)
    trainer = lightning.Trainer(
        max_steps=5, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        callbacks=[monitor.lightning_callback()], default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(module, torch.utils.data.DataLoader(torch.randn(40, 8), batch_size=4))
    assert monitor.to_frame()["step"].unique().tolist() == [0, 2, 4, 5]


def test_lightning_that_is_missing(monitor):
    try:
        import lightning  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(MissingDependency, match="pip install lightning"):
            monitor.lightning_callback()
