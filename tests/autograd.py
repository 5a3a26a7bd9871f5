"""Gradients by torch's autograd in float64, against which those of the compiler are held."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array, Graph, Node
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.softmax import Softmax
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.training import Loss, Training
from tapeout.compiler.window import Window
from tests.cases import rng_for

if TYPE_CHECKING:
    from torch import Tensor


def gradients(function: Callable[..., Any], operands: list[Array], g: Array) -> list[Array]:
    """The gradients of each operand for the gradient `g` of the function's output."""
    import torch

    tensors = [torch.tensor(np.asarray(a, np.float64), requires_grad=True) for a in operands]
    function(*tensors).backward(torch.tensor(np.asarray(g, np.float64)))
    return [np.zeros(a.shape) if t.grad is None else t.grad.numpy() for t, a in zip(tensors, operands, strict=True)]


def each(real: Callable[..., Array]) -> Callable[..., Array]:
    """A function of arrays that have a leading axis of samples, by one of single samples."""

    def over_samples(first: Array, *others: Array) -> Array:
        return np.stack([real(*operands) for operands in zip(first, *others, strict=True)])

    return over_samples


def convolved(x: Tensor, w: Tensor, window: Window, groups: int) -> Tensor:
    """conv2d of x NHWC by w OHWI."""
    import torch.nn.functional as F

    top, left, bottom, right = window.pads
    padded = F.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom))
    y = F.conv2d(padded, w.permute(0, 3, 1, 2), None, window.stride, 0, window.dilation, groups)
    return y.permute(0, 2, 3, 1)


def depthwise(x: Tensor, w: Tensor, window: Window) -> Tensor:
    """depthwise_conv2d of x NHWC by w HWO."""
    return convolved(x, w.permute(2, 0, 1)[..., None], window, x.shape[3])


def max_pooled(x: Tensor, window: Window) -> Tensor:
    """max_pool2d of x NHWC."""
    import torch.nn.functional as F

    top, left, bottom, right = window.pads
    padded = F.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom), value=-float("inf"))
    return F.max_pool2d(padded, window.kernel, window.stride, 0, window.dilation).permute(0, 2, 3, 1)


def random_windows(name: str, count: int, padded_windows: bool = True) -> Iterator[tuple[tuple[int, int, int], Window]]:
    """Numbers (images, height, width) and a window that fits them, by chance: strides, dilation, uneven pads."""
    rng, found = rng_for(name), 0
    while found < count:
        draw = [int(n) for n in rng.integers((1, 1, 1, 1, 1, 1, 1, 1, 1), (3, 9, 9, 5, 5, 4, 4, 3, 3))]
        pads = tuple(int(n) for n in rng.integers(0, 3, 4))
        window = Window((draw[3], draw[4]), (draw[5], draw[6]), (draw[7], draw[8]), (pads[0], pads[1], pads[2], pads[3]))
        try:
            window.output(draw[1], draw[2])
            if not padded_windows:
                window.taps(draw[1], draw[2])
        except TapeoutError:
            continue
        found += 1
        yield (draw[0], draw[1], draw[2]), window


def forward(graph: Graph, inputs: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Tensor:
    """The output of a float network by torch; `weights` stand for its constants."""
    import torch

    values: dict[str, Tensor] = {v.name: torch.tensor(np.asarray(v.data, np.float64)) for v in graph.values.values() if v.data is not None}
    values.update(inputs)
    values.update(weights)
    for node in graph.nodes:
        values[node.name] = applied(graph, node, [values[name] for name in node.inputs if name])
    return values[graph.output_names[0]]


def applied(graph: Graph, node: Node, operands: list[Tensor]) -> Tensor:
    """What a node of a float network computes of its operands."""
    import torch

    op, x, types = node.op, operands[0], graph.types(node)
    match op:
        case Dense():
            y = x @ operands[1].T
        case Conv2D():
            y = convolved(x, operands[1], op.window(types), op.groups)
        case DepthwiseConv2D():
            y = depthwise(x, operands[1], op.window(types))
        case Add():
            y = x + operands[1]
        case Reshape():
            y = x.reshape(op.shape)
        case Transpose():
            y = x.permute(op.perm)
        case MaxPool2D():
            y = max_pooled(x, op.window)
        case AveragePool2D():
            y = depthwise(x, torch.ones((*op.window.kernel, x.shape[3]), dtype=x.dtype), op.window)
            y = y / torch.tensor(op.window.taps(x.shape[1], x.shape[2])[:, :, None])
        case Mean():
            y = x.mean(op.axes, op.keepdims)
        case Softmax():
            y = torch.softmax(x, -1)
        case Clip():
            return torch.clamp(x, op.lo, op.hi)
        case _:
            raise NotImplementedError(op.name())
    if isinstance(op, Dense | Conv2D | DepthwiseConv2D) and len(operands) > 2:
        y = y + operands[2]
    clip = getattr(op, "clip", None)
    return y if clip is None else torch.clamp(y, clip.lo, clip.hi)


@dataclass(frozen=True)
class Trained:
    """What steps of training in float64 gave: the losses, and the weights in the end."""

    losses: Array
    weights: dict[str, Array]


def train(graph: Graph, training: Training, inputs: Mapping[str, Array], target: Array) -> Trained:
    """Steps by torch.optim.SGD, one for each batch of samples of the inputs (N, *shape) and the target, by the mean of their gradients."""
    import torch
    import torch.nn.functional as F

    names = [name for node in training.trained(graph) for name in node.inputs[1:3] if name]
    weights = {name: torch.tensor(graph.data(name).astype(np.float64), requires_grad=True) for name in names}
    optimizer = torch.optim.SGD(weights.values(), training.learning_rate, training.momentum, weight_decay=training.weight_decay)
    losses = []
    for i in range(len(target)):
        fed = {name: torch.tensor(array[i].astype(np.float64)) for name, array in inputs.items()}
        z, t = forward(graph, fed, weights), torch.tensor(target[i].astype(np.float64))
        if training.loss is Loss.MSE:
            loss = F.mse_loss(z, t)
        else:
            ended = isinstance(graph.nodes[-1].op, Softmax)
            loss = -(t * (torch.log(z) if ended else torch.log_softmax(z, -1))).sum() / (t.numel() // t.shape[-1])
        (loss / training.batch).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if (i + 1) % training.batch == 0:
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.item())
    return Trained(np.array(losses), {name: w.detach().numpy() for name, w in weights.items()})
