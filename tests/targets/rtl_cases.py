"""Layers of few bits for the RTL matrix: widths of inputs and weights, output stages, folds."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.accumulate import Stage
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Builder, QType, Type
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.threshold import Threshold
from tapeout.targets.rtl.instance import Fold
from tests.cases import Case, make_graph, random_of, rng_for
from tests.layers import BIPOLAR

ROWS, INPUTS, OUTPUTS = 2, 12, 6
FOLDS = (Fold(1, 1), Fold(2, 3), Fold(6, 4), Fold(3, 12), Fold(6, 12), Fold(1, 6))
ROUNDINGS = (Rounding.FLOOR, Rounding.HALF_UP, Rounding.HALF_AWAY, Rounding.HALF_EVEN)


def few_bits(number: int, x: QType, w: QType, stage: str) -> tuple[Case, Fold]:
    """A layer with this number in the list, which decides its fold and its rounding."""
    name = f"dense_few_{number}_{x.code}_{w.code}_{stage}"
    rng, builder = rng_for(name), Builder()
    builder.input("x", Type((ROWS, INPUTS), x))
    builder.constant("w", random_of(rng, (OUTPUTS, INPUTS), w), w)
    bias = "" if x.bipolar else builder.constant("b", rng.integers(-99, 100, OUTPUTS).astype(np.int32), QType(32))
    reach = INPUTS * max(abs(x.min), abs(x.max)) * max(abs(w.min), abs(w.max)) // 4 + 4
    made: Stage | None = None
    inputs = ["x", "w", bias]
    if stage == "threshold":
        steps = np.sort(rng.integers(-reach, reach + 1, (OUTPUTS, 3)), axis=1)
        descending = rng.integers(0, 2, OUTPUTS)
        t = np.where(descending[:, None] != 0, steps[:, ::-1], steps)
        inputs += [builder.constant("t", t.astype(np.int32)), builder.constant("d", descending.astype(np.int8))]
        made = Threshold(QType(2, number % 2 == 0), -2 if number % 2 == 0 else 0)
    elif stage == "requant":
        mul, shift = rng.integers(1, 9, OUTPUTS).astype(np.int32), np.full(OUTPUTS, int(reach).bit_length() + 1, np.int8)
        shift[::2] -= 1
        inputs += [builder.constant("m", mul), builder.constant("s", shift)]
        made = Requant(QType(4, True, (1.0,), (1,)), ROUNDINGS[number % 4], -7, 7)
    builder.add(Dense(made), inputs, "y")
    return Case(name, make_graph(name, builder, ["x"], ["y"])), FOLDS[number % len(FOLDS)]


def _all() -> list[tuple[Case, Fold]]:
    numbers = [(QType(bits, signed), QType(w)) for bits, signed, w in (
        (2, True, 2), (1, False, 3), (3, True, 4), (3, False, 2), (4, True, 3), (6, False, 6), (5, True, 5), (8, True, 8), (7, False, 2),
    )]  # fmt: skip
    stages = ("requant", "threshold", "raw")
    found = [few_bits(i, x, w, stages[i % 3]) for i, (x, w) in enumerate(numbers)]
    found += [few_bits(9 + i, BIPOLAR, BIPOLAR, stage) for i, stage in enumerate(("threshold", "raw", "requant"))]
    ternary = QType(2, narrow=True)
    return [*found, few_bits(12, ternary, ternary, "threshold"), few_bits(13, QType(2), QType(2), "threshold")]


FEW_BITS = _all()
