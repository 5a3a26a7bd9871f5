"""Training a quantized network: data, loss, epochs, checkpoints that resume bit for bit, and several processes under torchrun.

The loop is our own because an epoch has to be the same bits whether or not it follows an interruption: what is random in an epoch follows
from the seed and the epoch's number alone.
"""
from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.nn import functional as F

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array, QType

from .layers import Network

_TEMPERATURE = 2.0  # of distillation (arXiv 1503.02531)
_WARM_UP = 0.05  # share of all steps in which the learning rate rises


class Loss(StrEnum):
    CROSS_ENTROPY = "cross_entropy"
    MSE = "mse"


@dataclass(frozen=True)
class TrainOptions:
    """How to train. `distill` is the share of the loss that compares with the float network; `patience` the number of epochs without a
    better validation result after which training ends, 0 for none."""

    epochs: int = 10
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    optimizer: str = "adam"
    loss: Loss = Loss.CROSS_ENTROPY
    distill: float = 0.0
    augment: tuple[str, ...] = ()
    patience: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Split:
    """Samples (N, ...) in the layout of the graph's input, of any number type, and labels (N) or targets (N, ...)."""

    x: Tensor
    y: Tensor
    factor: float = 1.0  # what makes of an element the number that the network takes: (x * factor - mean) / deviation
    mean: float = 0.0
    deviation: float = 1.0

    def first(self, count: int) -> Tensor:
        """The first samples, as many as there are."""
        return self.batch(torch.arange(min(count, len(self.x))))

    def batch(self, index: Tensor) -> Tensor:
        x = self.x[index].float() * self.factor
        return (x - self.mean) / self.deviation


@dataclass
class History:
    """One entry per epoch, and the number of the best, from 0."""

    loss: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)  # accuracy, or minus the mean squared error
    best: int = -1


def train(
    network: Network, teacher: Network | None, data: Split, validation: Split, options: TrainOptions, checkpoint: Path,
    resume: bool = False, tell: Callable[[int, int, float], None] = lambda epoch, step, loss: None,
) -> History:
    """Trains in place and leaves the parameters of the best epoch; `checkpoint` is written after each epoch.

    With `resume` it goes on from `checkpoint`, to the same bits as without the interruption. Under torchrun each process takes its part
    of every batch, gradients are averaged and process 0 writes. Raises TapeoutError for a checkpoint of another network or other options.
    """
    rank, world = process()
    told = _told(network, data, options)
    optimizer = _optimizer(network, options)
    total = len(batches(len(data.x), options, 0, world)) * options.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, total))
    history, best, first = History(), {k: v.clone() for k, v in network.state_dict().items()}, 0
    if resume:
        history, best, first = _restore(checkpoint, network, optimizer, schedule, told)
    settled = history.best >= 0
    for epoch in range(first, options.epochs):
        network.schedule(epoch, options.epochs)
        network.train()
        losses = []
        for step, index in enumerate(batches(len(data.x), options, epoch, world)):
            own = index[rank::world]
            x, y = data.batch(own), data.y[own]
            x = augmented(x, options.augment, np.random.default_rng([options.seed, epoch, step, rank]))
            optimizer.zero_grad()
            loss = _loss(network, teacher, x, y, options)
            if not torch.isfinite(loss):
                raise TapeoutError(f"the loss is {loss.item()} in epoch {epoch + 1}, step {step + 1}; lower --learning-rate")
            (loss * (len(own) * world / len(index))).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            _average(network, world)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            tell(epoch, step, losses[-1])
        _same_statistics(network, world)
        history.loss.append(float(np.mean(losses)))
        history.validation.append(evaluate(network, validation, options.loss))
        final = network.settled
        if final and (not settled or history.validation[-1] > history.validation[history.best]):
            history.best, settled = epoch, True
            best = {k: v.clone() for k, v in network.state_dict().items()}
        if rank == 0:
            _save(checkpoint, network, optimizer, schedule, history, best, told)
        if options.patience and final and epoch - history.best >= options.patience:
            break
    network.load_state_dict(best)
    network.schedule(options.epochs - 1, options.epochs)
    network.eval()
    return history


def evaluate(network: Network, split: Split, loss: Loss, batch: int = 512) -> float:
    """The share of samples whose largest output is the label's, or minus the mean squared error; ties go to the first output."""
    network.eval()
    total = 0.0
    with torch.no_grad():
        for index in torch.split(torch.arange(len(split.x)), batch):
            (output,) = network(split.batch(index))
            y = split.y[index]
            if loss is Loss.MSE:
                total -= float(F.mse_loss(output, y.reshape(output.shape).float(), reduction="sum")) / output[0].numel()
            else:
                total += float((output.reshape(len(y), -1).argmax(1) == y).sum())
    return total / len(split.x)


def augmented(x: Tensor, names: tuple[str, ...], random: np.random.Generator) -> Tensor:
    """Images (N, H, W, C), each mirrored with probability 1/2 (`flip`) and moved by up to an eighth of its size (`crop`)."""
    if "flip" in names:
        mirrored = torch.from_numpy(random.random(len(x)) < 0.5)
        x = torch.where(mirrored[:, None, None, None], x.flip(2), x)
    if "crop" in names:
        height, width = x.shape[1:3]
        reach = (max(1, height // 8), max(1, width // 8))
        padded = F.pad(x, (0, 0, reach[1], reach[1], reach[0], reach[0]))
        tops = torch.from_numpy(random.integers(0, 2 * reach[0] + 1, len(x)))
        lefts = torch.from_numpy(random.integers(0, 2 * reach[1] + 1, len(x)))
        rows = (tops[:, None] + torch.arange(height))[:, :, None]
        columns = (lefts[:, None] + torch.arange(width))[:, None, :]
        x = padded[torch.arange(len(x))[:, None, None], rows, columns]
    return x


def _loss(network: Network, teacher: Network | None, x: Tensor, y: Tensor, options: TrainOptions) -> Tensor:
    (output,) = network(x)
    if options.loss is Loss.MSE:
        return F.mse_loss(output, y.reshape(output.shape).float())
    logits = output.reshape(len(y), -1)
    loss = F.cross_entropy(logits, y)
    if teacher is None or not options.distill:
        return loss
    with torch.no_grad():
        (wanted,) = teacher(x)
    target = F.softmax(wanted.reshape(len(y), -1) / _TEMPERATURE, 1)
    divergence = F.kl_div(F.log_softmax(logits / _TEMPERATURE, 1), target, reduction="batchmean") * _TEMPERATURE**2
    return (1 - options.distill) * loss + options.distill * divergence


def _optimizer(network: nn.Module, options: TrainOptions) -> torch.optim.Optimizer:
    """Weights decay; scales, biases and batch norms do not."""
    weights = [p for p in network.parameters() if p.requires_grad and p.dim() > 1]
    others = [p for p in network.parameters() if p.requires_grad and p.dim() <= 1]
    groups: list[dict[str, Any]] = [{"params": weights, "weight_decay": options.weight_decay}, {"params": others, "weight_decay": 0.0}]
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, options.learning_rate, momentum=0.9)
    return torch.optim.AdamW(groups, options.learning_rate)


def _rate(step: int, total: int) -> float:
    """The share of the learning rate at a step: a short rise, then a half cosine down to 0."""
    rise = max(1, int(_WARM_UP * total))
    return min((step + 1) / rise, 0.5 * (1 + math.cos(math.pi * step / max(1, total))))


def batches(count: int, options: TrainOptions, epoch: int, world: int = 1) -> list[Tensor]:
    """The samples of each step of an epoch. A last step without two samples for each process, which batch norms need, is left out."""
    order = np.random.default_rng([options.seed, epoch]).permutation(count)
    found = list(torch.split(torch.from_numpy(order), options.batch))
    return found[:-1] if len(found) > 1 and len(found[-1]) < 2 * world else found


# several processes


def process() -> tuple[int, int]:
    """The number of this process and of all; joins the others when torchrun started it."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1 and not distributed.is_initialized():
        distributed.init_process_group("gloo")
    return int(os.environ.get("RANK", "0")), world


def _average(network: nn.Module, world: int) -> None:
    if world > 1:
        for parameter in network.parameters():
            if parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= world


def _same_statistics(network: nn.Module, world: int) -> None:
    """Batch norms of all processes take over the statistics of process 0."""
    if world > 1:
        for buffer in network.buffers():
            distributed.broadcast(buffer, 0)


# checkpoints


def _save(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler, history: History,
    best: Mapping[str, Tensor], told: Mapping[str, Any],
) -> None:
    """Writes the checkpoint beside its place and moves it there, so that an interruption leaves the last one whole."""
    state = {
        "network": network.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "best": dict(best),
        "history": asdict(history), "options": dict(told),
    }  # fmt: skip
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _restore(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler,
    told: Mapping[str, Any],
) -> tuple[History, dict[str, Tensor], int]:
    try:
        state = torch.load(path, weights_only=True)
        known = dict(state["options"])
    except (OSError, RuntimeError, KeyError, ValueError, EOFError, UnpicklingError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise TapeoutError(f"{path}: no checkpoint to resume from ({reason})") from None
    different = [key for key, value in told.items() if known.get(key) != value]
    if different:
        raise TapeoutError(f"{path}: was trained with another {different[0]}, {known.get(different[0])}; resume with the same options")
    try:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError):
        raise TapeoutError(f"{path}: is the checkpoint of another network or recipe") from None
    schedule.load_state_dict(state["schedule"])
    history = History(**state["history"])
    return history, state["best"], len(history.loss)


def _told(network: Network, data: Split, options: TrainOptions) -> dict[str, Any]:
    """All that has to be the same when training goes on."""
    formats = [(name, f.rounding.value, str(replace(f.output, scale=(), zero=()) if isinstance(f.output, QType) else f.output))
               for name, f in network.initial.items()]  # fmt: skip
    recipe = hashlib.sha256(repr(formats).encode()).hexdigest()[:16]
    plain = {**asdict(options), "loss": options.loss.value, "augment": list(options.augment)}  # what torch.load takes with weights_only
    return {"recipe": recipe, "number of samples": len(data.x), **plain}


def as_split(x: Array, y: Array, factor: float = 1.0, mean: float = 0.0, deviation: float = 1.0) -> Split:
    """Arrays as a split; labels become 64-bit integers, targets stay floats."""
    labels = torch.from_numpy(np.ascontiguousarray(y))
    return Split(torch.from_numpy(np.ascontiguousarray(x)), labels.long() if y.dtype.kind in "iu" else labels, factor, mean, deviation)
