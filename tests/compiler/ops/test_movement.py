"""What the ops of data movement, quantization and unary functions refuse, and how copies join their axes."""
from __future__ import annotations

import math

import numpy as np
import pytest

from tapeout.compiler.elementwise import SumScaling
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Op, QType, Type
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.dequantize import Dequantize
from tapeout.compiler.ops.leaky_relu import LeakyRelu
from tapeout.compiler.ops.lut import Lut
from tapeout.compiler.ops.pad import Pad
from tapeout.compiler.ops.quantize import Quantize
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.sigmoid import Sigmoid
from tapeout.compiler.ops.slice import Slice
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.strides import Copy, contiguous, merge

S8, SUMS = QType(8, True, (0.1,), (3,)), QType(32)
X, XF = Type((2, 3), S8), Type((2, 3), F32)
ONE, SHIFT = Type((1,), SUMS), Type((1,), QType(8))
MANY = Type((2,) * 7, F32)

REFUSED = [
    (Add(SumScaling.of(S8, S8, QType(12))), (X, X), "held as s8 and s8 added into s16"),
    (Add(SumScaling.of(QType(16), QType(16), QType(16))), (Type((2, 3), QType(16)), X), "held as s16 and s8 added into s16"),
    (Clip(2, 1), (XF,), "hold nothing"),
    (Clip(math.nan, 1), (XF,), "hold nothing"),
    (Clip(0.5, 1), (X,), "no codes"),
    (Clip(200, 300), (X,), "leaves no code"),
    (Concat(2), (X, X), "axis 2"),
    (Concat(0), (X, XF), "one format"),
    (Concat(0), (X, Type((2, 4), S8)), "differ in another axis"),
    (Concat(0), (X,) * 17, "1 to 16 inputs"),
    (Concat(0), (X, None), "1 to 16 inputs"),
    (Dequantize(), (XF,), "codes of up to 16 bits or sums of 32 or 64, got f32"),
    (Dequantize(), (Type((2,), QType(8, True, (1.0, 2.0), (0, 0), 0)),), "one scale"),
    (LeakyRelu(math.inf), (XF,), "no finite float32"),
    (Lut("f"), (XF, Type((256,), S8)), "8-bit codes"),
    (Lut("f"), (X, Type((255,), S8)), "table of 256"),
    (Pad((1,), (1,), 0), (X,), "two counts for each axis"),
    (Pad((0, -1), (0, 0), 0), (X,), "no negative counts"),
    (Pad((0, 1), (0, 0), 128), (X,), "no code of s8"),
    (Pad((0, 1), (0, 0), 0.5), (X,), "no code of s8"),
    (Pad((1,) * 7, (0,) * 7, 0), (MANY,), "7 axes, more than 5"),
    (Quantize(S8), (X,), "takes float32"),
    (Quantize(S8, Rounding.TFLITE), (XF,), "rounds products"),
    (Quantize(QType(8, True, (0.0,), (0,))), (XF,), "no positive normal float32"),
    (Quantize(QType(8, True, (math.nan,), (0,))), (XF,), "no positive normal float32"),
    (Quantize(QType(8, True, (1.0,), (200,))), (XF,), "does not hold"),
    (Requant(S8, lo=5, hi=4), (X, ONE, SHIFT), "does not hold"),
    (Requant(S8), (X, Type((2,), SUMS), Type((2,), QType(8))), "one per channel"),
    (Requant(S8), (XF, ONE, SHIFT), "takes integer codes"),
    (Requant(S8), (Type((2,), QType(32, True, (1.0,), (7,))), ONE, SHIFT), "zero point 7"),
    (Reshape((5,)), (X,), "number of elements"),
    (Reshape((-1, 6)), (X,), "number of elements"),
    (Sigmoid(), (X,), "take a lut"),
    (Slice((0,), (1,), (1,)), (X,), "for each axis"),
    (Slice((0, 2), (2, 2), (1, 1)), (X,), "axis 1 has no 2 element"),
    (Slice((0, 0), (2, 2), (1, -1)), (X,), "axis 1 has no 2 element"),
    (Slice((0, 0), (2, 1), (1, 0)), (X,), "axis 1 has no 1 element"),
    (Transpose((0, 0)), (X,), "no order of its axes"),
    (Transpose((6, 5, 4, 3, 2, 1, 0)), (MANY,), "7 axes, more than 5"),
]


@pytest.mark.parametrize(("op", "types", "message"), REFUSED, ids=lambda v: v.name() if isinstance(v, Op) else "")
def test_operands_that_do_not_fit_are_refused(op: Op, types: tuple[Type | None, ...], message: str) -> None:
    with pytest.raises(TapeoutError, match=message):
        op.infer(types)


def test_a_walk_joins_axes_that_lie_as_one_in_every_view() -> None:
    shape = (2, 1, 3, 4)
    dense, padded = contiguous(shape), contiguous((2, 1, 5, 4))
    assert merge(list(zip(shape, dense, dense, strict=True)), 2) == ((1, 1, 1, 1, 24), (0, 0, 0, 0, 1), (0, 0, 0, 0, 1))
    assert merge(list(zip(shape, dense, padded, strict=True)), 2) == ((1, 1, 1, 2, 12), (0, 0, 0, 12, 1), (0, 0, 0, 20, 1))
    assert merge([(1, 1), (1, 1)], 1) == ((1,) * 5, (0,) * 5)


def test_dead_axes_of_a_copy_come_first() -> None:
    assert Copy((3, 2), (1, 3), (2, 1), 5).params() == {
        "shape": (1, 1, 1, 3, 2), "x_stride": (0, 0, 0, 1, 3), "y_stride": (0, 0, 0, 2, 1), "x_offset": 5, "y_offset": 0,
    }


def test_quantize_rounds_ties_as_declared() -> None:
    x = np.array([[0.5, 1.5, -0.5, -1.5, 2.5, np.nan, np.inf, -np.inf, 3e38]], np.float32)
    types = (Type((9,), F32),)
    even = Quantize(QType(8, True, (1.0,), (1,)), Rounding.HALF_EVEN).ref(types, x)[0]
    away = Quantize(QType(8, True, (1.0,), (1,)), Rounding.HALF_AWAY).ref(types, x)[0]
    assert even.tolist() == [[1, 3, 1, -1, 3, 1, 127, -128, 127]]
    assert away.tolist() == [[2, 3, 0, -1, 4, 1, 127, -128, 127]]
