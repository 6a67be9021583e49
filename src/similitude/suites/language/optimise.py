"""The training loop that pretraining and fine-tuning share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from similitude.errors import require
from similitude.suites.language.tokens import Encoded

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

__all__ = ["optimise", "take"]


def take(data: Encoded, rows: Tensor) -> Encoded:
    """The rows of a batch, without the columns that are padding in all of them."""
    batch = {name: values[rows] for name, values in data.items()}
    longest = int(batch["attention_mask"].sum(1).max())
    return {name: values[:, :longest] if values.ndim == 2 else values for name, values in batch.items()}


def optimise(model: Module, loss: Callable[[], Tensor], steps: int, rate: float, warm_up: float = 0.1) -> None:
    """AdamW with gradients clipped at 1, a linear warm-up and a linear decay to zero.

    Parameters
    ----------
    model
        Trained in place, left in evaluation mode.
    loss
        Draws a batch and returns its loss.
    steps, rate
        Number of updates and the highest learning rate.
    warm_up
        Share of the steps until the rate is reached.
    """
    torch = require("torch", extra="models")
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01, fused=True)
    rising = max(1, round(warm_up * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / rising, (steps - step) / max(1, steps - rising))
    )
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval()
