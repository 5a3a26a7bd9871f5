"""Cases of dense, conv2d and depthwise_conv2d for every way to hold activations and weights and to end a sum."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tapeout.compiler.accumulate import blocks, centred_weights
from tapeout.compiler.fixed import Rounding, multiplier
from tapeout.compiler.ir import Array, QType, Type
from tapeout.compiler.ops.requant import Requant
from tapeout.compiler.ops.threshold import Threshold

from .cases import Case, Constant, Input, Operand, one_node, random_of, rng_for

Real = Callable[..., Array]  # a layer without its stage, on reals: x, w, b
CODES = QType()
BIPOLAR = QType(1, bipolar=True, packed=True)


@dataclass(frozen=True)
class Layer:
    """A layer to be: its op without stage, shapes, formats (without the scales of weights) and how its sums end.

    `stage` is `raw`, a rounding, or the number of thresholds. `y` is the output's format, `bits` those of multipliers.
    """

    name: str
    op: Any
    real: Real
    x_shape: tuple[int, ...]
    w_shape: tuple[int, ...]
    axis: int  # of the output channels in the weights
    x: QType
    w: QType
    stage: str | Rounding | int
    y: QType = CODES
    per_channel: bool = True
    bias: int = 32  # bits, 0 for none
    x_zero: int | None = None  # a zero point that is a value
    bits: int = 31
    negative: bool = False  # multipliers of every other channel

    def case(self) -> Case:
        rng = rng_for(self.name)
        w = self._weights(rng)
        w_type = Type(self.w_shape, self._scaled(rng))
        sums = self._sum_bounds(w, w_type)
        count = self.w_shape[self.axis]
        b = self._bias(rng, count, w_type.quantized, sums)
        op, first, second = self._stage(rng, w_type, sums)
        operands: list[Operand] = [Input(self.x_shape, self.x), Constant(w, w_type.q), b, first, second]
        if self.x_zero is not None:
            operands.append(Constant(np.array([self.x_zero], np.int32)))
        while operands[-1] is None and len(operands) > 3:
            operands.pop()
        real = self._real(op) if self.x_zero is None and not self.negative else None
        return Case(self.name, one_node(self.name, op, *operands), real, tolerance=1.0 if isinstance(op.requant, Requant) else 1e-6)

    def _weights(self, rng: np.random.Generator) -> Array:
        return random_of(rng, self.w_shape, self.w)

    def _scaled(self, rng: np.random.Generator) -> QType:
        """Scales are powers of two, so that the reals of sums are exact."""
        count = self.w_shape[self.axis] if self.per_channel else 1
        if self.w.block:
            count *= -(-self.w_shape[-1] // self.w.block)
        scales = tuple(2.0 ** int(k) for k in rng.integers(-9, -5, count))
        axis = self.axis % len(self.w_shape) if self.per_channel else None
        return replace(self.w, scale=scales, zero=self.w.zero * (count if self.per_channel else 1), axis=axis)

    def _sum_bounds(self, w: Array, type: Type) -> Array:
        """What the sums of a channel (and block) reach, for activations of half their reach."""
        numbers = np.abs(centred_weights(w, type).astype(np.int64))
        reach = 1 if self.x.bipolar else max(self.x.max - self.x.zero[0], self.x.zero[0] - self.x.min)
        parts = [np.moveaxis(numbers[..., p] if self.w.block else numbers, self.axis, 0) for p in blocks(type)]
        return np.stack([p.reshape(len(p), -1).sum(1) for p in parts], -1) * reach // 2 + 1

    def _bias(self, rng: np.random.Generator, count: int, w: QType, sums: Array) -> Constant | None:
        if not self.bias:
            return None
        scales = np.array(w.scale).reshape(count if self.per_channel else 1, -1)[:, 0] * self.x.scale[0]
        q = QType(self.bias, True, tuple(map(float, scales)), (0,) * len(scales), 0 if self.per_channel else None)
        return Constant(np.array([rng.integers(-s, s + 1) for s in sums[:, 0] // 4], q.dtype), q)

    def _stage(self, rng: np.random.Generator, w: Type, sums: Array) -> tuple[Any, Constant | None, Constant | None]:
        if self.stage == "raw":
            return self.op, None, None
        count = len(sums) if self.per_channel else 1
        if isinstance(self.stage, Rounding):
            return self._requant(w, sums, count)
        wide = np.int64 if self.x.dtype.itemsize > 1 else np.int32
        t = np.sort(np.stack([rng.integers(-s // 2, s // 2 + 1, int(self.stage)) for s in sums[:count, 0]]), axis=1).astype(wide)
        t[:, -1] = t[:, max(len(t[0]) - 2, 0)]  # two alike
        descending = (np.arange(count) % 2).astype(np.int8)
        t[descending == 1] = t[descending == 1, ::-1]
        lo, step = (-1, 2) if self.y.bits == 2 and self.stage == 1 else (self.y.min, 1)
        return replace(self.op, requant=Threshold(self.y, lo, step)), Constant(t), Constant(descending)

    def _requant(self, w: Type, sums: Array, count: int) -> tuple[Any, Constant, Constant]:
        assert isinstance(self.stage, Rounding)
        scales = np.array(w.quantized.scale).reshape(count, -1) * self.x.scale[0]
        largest = (np.resize(scales, (len(sums), scales.shape[1])) * sums).sum(1).max()
        y = replace(self.y, scale=(float(largest / self.y.max),))
        signs = np.where(np.arange(count) % 2, -1, 1)[:, np.newaxis] if self.negative else 1
        pairs = [multiplier(float(s), self.bits) for s in (scales / y.scale[0]).max(1)]
        shift = np.array([s for _, s in pairs], np.int8)
        mul = np.floor(scales / y.scale[0] * 2.0 ** shift[:, np.newaxis] + 0.5).astype(np.int32) * np.int32(signs)
        op = Requant(y, self.stage, y.min + 1, y.max - 1, mul.shape[1] if len(blocks(w)) > 1 else 1)
        return replace(self.op, requant=op), Constant(mul if op.blocks > 1 else mul[:, 0]), Constant(shift)

    def _real(self, op: Any) -> Real:
        def real(x: Array, w: Array, b: Array, first: Array | None = None, *_: Array) -> Array:
            sums = self.real(replace(op, requant=None), x, w, b)
            if isinstance(op.requant, Requant):
                q = op.requant.output
                return np.clip(sums, (op.requant.lo - q.zero[0]) * q.scale[0], (op.requant.hi - q.zero[0]) * q.scale[0])
            if op.requant is None:
                return sums
            t, descending = first, (np.arange(len(first)) % 2 if first is not None else 0)
            return self._counted(op.requant, sums, np.asarray(t), np.asarray(descending))

        return None if self.w.block and self.stage == "raw" else real  # type: ignore[return-value]  # Real takes any arrays

    def _counted(self, stage: Threshold, sums: Array, t: Array, descending: Array) -> Array:
        """The codes by a plain loop over channels and thresholds; bipolar ones as reals."""
        rng = rng_for(self.name)
        self._weights(rng)
        scales = np.array(self._scaled(rng).scale) * self.x.scale[0]
        y = np.full(sums.shape, float(stage.lo))
        for o in range(sums.shape[-1]):
            channel = o if self.per_channel else 0
            for bound in t[channel] * scales[channel]:
                hit = sums[..., o] <= bound if descending[channel] else sums[..., o] >= bound
                y[..., o] += stage.step * hit
        return 2 * y - 1 if stage.output.bipolar else y
