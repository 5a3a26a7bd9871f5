"""Cases of the RTL matrix by bit width: 1 to 16 bits, signed and unsigned, with zero points, of every op that moves or joins codes and of
layers with windows."""
from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tapeout.compiler.elementwise import SumScaling
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Op, QType
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.mean import Mean, mean_multiplier
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.pad import Pad
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.slice import Slice
from tapeout.compiler.ops.sub import Sub
from tapeout.compiler.ops.threshold import Threshold
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.window import Window
from tests.cases import Case, Constant, Input, Operand, one_node, rng_for, scaling
from tests.layers import BIPOLAR, Layer

IMAGE = (1, 5, 4, 6)
ROUNDINGS = tuple(Rounding)
WIDTHS = (
    QType(1, False, (0.5,)), QType(1, True, (0.5,)), QType(2, True, (0.5,), (1,)), QType(3, False, (0.5,), (2,)),
    QType(4, True, (0.5,), (-3,)), QType(4, False, (0.5,), (5,)), QType(8, True, (0.5,), (-128,)), QType(8, False, (0.5,), (100,)),
    QType(11, True, (0.5,), (99,)), QType(16, True, (0.5,), (-7,)),
)  # fmt: skip


def _case(op: Op, q: QType, *operands: Operand) -> Case:
    name = f"{op.name()}_width_{q.code}_{len(operands)}_{abs(q.zero[0])}"
    return Case(name, one_node(name, op, *operands))


def _sums(make: Callable[[SumScaling], Op]) -> Iterable[Case]:
    """Operands and sums of all widths that additions take, once with a ratio of scales for which they tie."""
    for number, q in enumerate(WIDTHS):
        for other in (QType(q.bits, True, (0.25,)), QType(q.bits, False, (0.37,), (1,))):
            out = QType(q.bits, q.signed, (0.9,), q.zero)
            try:
                scaled = SumScaling.of(q, other, out, ROUNDINGS[number % len(ROUNDINGS)], out.min, out.max)
                scaled.check(q, other)
            except TapeoutError:  # sums of 16 bits are of signed codes alone
                continue
            name = f"{make(scaled).name()}_width_{q.code}_{other.code}_{number}"
            yield Case(name, one_node(name, make(scaled), Input(IMAGE, q), Input(IMAGE, other)))


def _products() -> Iterable[Case]:
    for number, q in enumerate(WIDTHS):
        out = QType(4, True, (2.0,), (1,))
        stage = Requant(out, ROUNDINGS[number % len(ROUNDINGS)], -7, 6)
        yield _case(Mul(stage), q, Input(IMAGE, q), Input(IMAGE, q), *scaling([2.0 ** (3 - 2 * q.bits)]))


def _moves() -> Iterable[Case]:
    for number, q in enumerate(WIDTHS):
        yield _case(Clip(q.min + (q.bits > 1), q.max - (q.bits > 2)), q, Input(IMAGE, q))
        yield _case(Concat(3), q, Input(IMAGE, q), Input((1, 5, 4, 2), q), Input(IMAGE, q))
        yield _case(Pad((0, number % 3, 1, 2), (0, 1, 0, 2), q.max), q, Input(IMAGE, q))
        yield _case(Slice((0, 1, 1, 2), (1, 2, 3, 4), (1, 1 + number % 3, 1, 1)), q, Input(IMAGE, q))
        yield _case(Transpose(((0, 3, 1, 2), (0, 2, 1, 3))[number % 2]), q, Input(IMAGE, q))
        yield _case(MaxPool2D(Window((3, 2), (2, 1), (1, 1), (1, 1, 1, 0)), q.min, q.max), q, Input(IMAGE, q))
        thresholds = np.sort(rng_for(str(number)).integers(q.min, q.max + 2, (6, 3)), axis=1)
        t = Constant(thresholds.astype(q.dtype))
        yield _case(Threshold(QType(2), -2), q, Input(IMAGE, QType(q.bits, q.signed)), t, Constant(np.zeros(6, np.int8)))


def _reductions() -> Iterable[Case]:
    averaging = [rounding for rounding in Rounding if rounding is not Rounding.TFLITE]
    for number, q in enumerate(WIDTHS):
        window = (Window((5, 4)), Window((3, 3), (2, 1), (1, 1), (1, 2, 1, 0)), Window((2, 3), (1, 2)))[number % 3]
        yield _case(AveragePool2D(window, number % 2 == 1, averaging[number % 4], q.min, q.max), q, Input(IMAGE, q))
        mul, shift = mean_multiplier(1.1, 20)
        stage = Requant(q, ROUNDINGS[number % len(ROUNDINGS)], q.min, q.max)
        factor = Constant(np.array([mul], np.int32)), Constant(np.array([shift], np.int8))
        yield _case(Mean((1, 2), number % 2 == 0, stage), q, Input(IMAGE, q), *factor)
        wide = Requant(QType(4, True, (4.0,), (2,)), ROUNDINGS[(number + 1) % len(ROUNDINGS)], -8, 7)
        yield _case(wide, q, Input(IMAGE, q), *scaling([0.8 * 2.0 ** (3 - q.bits) / (1 + c) for c in range(6)]))


def _layer(
    name: str, op: Conv2D | DepthwiseConv2D, x: tuple[int, ...], w: tuple[int, ...], q: QType, w_q: QType, stage: str | Rounding | int
) -> Case:
    axis = 0 if isinstance(op, Conv2D) else -1
    name = f"{op.name()}_width_{name}_{q.code}_{w_q.code}_{stage}"
    bits = 31 if q.bits <= 8 else 24  # a sum of 64 bits leaves room for no more
    return Layer(name, op, lambda *_: np.zeros(()), x, w, axis, q, w_q, stage, QType(4, True) if stage != 3 else QType(2), bits=bits).case()


def _layers() -> Iterable[Case]:
    """Convolutions as keyword spotting and ResNet have them: tall kernels on one channel, strides with pads on one side, single taps."""
    weights = (QType(2), QType(4), QType(8))
    for number, q in enumerate(WIDTHS):
        w_q, stage = weights[number % 3], (Rounding.HALF_UP, 3, "raw", Rounding.TFLITE if q.bits <= 8 else Rounding.FLOOR)[number % 4]
        tall = Conv2D((2, 2), pads=(4, 1, 5, 1)), (1, 13, 6, 1), (4, 10, 4, 1)
        side = Conv2D((2, 2), pads=(0, 0, 1, 1)), (1, 6, 6, 4), (6, 3, 3, 4)
        tap = Conv2D((2, 2)), (1, 5, 5, 6), (4, 1, 1, 6)
        for name, (op, x, w) in (("tall", tall), ("side", side), ("tap", tap)):
            if (number + len(name)) % 2 or name == "tap":
                yield _layer(name, op, x, w, q, w_q, stage)
        around, thrice = DepthwiseConv2D(pads=(1, 1, 1, 1)), DepthwiseConv2D((2, 1), pads=(1, 0, 0, 1))
        yield _layer("around", around, (1, 5, 3, 4), (3, 3, 4), q, w_q, stage)
        yield _layer("thrice", thrice, (1, 4, 5, 2), (3, 2, 6), q, w_q, stage)
    yield _layer("bits", DepthwiseConv2D((1, 2)), (1, 4, 5, 6), (3, 3, 6), BIPOLAR, BIPOLAR, 3)
    yield _layer("bits", Conv2D((1, 2)), (1, 4, 5, 6), (4, 3, 3, 6), BIPOLAR, BIPOLAR, 3)


WIDTH_CASES = [*_sums(Add), *_sums(Sub), *_products(), *_moves(), *_reductions(), *_layers()]
