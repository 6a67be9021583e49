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

    Attributes
    ----------
    pretraining, finetuning
        The recipes.
    pretrained
        Pretraining seeds that pass the gate.
    finetuned
        Fine-tuning seeds of the best of them.
    crossed
        Pretraining seeds, the best of them, each with as many fine-tuning seeds.
    test_items
        Test pairs of each kind.
    probe_items
        Sentences that a probe is trained on; half as many test it.
    """

    pretrained: int
    finetuned: int
    crossed: int
    pretraining: Pretraining = field(default_factory=Pretraining)
    finetuning: Finetuning = field(default_factory=Finetuning)
    test_items: int = 1000
    probe_items: int = 2000

    def finetunings(self, ranked: list[int]) -> list[tuple[int, int]]:
        """Pairs of pretraining seed (of those ranked, the best first) and fine-tuning seed, those shared only once."""
        one_checkpoint = [(ranked[0], seed) for seed in range(self.finetuned)]
        crossed = [(pretrained, seed) for pretrained in ranked[: self.crossed] for seed in range(self.crossed)]
        return list(dict.fromkeys(one_checkpoint + crossed))


SIZES: dict[Scale, Size] = {
    # To see that all works, not to grade by: learning who did what takes thousands of steps.
    "quick": Size(
        pretrained=4,
        finetuned=6,
        crossed=2,
        pretraining=Pretraining(hidden=48, layers=2, steps=300, batch=32, passages=6000, easy=0.7, gate=0.0),
        finetuning=Finetuning(examples=2000, steps=150),
        test_items=300,
        probe_items=600,
    ),
    "embedded": Size(pretrained=10, finetuned=50, crossed=6),
    "paper": Size(pretrained=10, finetuned=100, crossed=10),
}
