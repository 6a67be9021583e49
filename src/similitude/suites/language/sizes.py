"""How many models are built at each scale, and how each is trained."""

from __future__ import annotations

from dataclasses import dataclass, field

from similitude.suites.base import Scale
from similitude.suites.language.finetune import Finetuning
from similitude.suites.language.pretrain import Pretraining

__all__ = ["SIZES", "Size"]


@dataclass(frozen=True)
class Size:
    """The populations of a scale.

    Checkpoints are the pretrained models that pass the gate, in the order of their seeds.

    Attributes
    ----------
    pretrained
        Number of checkpoints that are a population of their own.
    checkpoints, finetuned
        Number of checkpoints that are fine-tuned, and number of fine-tuning seeds of each.
    crossed
        Number of checkpoints, each with as many fine-tuning seeds, that are compared with each other.
    pretraining, finetuning
        The recipes.
    test_items
        Number of test pairs of each kind.
    probe_items
        Number of sentences that a probe is trained on; half as many test it.
    """

    pretrained: int
    checkpoints: int
    finetuned: int
    crossed: int
    pretraining: Pretraining = field(default_factory=Pretraining)
    finetuning: Finetuning = field(default_factory=Finetuning)
    test_items: int = 1000
    probe_items: int = 2000


SIZES: dict[Scale, Size] = {
    # A smoke test: learning who did what takes thousands of steps.
    "quick": Size(
        pretrained=4,
        checkpoints=2,
        finetuned=4,
        crossed=2,
        pretraining=Pretraining(hidden=48, layers=2, steps=300, batch=32, passages=6000, easy=0.7, gate=0.0),
        finetuning=Finetuning(examples=2000, steps=150),
        test_items=300,
        probe_items=600,
    ),
    "first": Size(pretrained=0, checkpoints=2, finetuned=12, crossed=0),
    "embedded": Size(pretrained=10, checkpoints=5, finetuned=20, crossed=6),
    "standard": Size(pretrained=10, checkpoints=8, finetuned=25, crossed=8),
    "paper": Size(pretrained=10, checkpoints=10, finetuned=100, crossed=10),
}
