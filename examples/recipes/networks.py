"""The float networks of the MNIST and the spoken-digits task."""
from __future__ import annotations

from torch import nn


def block(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution, batch normalization and relu."""
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def mnist() -> nn.Sequential:
    """Images N x 1 x 28 x 28 of 0 .. 255 to logits N x 10: three convolutions and a dense layer."""
    return nn.Sequential(
        *block(1, 16, 3, 2), *block(16, 24, 3), nn.MaxPool2d(2), *block(24, 32, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 9, 10)
    )


def fsdd(width: int = 24) -> nn.Sequential:
    """Log-mel features N x 1 x 49 x 20 to logits N x 10: a DS-CNN of one convolution and three depthwise separable blocks."""
    layers = block(1, width, 5, 2)
    for _ in range(3):
        layers += [*block(width, width, 3, groups=width), *block(width, width, 1)]
    return nn.Sequential(*layers, nn.AvgPool2d((25, 10)), nn.Flatten(), nn.Linear(width, 10))
