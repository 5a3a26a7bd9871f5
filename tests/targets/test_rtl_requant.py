"""requant.sv against compiler/fixed.py, by random multipliers, shifts, roundings, widths and zero points."""
from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import Array, QType
from tapeout.compiler.ops.requant import Requant
from tapeout.targets.rtl.instance import Fold
from tests.cases import Case, Constant, Input, one_node, rng_for

from .rtl_matrix import Matrix, matrix
from .test_rtl_matrix import differing, simulator

ROWS = 40  # of random codes
LARGEST = (1 << 31) - 1


@dataclass(frozen=True)
class Drawn:
    """A requant: the formats of input and output, bounds, and a multiplier and a shift for each channel."""

    x: QType
    stage: Requant
    factors: tuple[tuple[int, int], ...]
    pe: int

    def case(self, name: str) -> Case:
        muls, shifts = (np.array(column) for column in zip(*self.factors, strict=True))
        constants = Constant(muls.astype(np.int32)), Constant(shifts.astype(np.int8))
        return Case(name, one_node(name, self.stage, Input((ROWS, len(muls)), self.x), *constants))

    def codes(self, name: str) -> Array:
        """Frames (2, ROWS, channels): any, and such that products lie in the middle between two codes, or beside it."""
        shape = (ROWS, len(self.factors))
        rng, x = rng_for(name), self.x
        anywhere = rng.integers(x.min, x.max + 1, shape)
        middles = [[(2 * int(k) + 1 << shift - 1) // mul if mul else 0 for mul, shift in self.factors] for k in rng.integers(-40, 40, ROWS)]
        near = np.array(middles, object) + rng.integers(-1, 2, shape) + x.zero[0]
        return np.stack([anywhere, np.clip(near, x.min, x.max).astype(np.int64)]).astype(x.dtype)


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    bits = draw(st.sampled_from([1, 2, 3, 4, 7, 8, 12, 16, 19, 27, 32]))
    signed = bits > 16 or draw(st.booleans())
    x = QType(bits, signed)
    zero = draw(st.integers(x.min, x.max)) if bits <= 16 else 0
    rounding = draw(st.sampled_from(Rounding))
    mul = st.one_of(st.integers(0, LARGEST), st.integers(1 << 30, LARGEST), st.integers(0, 9), st.integers(0, 30).map(lambda n: 1 << n))
    if rounding is not Rounding.TFLITE:
        mul = st.one_of(mul, mul.map(lambda n: -n))
    least = bits + 1 if rounding is Rounding.TFLITE else 1  # what is shifted to the left has 32 bits
    factors = draw(st.lists(st.tuples(mul, st.one_of(st.integers(least, 62), st.integers(29, 36))), min_size=1, max_size=4))
    factors = [(m, max(s, least)) for m, s in factors]
    out = QType(draw(st.integers(1, 16)), draw(st.booleans()))
    output = QType(out.bits, out.signed, (1.0,), (draw(st.integers(out.min, out.max)),))
    lo, hi = sorted((draw(st.integers(out.min, out.max)), draw(st.integers(out.min, out.max))))
    pe = draw(st.sampled_from([n for n in range(1, len(factors) + 1) if len(factors) % n == 0]))
    return Drawn(QType(bits, signed, (1.0,), (zero,)), Requant(output, rounding, lo, hi), tuple(factors), pe)


@pytest.mark.long
@settings(max_examples=4, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(drawn(), min_size=40, max_size=40))
def test_requant_equals_the_reference(stages: list[Drawn]) -> None:
    named = {f"requant_{number}": stage for number, stage in enumerate(stages)}
    made = matrix((stage.case(name), Fold(stage.pe)) for name, stage in named.items())
    inputs = {f"{name}_{Fold(stage.pe)}__x0": stage.codes(name) for name, stage in named.items()}
    tested = Matrix(made.graph, made.folding, inputs)
    with tempfile.TemporaryDirectory() as folder:
        assert differing(tested, simulator(tested, Path(folder)), 0.3) == []
