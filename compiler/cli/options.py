"""Parsing of options that several commands share."""
from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import TapeoutError

if TYPE_CHECKING:
    from tapeout.quant.options import QuantizeOptions
    from tapeout.targets.hardware import DesignOptions

    from ..ir import QType
    from ..training import Method, Training

weights_option = click.option(
    "--weights", type=click.Path(path_type=Path), metavar="W.pt", help="State dict of a model given as package.module:factory.",
)

calibration_option = click.option(
    "--calibration", type=click.Choice(["minmax", "percentile", "mse", "entropy"]), default="mse", show_default=True,
    help="How activation ranges follow from the data.",
)
improve_option = click.option(
    "--improve", default="", metavar="I,...", help="What betters weights and biases: equalize, adaround, correct-bias.",
)


_MOST_STEPS = 1 << 20  # of a batch
_TRAINING = (
    click.option("--training", type=click.Choice(["sgd", "ff", "cff", "pepita"]),
                 help="Emit a step of training: back-propagation in float32 or a --recipe of floats, or forward only in float32."),
    click.option("--threshold", type=float, metavar="T",
                 help="Of --training ff and cff: the goodness that tells samples apart; 1 when not given."),
    click.option("--loss", type=click.Choice(["cross-entropy", "mse"]), help="Of --training: the loss, cross-entropy when not given."),
    click.option("--update", metavar="L,...",
                 help="Of --training: the layers that it trains: last:K, or names; all when not given."),
    click.option("--learning-rate", type=float, metavar="R", help="Of --training: how far weights move; 0.01 when not given."),
    click.option("--momentum", type=float, metavar="M", help="Of --training: how much of the last step each keeps; 0 when not given."),
    click.option("--weight-decay", type=float, metavar="D",
                 help="Of --training: how much weights add to their gradients; 0 when not given."),
    click.option("--master-weights", is_flag=True, help="Of --training: hold weights of 16 bits in float32, rounded for each step."),
    click.option("--loss-scale", type=float, metavar="S",
                 help="Of --training: compute gradients of the loss times S, by which updates divide; 1 when not given."),
    click.option("--batch", type=int, metavar="N", help="Of --training: an update at every Nth step, with the mean of their gradients."),
)


def training_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a training step."""
    for option in reversed(_TRAINING):
        command = option(command)
    return command


def parse_training(
    training: str | None, loss: str | None, update: str | None, learning_rate: float | None, momentum: float | None,
    weight_decay: float | None, master_weights: bool, loss_scale: float | None, batch: int | None,
    threshold: float | None,
) -> Training | None:
    """What these options say, None without --training. Raises TapeoutError for one that is out of range or without it."""
    from ..training import Loss, Method, Training

    numbers = {"learning_rate": learning_rate, "momentum": momentum, "weight_decay": weight_decay, "threshold": threshold}
    others = {"loss": loss, "update": update, "master_weights": master_weights or None, "loss_scale": loss_scale, "batch": batch}
    given = {name: value for name, value in {**numbers, **others}.items() if value is not None}
    if training is None:
        for name in given:
            raise TapeoutError(f"--{name.replace('_', '-')}: says how weights are trained; give --training sgd")
        return None
    for name, value in numbers.items():
        if value is not None and not 0 <= value < math.inf:
            raise TapeoutError(f"--{name.replace('_', '-')} {value}: takes a number from 0 on")
    if loss_scale is not None and not 0 < loss_scale < math.inf:
        raise TapeoutError(f"--loss-scale {loss_scale}: takes a number above 0")
    if batch is not None and not 1 <= batch <= _MOST_STEPS:
        raise TapeoutError(f"--batch {batch}: takes 1 to {_MOST_STEPS} steps")
    _check_method(Method(training), given)
    default = Training()
    return Training(
        Loss(loss or default.loss), update or default.update, default.learning_rate if learning_rate is None else learning_rate,
        momentum or default.momentum, weight_decay or default.weight_decay, master_weights, loss_scale or default.loss_scale,
        batch or default.batch, Method(training), default.threshold if threshold is None else threshold,
    )


def _check_method(method: Method, given: Mapping[str, object]) -> None:
    """Raises TapeoutError for an option that the method does not know."""
    from ..training import Method

    backward = ("momentum", "weight_decay", "master_weights", "loss_scale", "batch")
    foreign = {Method.SGD: ("threshold",), Method.PEPITA: ("threshold", *backward)}.get(method, ("loss", *backward))
    for name in foreign:
        if name in given:
            raise TapeoutError(f"--{name.replace('_', '-')}: --training {method} has no such thing; leave it out")


_DESIGN = (
    click.option("--stream/--no-stream", default=None, help="Of designs: tensors pass from layer to layer element by element."),
    click.option("--reuse-factor", type=click.IntRange(1), metavar="N", help="Of designs: multiplications that share a multiplier."),
    click.option("--strategy", metavar="S", help="Of designs: how constants are multiplied: latency, resource, distributed-arithmetic."),
    click.option("--fold", "folds", multiple=True, metavar="LAYER=PExSIMD", help="Of designs: the parallel hardware of a layer."),
    click.option("--part", metavar="P", help="Of designs: the device that the project is for."),
    click.option("--clock-ns", type=click.FloatRange(0, min_open=True), metavar="T", help="Of designs: the clock period asked for."),
    click.option("--fifo", "fifos", multiple=True, metavar="exact|NAME=BEATS",
                 help="Of designs: the depth of a queue between layers; exact: the least that keep the pace, found by simulation."),
    click.option("--weight-memory", type=click.Choice(["rom", "loadable"]),
                 help="Of designs: whether weights stay as they are, or a register port (AXI4-Lite) can load others at run time."),
)


def design_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of designs of hardware."""
    for option in reversed(_DESIGN):
        command = option(command)
    return command


def parse_design(
    stream: bool | None = None, reuse_factor: int | None = None, strategy: str | None = None, folds: tuple[str, ...] = (),
    part: str | None = None, clock_ns: float | None = None, fifos: tuple[str, ...] = (), weight_memory: str | None = None,
) -> DesignOptions:
    """What these options say; each target says which of them it takes."""
    from tapeout.targets.hardware import DesignOptions

    return DesignOptions(stream, reuse_factor, strategy, folds or None, part, clock_ns, fifos or None, weight_memory)


def parse_quantize_options(calibration: str, improve: str) -> QuantizeOptions:
    """The options of quantization after training of two texts, the second one like `equalize,adaround`. Raises TapeoutError."""
    from tapeout.quant.options import Calibration, Improvement, QuantizeOptions

    known = [i.value for i in Improvement]
    names = [n for n in improve.split(",") if n]
    for name in names:
        if name not in known:
            raise TapeoutError(f"--improve {name}: there are {', '.join(known[:-1])} and {known[-1]}")
    return QuantizeOptions(Calibration(calibration), improve=tuple(i for i in Improvement if i.value in names))


def parse_pins(texts: Sequence[str]) -> dict[str, str]:
    """The kernels of texts like `conv1=conv2d_s8_pairs`, by node name. Raises TapeoutError."""
    pins: dict[str, str] = {}
    for text in texts:
        node, _, symbol = text.rpartition("=")
        if not node or not symbol:
            raise TapeoutError(f"--kernel {text!r}: write NODE=SYMBOL, as the report names them")
        if node in pins:
            raise TapeoutError(f"--kernel {text!r}: the kernel of {node} is given twice")
        pins[node] = symbol
    return pins


def parse_input_types(texts: Sequence[str]) -> dict[str, QType]:
    """The formats of texts like `image=fixed<16,6>` by input name, "" where a text names none. Raises TapeoutError.

    `fixed<W,I>` has W bits, I of them before the point, the sign included, and `ufixed<W,I>` no sign, as ap_fixed of C++ has them.
    """
    from ..ir import QType

    formats: dict[str, QType] = {}
    for text in texts:
        match = re.fullmatch(r"(?:(.+)=)?(u?)fixed<([1-9]\d?),(-?\d{1,2})>", text)
        if not match or not 2 <= int(match[3]) <= 16:
            raise TapeoutError(f"--input-type {text!r}: write NAME=fixed<W,I> or NAME=ufixed<W,I>, with 2 to 16 bits W")
        name = match[1] or ""
        if name in formats:
            raise TapeoutError(f"--input-type {text!r}: the type of {name or 'the input'} is given twice")
        formats[name] = QType(int(match[3]), not match[2], (2.0 ** (int(match[4]) - int(match[3])),))
    return formats


def parse_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The shapes of texts like `image=1x28x28x1`, by input name. Raises TapeoutError."""
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        match = re.fullmatch(r"(.+)=([1-9]\d*(?:x[1-9]\d*)*)", text)
        if not match:
            raise TapeoutError(f"--shape {text!r}: write NAME=1x28x28x1, all sizes at least 1")
        if match[1] in shapes:
            raise TapeoutError(f"--shape {text!r}: the shape of {match[1]} is given twice")
        shapes[match[1]] = tuple(int(n) for n in match[2].split("x"))
    return shapes
