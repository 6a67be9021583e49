"""ResNet-14: a stem, three stages of two residual blocks, and a linear read-out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from similitude.suites.vision.recipe import LAYERS

__all__ = ["ResNet14"]


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, added to their input (He et al. 2016, arXiv:1512.03385)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Feature maps to feature maps."""
        residual = self.norm2(self.conv2(functional.relu(self.norm1(self.conv1(x)))))
        return functional.relu(residual + self.shortcut(x))


class ResNet14(nn.Module):
    """Classifier of uint8 images.

    Parameters
    ----------
    width
        Channels of the first stage; the second and third have two and four times as many.
    stem_stride
        2 halves the images at once, for small machines; 1 is the original.
    classes
        Number of classes.
    mean, deviation
        Of the training images, one value a channel, with pixel values 0 to 1; inputs are standardised by them.
    """

    def __init__(
        self, width: int, stem_stride: int, classes: int, mean: Sequence[float], deviation: Sequence[float]
    ) -> None:
        super().__init__()
        self.mean: torch.Tensor
        self.deviation: torch.Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation).view(1, -1, 1, 1))
        self.stem = nn.Conv2d(len(mean), width, 3, stem_stride, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(width)
        widths = [width, width, 2 * width, 2 * width, 4 * width, 4 * width]
        inputs = [width, *widths[:-1]]
        self.blocks = nn.ModuleList(
            ResidualBlock(i, o, stride=1 if i == o else 2) for i, o in zip(inputs, widths, strict=True)
        )
        self.readout = nn.Linear(4 * width, classes)
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # missing in torch's stubs

    def feature_maps(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Output of each block, (n, channels, height, width), for images (n, height, width, channels), uint8."""
        x = (images.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.deviation
        x = functional.relu(self.stem_norm(self.stem(x)))
        maps = {}
        for layer, block in zip(LAYERS, self.blocks, strict=True):
            x = maps[layer] = block(x)
        return maps

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, (n, classes), for images (n, height, width, channels), uint8."""
        return self.readout(self.feature_maps(images)[LAYERS[-1]].mean(dim=(2, 3)))
