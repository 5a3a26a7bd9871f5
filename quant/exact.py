"""An annotated graph in torch, as integers compute it: the model in float64 that integer execution is compared with, code by code."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from tapeout.compiler.codes import spread
from tapeout.compiler.fixed import Rounding, multiplier, round_half_away
from tapeout.compiler.integer.layers import FEW_LEVELS
from tapeout.compiler.ir import Array, Graph, Node, QType
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.pad import Pad
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.slice import Slice
from tapeout.compiler.ops.transpose import Transpose

from .placement import LAYERS
from .scheme import DYADIC_BITS
from .torch_ops import OPS, clipped, dynamic_scale, layer_sums, whole

_MOVING = (Reshape, Transpose, Slice, MaxPool2D, Pad)  # leave codes what they are
_SAME = 1e-12  # relative: what products of scales in float64 may be off the ratio that is meant


@dataclass(frozen=True)
class _Format:
    """Of a value that holds codes: reals are whole numbers times `scale`, one or one for each sample (N)."""

    q: QType
    scale: Tensor

    def spread(self, x: Tensor) -> Tensor:
        return self.scale.reshape(-1, *(1,) * (x.dim() - 1))


@dataclass(frozen=True)
class _Sums:
    """What a layer gives: whole numbers (N, ..., C, B), in units of `scale` (C, B) times that of the input, and a bias (C) in reals."""

    whole: Tensor
    scale: Array
    x: _Format
    bias: Array | None
    exact_bias: bool  # it has a quantizer, so it is a whole number of units
    clip: Clip | None


class ExactNetwork(nn.Module):
    """An annotated graph whose layers have constant weights. Inputs (N, ...) and outputs (N, ...) in float64, NHWC.

    A layer over codes sums whole numbers, which float64 holds exactly, and multiplies by the ratio of scales once: by m / 2**s in integers
    where the ratio is that with m < 2**15, powers of two among them, so that ties are ties; by a float64 for other scales. Codes of up to
    four bits behind a layer, all codes of floats and all dynamic ones are what float32 arithmetic gives, operation by operation.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self.producers = {name: node for node in graph.nodes for name in node.outputs}

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        values, _ = self._run(inputs)
        return tuple(values[name] for name in self.graph.output_names)

    def codes(self, *inputs: Tensor) -> dict[str, Tensor]:
        """The codes less their zero point, (N, ...), of each value before an integer quantizer, by its name."""
        values, formats = self._run(inputs)
        names = {node.name: node.inputs[0] for node in self.graph.nodes if isinstance(node.op, FakeQuantize) and node.name in formats}
        return {names[name]: self._whole(values[name], formats[name]) for name in names}

    @torch.no_grad()
    def _run(self, inputs: tuple[Tensor, ...]) -> tuple[dict[str, Tensor], dict[str, _Format]]:
        values: dict[str, Tensor] = dict(zip(self.graph.input_names, (x.double() for x in inputs), strict=True))
        formats: dict[str, _Format] = {}
        sums: dict[str, _Sums] = {}
        for node in self.graph.nodes:
            if isinstance(node.op, FakeQuantize):
                if not self.graph.values[node.inputs[0]].constant:
                    self._fake_quantize(node, node.op, values, formats, sums)
                continue
            x = node.inputs[0]
            if isinstance(node.op, LAYERS) and x in formats and self._quantizer(node.inputs[1]) is not None:
                sums[node.name] = self._sums(node, values[x], formats[x])
                values[node.name] = self._real(sums[node.name])
                continue
            operands = [values[i] if i in values else self._constant(i) for i in node.inputs if i]
            if isinstance(node.op, LAYERS):
                bias = operands[2] if len(operands) > 2 else 0.0
                values[node.name] = clipped(layer_sums(node, operands[0], operands[1]) + bias, node.op.clip)
            else:
                floats = any(i in formats and formats[i].scale.dim() for i in node.inputs)
                operands = [o.float() for o in operands] if floats else operands  # float32, as the recipe has floats behind dynamic codes
                values[node.name] = OPS[type(node.op)](node, self.graph.types(node), operands).double()
            if isinstance(node.op, _MOVING) and x in formats:
                formats[node.name] = formats[x]
                step = formats[x].spread(values[node.name])
                values[node.name] = whole(values[node.name] / step, Rounding.HALF_AWAY) * step
        return values, formats

    # constants

    def _quantizer(self, name: str) -> QType | None:
        """The integer format of a constant behind a quantizer."""
        node = self.producers.get(name)
        return node.op.output if node is not None and isinstance(node.op, FakeQuantize) and isinstance(node.op.output, QType) else None

    def _float32(self, name: str) -> Array:
        """The reals of a constant, behind its quantizer if it has one."""
        node = self.producers.get(name)
        data = self.graph.values[node.inputs[0] if node else name].data
        assert data is not None
        return node.op.ref(self.graph.types(node), data)[0] if node else data

    def _constant(self, name: str) -> Tensor:
        return torch.from_numpy(self._float32(name).astype(np.float64))

    def _weights(self, name: str) -> Array:
        """The weights in units of their scales."""
        q = self._quantizer(name)
        assert q is not None
        data = self._float32(name)
        if q.bipolar:
            return np.where(data > 0, 1.0, -1.0)
        return np.asarray(np.rint(data.astype(np.float64) / spread(q.scale, q, data.shape, np.dtype(np.float64))))

    # layers

    def _sums(self, node: Node, x: Tensor, format: _Format) -> _Sums:
        assert isinstance(node.op, LAYERS)
        w, q = self._weights(node.inputs[1]), self._quantizer(node.inputs[1])
        assert q is not None
        codes, parts = self._whole(x, format), [slice(None)]
        channels = self.graph.values[node.name].type.shape[-1]
        scale = np.reshape(q.scale, (channels, -1)) if len(q.scale) > 1 else np.full((channels, 1), q.scale[0])
        if q.block is not None and scale.shape[1] > 1:
            parts = [slice(start, start + q.block) for start in range(0, w.shape[-1], q.block)]
        found = []
        for part in parts:
            masked = np.zeros_like(w)
            masked[..., part] = w[..., part]
            found.append(layer_sums(node, codes, torch.from_numpy(masked)))
        b = node.inputs[2] if len(node.inputs) > 2 else ""
        bias = self._float32(b) if b else None
        return _Sums(torch.stack(found, -1), scale, format, bias, self._quantizer(b) is not None if b else False, node.op.clip)

    @staticmethod
    def _real(sums: _Sums) -> Tensor:
        y = (sums.whole * torch.from_numpy(sums.scale.copy())).sum(-1)
        y = y * sums.x.spread(y)
        return clipped(y if sums.bias is None else y + torch.from_numpy(sums.bias.astype(np.float64)), sums.clip)

    @staticmethod
    def _real32(sums: _Sums) -> Tensor:
        """The sums as float32 arithmetic scales them: by the product of both scales, then the bias, then the clip."""
        if sums.x.scale.dim():
            factor = sums.x.scale.float().reshape(-1, *(1,) * (sums.whole.dim() - 1)) * torch.from_numpy(sums.scale.astype(np.float32))
            products = sums.whole.float() * factor
        else:
            products = (sums.whole * torch.from_numpy(sums.scale * float(sums.x.scale))).float()
        y = products[..., 0]
        for block in range(1, products.shape[-1]):
            y = y + products[..., block]
        return clipped(y if sums.bias is None else y + torch.from_numpy(sums.bias.copy()), sums.clip)

    @staticmethod
    def _dequantized(sums: _Sums) -> Tensor:
        """Sums of codes with fixed scales as float32: a bias that has a quantizer is part of the sums, any other is added behind."""
        total, units = sums.whole[..., 0], sums.scale[:, 0] * float(sums.x.scale)
        if sums.bias is not None and sums.exact_bias:
            total = total + torch.from_numpy(round_half_away(sums.bias.astype(np.float64) / units))
        y = total.float() * torch.from_numpy(units.astype(np.float32))
        return clipped(y if sums.bias is None or sums.exact_bias else y + torch.from_numpy(sums.bias.copy()), sums.clip)

    def _rounded(self, sums: _Sums, q: QType, rounding: Rounding) -> Tensor:
        """The whole numbers, in steps of `q`, that sums become by ratios of scales."""
        units = sums.scale * float(sums.x.scale)
        total = sums.whole.clone()
        if sums.bias is not None:
            bias = sums.bias.astype(np.float64)
            total[..., 0] += torch.from_numpy(round_half_away(bias / units[:, 0]))
        ratios = units / q.scale[0]
        pairs = [multiplier(float(r), DYADIC_BITS) for r in ratios.reshape(-1)]
        dyadic = all(abs(m / 2.0**s - r) <= _SAME * r for (m, s), r in zip(pairs, ratios.reshape(-1), strict=True))
        if not dyadic:
            return whole((total * torch.from_numpy(ratios)).sum(-1), rounding)
        shift = np.reshape([s for _, s in pairs], ratios.shape)
        top = np.maximum(shift.max(axis=1), 0)
        factor = np.reshape([m for m, _ in pairs], ratios.shape) << (top[:, np.newaxis] - shift)
        products = (total.long() * torch.from_numpy(factor.astype(np.int64))).sum(-1)
        return _divided(products, torch.from_numpy(top.astype(np.int64)), rounding)

    # quantizers

    def _fake_quantize(
        self, node: Node, op: FakeQuantize, values: dict[str, Tensor], formats: dict[str, _Format], sums: Mapping[str, _Sums]
    ) -> None:
        x, producer = node.inputs[0], self.producers.get(node.inputs[0])
        q = op.output
        if not isinstance(q, QType):
            values[node.name] = _as_float(op, values[x])
            return
        reals = values[x].float() if x not in sums else self._real32(sums[x])
        if op.dynamic:
            reals = self._dequantized(sums[x]) if x in sums and not sums[x].x.scale.dim() else reals
            scale, zero = dynamic_scale(op, reals)
            formats[node.name] = _Format(q, scale.double())
            values[node.name] = _codes32(reals, op, scale, zero).double() * formats[node.name].spread(reals)
            return
        formats[node.name] = found = _Format(q, torch.tensor(q.scale[0], dtype=torch.float64))
        few = q.bipolar or q.bits <= FEW_LEVELS
        if producer is None or (x in sums and (few or sums[x].x.scale.dim())):
            one = torch.tensor(q.scale[0], dtype=torch.float32)
            steps = torch.where(reals >= 0, 1.0, -1.0) if q.bipolar else _codes32(reals, op, one, torch.tensor(float(q.zero[0])))
        elif x in sums:
            steps = self._clamped(self._rounded(sums[x], q, op.rounding), q, sums[x].clip, op.rounding)
        else:
            steps = self._clamped(whole(self._steps(x, producer, values, formats, found), op.rounding), q, None, op.rounding)
        values[node.name] = steps.double() * found.scale

    def _steps(
        self, x: str, producer: Node, values: Mapping[str, Tensor], formats: Mapping[str, _Format], format: _Format
    ) -> Tensor:
        """A value in steps of its format, before rounding. Averages are of whole numbers, so that ties are ties."""
        source = formats.get(producer.inputs[0])
        if not isinstance(producer.op, AveragePool2D | Mean) or source is None or source.scale.dim():
            return values[x] / format.scale
        codes, ratio = self._whole(values[producer.inputs[0]], source), source.scale / format.scale
        if isinstance(producer.op, Mean):
            return codes.sum(producer.op.axes, producer.op.keepdims) / prod(codes.shape[a] for a in producer.op.axes) * ratio
        unclipped = Node(AveragePool2D(producer.op.window, producer.op.count_include_pad), producer.inputs, producer.outputs)
        average = OPS[AveragePool2D](unclipped, self.graph.types(producer), [codes]) * ratio
        clip = producer.op.clip
        return average if clip is None else average.clamp(clip.lo / float(format.scale), clip.hi / float(format.scale))

    @staticmethod
    def _clamped(steps: Tensor, q: QType, clip: Clip | None, rounding: Rounding) -> Tensor:
        """Whole numbers within the codes of `q`, and within a clip in reals."""
        lo, hi = q.min - q.zero[0], q.max - q.zero[0]
        if clip is not None:
            bounds = torch.tensor([clip.lo, clip.hi], dtype=torch.float64) / q.scale[0]
            low, high = whole(bounds.clamp(lo, hi), rounding).tolist()
            return steps.clamp(low, high)
        return steps.clamp(lo, hi)

    @staticmethod
    def _whole(x: Tensor, format: _Format) -> Tensor:
        return torch.round(x / format.spread(x))


def _codes32(x: Tensor, op: FakeQuantize, scale: Tensor, zero: Tensor) -> Tensor:
    """Codes less the zero point, of float32 by float32 scales and zero points, one or one for each sample."""
    assert isinstance(op.output, QType)
    scale, zero = (t.reshape(-1, *(1,) * (x.dim() - 1)) for t in (scale, zero))
    steps = torch.maximum(torch.minimum(x / scale, op.output.max - zero), op.output.min - zero)
    return whole(steps, op.rounding)


def _as_float(op: FakeQuantize, x: Tensor) -> Tensor:
    kind = {"f16": torch.float16, "bf16": torch.bfloat16}.get(op.output.code, torch.float32) if not isinstance(op.output, QType) else None
    return x.float().to(kind).double()


def _divided(x: Tensor, shift: Tensor, rounding: Rounding) -> Tensor:
    """Integers over 2**shift, rounded: the lowest bits alone become a float, so that any sum of 64 bits is exact."""
    if rounding is Rounding.HALF_AWAY:
        return torch.sign(x) * _divided(x.abs(), shift, Rounding.HALF_UP)
    high = x >> (shift + 1)
    rest = (x - (high << (shift + 1))).double() / torch.exp2(shift.double())  # 0 <= rest < 2, so that even stays even
    return 2.0 * high.double() + whole(rest, rounding)
