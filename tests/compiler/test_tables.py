"""Tables for 8-bit codes: ours against exact arithmetic, TFLite's against its interpreter in every byte."""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
import tflite
from tflite_micro.python.tflite_micro import runtime

from tapeout.compiler import tables
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.hard_swish import HardSwish
from tapeout.compiler.ops.leaky_relu import LeakyRelu
from tapeout.compiler.ops.sigmoid import Sigmoid
from tapeout.compiler.ops.tanh import Tanh
from tests.tflite_writer import Tensor, unary

PAIRS = 60
ALPHAS = (0.0, 0.1, 0.3, 1.0, 1.7, -0.4)


def codes(scale: float, zero: int) -> QType:
    """A format as a .tflite file holds it: its scale is a float32."""
    return QType(8, True, (float(np.float32(scale)),), (zero,))


def interpreted(code: int, x: QType, y: QType, options: str = "", fields: dict[str, float] | None = None) -> Array:
    """What TensorFlow Lite Micro gives for all 256 codes."""
    file = unary(code, Tensor("x", (256,), "int8", x.scale, x.zero), Tensor("y", (256,), "int8", y.scale, y.zero), options, fields)
    interpreter = runtime.Interpreter.from_bytes(file)
    interpreter.set_input(np.arange(-128, 128, dtype=np.int8), 0)
    interpreter.invoke()
    result: Array = interpreter.get_output(0)
    return result


@dataclass(frozen=True)
class Operator:
    """An operator of TFLite, our table for it, and the output formats that it takes."""

    name: str
    table: Callable[[QType, QType], Array]
    output: Callable[[QType, QType], QType] = lambda x, y: y
    options: str = ""
    fields: dict[str, float] = field(default_factory=dict)


def leaky_relu(alpha: float) -> Operator:
    alpha = float(np.float32(alpha))
    return Operator("LEAKY_RELU", lambda x, y: tables.tflite_leaky_relu(x, y, alpha), options="LeakyReluOptions", fields={"Alpha": alpha})


OPERATORS = [
    Operator("LOGISTIC", tables.tflite_logistic, lambda x, y: codes(1 / 256, -128)),
    Operator("TANH", tables.tflite_tanh, lambda x, y: codes(1 / 128, 0)),
    Operator("RELU", tables.tflite_relu),
    Operator("HARD_SWISH", tables.tflite_hard_swish),
    *map(leaky_relu, ALPHAS),
]


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: f"{o.name}{o.fields.get('Alpha', '')}")
def test_every_byte_is_that_of_tflite_micro(operator: Operator) -> None:
    rng = np.random.default_rng(5)
    compared = 0
    for _ in range(PAIRS):
        scales = np.exp(rng.uniform(math.log(1e-3), math.log(0.7), 2))
        zeros = rng.choice([-128, 127, 0, *rng.integers(-128, 128, 3)], 2)
        x = codes(scales[0], int(zeros[0]))
        y = operator.output(x, codes(scales[1], int(zeros[1])))
        try:
            table = operator.table(x, y)
        except TapeoutError:
            continue  # hard swish: the interpreter refuses these formats too
        expected = interpreted(getattr(tflite.BuiltinOperator, operator.name), x, y, operator.options, operator.fields)
        assert table.dtype == np.int8
        assert np.array_equal(table, expected), f"{x} to {y}: first at code {np.flatnonzero(table != expected)[0] - 128}"
        compared += 1
    assert compared > PAIRS // 2


@pytest.mark.parametrize("op", [Sigmoid(), Tanh(), LeakyRelu(0.1), HardSwish()], ids=lambda op: op.name())
@pytest.mark.parametrize(("rounding", "rounded"), [
    (Rounding.HALF_UP, lambda v: math.floor(v + 0.5)), (Rounding.HALF_EVEN, round), (Rounding.FLOOR, math.floor),
    (Rounding.HALF_AWAY, lambda v: int(math.copysign(math.floor(abs(v) + 0.5), v))),
], ids=lambda v: str(v) if isinstance(v, Rounding) else "")
def test_a_table_rounds_the_real_function(
    op: Sigmoid | Tanh | LeakyRelu | HardSwish, rounding: Rounding, rounded: Callable[[float], int]
) -> None:
    x, y = codes(0.05, 7), codes(0.01, -40)
    expected = []
    for code in range(-128, 128):
        real = float(op.real(np.array([(code - 7) * x.scale[0]]))[0]) / y.scale[0]
        expected.append(min(max(rounded(real) - 40, -128), 127))
    assert tables.from_function(op.real, x, y, rounding).tolist() == expected


def test_a_table_of_unsigned_codes_begins_at_zero() -> None:
    q = QType(8, False, (0.5,), (128,))
    assert tables.from_function(lambda x: x, q, q, Rounding.HALF_UP).tolist() == list(range(256))


def test_a_table_saturates_infinities() -> None:
    q = codes(1.0, 0)
    with np.errstate(divide="ignore"):
        table = tables.from_function(lambda x: 1 / np.where(x == 0, 0.0, 1e-30 * np.sign(x) + 0.0), q, q, Rounding.HALF_UP)
    assert set(table.tolist()) == {-128, 127}


@pytest.mark.parametrize(("make", "message"), [
    (lambda: tables.from_function(np.sqrt, codes(1, 0), codes(1, 0), Rounding.HALF_UP), "not a number at code -128"),
    (lambda: tables.from_function(np.sqrt, QType(16), codes(1, 0), Rounding.HALF_UP), "8-bit codes of one scale, got s16"),
    (lambda: tables.tflite_logistic(codes(0.1, 0), codes(0.1, -128)), "LOGISTIC of int8 has an output of scale 1/256"),
    (lambda: tables.tflite_tanh(codes(0.1, 0), codes(1 / 128, 3)), "TANH of int8 has an output of scale 1/128"),
    (lambda: tables.tflite_hard_swish(codes(0.9, 0), codes(1e-4, 0)), "HARD_SWISH of int8 takes no input of scale"),
], ids=range(5))
def test_formats_that_do_not_fit_are_refused(make: Callable[[], Array], message: str) -> None:
    with pytest.raises(TapeoutError, match=message):
        make()
