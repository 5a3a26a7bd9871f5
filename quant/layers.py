"""A float Graph as a torch module with quantizers: trained straight through, then read back as an annotated Graph.

Quantizers are put together from Brevitas' parts and start from the formats that quantization after training gives, so that training
begins where that ends. The one file that imports Brevitas.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from brevitas.core.function_wrapper import Identity, TensorClamp
from brevitas.core.quant import IntQuant
from brevitas.core.restrict_val import PowerOfTwoRestrictValue
from torch import Tensor, nn
from torch.nn import functional as F

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Array, Builder, FType, Graph, Node, QType, Type, Value
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.ops.softmax import Softmax

from .annotate import annotate
from .biper import BinaryActivation, BiPer, SignStraightThrough, Stage, WeightQuantizer
from .placement import LAYERS, Place, Role
from .quantize import layer_formats
from .recipe import Encoding, Granularity, ScaleKind
from .torch_ops import OPS, clipped, layer_sums

_EPSILON = 1e-5  # of batch norms that are put back


class RoundTo(nn.Module):
    """Whole numbers by one rule; the gradient passes straight through."""

    def __init__(self, rounding: Rounding) -> None:
        super().__init__()
        self.rounding = rounding

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            match self.rounding:
                case Rounding.HALF_UP:
                    below = torch.floor(x)
                    whole = below + (x - below >= 0.5)
                case Rounding.HALF_AWAY:
                    whole = torch.trunc(x)
                    whole = whole + torch.where((x - whole).abs() >= 0.5, torch.sign(x), 0.0)
                case Rounding.FLOOR:
                    whole = torch.floor(x)
                case _:
                    whole = torch.round(x)  # half to even
        return x + (whole - x).detach()


class Quantizer(nn.Module):
    """What maps a tensor to the reals of a format; `format` is that, with what training has learned of it, in float32."""

    def format(self) -> FakeQuantize:
        raise NotImplementedError


class IntegerQuantizer(Quantizer):
    """Codes of a `QType`, as the reals that they stand for, with learned scales in the logarithmic domain."""

    def __init__(self, format: FakeQuantize, kind: ScaleKind, shape: tuple[int, ...], learned: bool) -> None:
        super().__init__()
        q = format.output
        assert isinstance(q, QType)
        self.q, self.rounding, self.kind, self.shape = q, format.rounding, kind, shape
        self.quantizer = IntQuant(q.narrow, q.signed, Identity(), RoundTo(format.rounding), TensorClamp())
        exponent = torch.log2(torch.tensor(q.scale, dtype=torch.float64)).float()
        self.exponent = nn.Parameter(exponent, requires_grad=learned)
        self.learned = learned
        self.power_of_two = PowerOfTwoRestrictValue()
        self.bits: Tensor
        self.zero: Tensor
        self.given: Tensor
        self.register_buffer("bits", torch.tensor(float(q.bits)))
        self.register_buffer("zero", torch.tensor(float(q.zero[0])))
        self.register_buffer("given", torch.tensor(q.scale, dtype=torch.float32))

    def entries(self) -> Tensor:
        """The scales as they are used, in the order of `QType.scale`."""
        if not self.learned:
            return self.given
        if self.kind is ScaleKind.POWER_OF_TWO:
            return 2.0 ** (self.exponent + (torch.round(self.exponent) - self.exponent).detach())
        return torch.exp2(self.exponent)

    def scale(self) -> Tensor:
        """The scales in the shape that broadcasts against the tensor."""
        entries = self.entries()
        q, shape = self.q, self.shape
        if len(q.scale) == 1 or q.axis is None:
            return entries.reshape(())
        if q.block is None:
            return entries.reshape([-1 if axis == q.axis else 1 for axis in range(len(shape))])
        blocks = entries.reshape(shape[0], -1).repeat_interleave(q.block, dim=1)[:, : shape[-1]]
        return blocks.reshape(shape[0], *(1,) * (len(shape) - 2), shape[-1])

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.quantizer(self.scale(), self.zero, self.bits, x)
        return y

    def format(self) -> FakeQuantize:
        """The format with the scales that training has found, in float32."""
        scales = tuple(float(s) for s in self.entries().detach().float())
        return FakeQuantize(replace(self.q, scale=scales), self.rounding)


class FloatFormat(Quantizer):
    """Reals rounded to binary16 or bfloat16; the gradient passes straight through."""

    def __init__(self, format: FakeQuantize) -> None:
        super().__init__()
        self.kept = format
        self.dtype = {"f16": torch.float16, "bf16": torch.bfloat16}[format.output.code]

    def forward(self, x: Tensor) -> Tensor:
        return x + (x.to(self.dtype).to(x.dtype) - x).detach()

    def format(self) -> FakeQuantize:
        return self.kept


class BinaryValues(Quantizer):
    """Activations to -1 and +1."""

    def __init__(self, format: FakeQuantize) -> None:
        super().__init__()
        self.kept = format
        self.binarize = BinaryActivation()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.binarize(x)
        return y

    def format(self) -> FakeQuantize:
        return self.kept


class DynamicQuantizer(Quantizer):
    """Codes by each sample's own extremes, as `dynamic_format` says; the gradient passes straight through."""

    def __init__(self, format: FakeQuantize) -> None:
        super().__init__()
        self.kept = format

    def forward(self, x: Tensor) -> Tensor:
        array = x.detach().float().cpu().numpy()
        y = self.kept.ref((Type((1, *array.shape[1:]), F32),), array[:, np.newaxis])[0][:, 0]
        return x + (torch.from_numpy(y).to(x) - x).detach()

    def format(self) -> FakeQuantize:
        return self.kept


class Norm(nn.Module):
    """Batch normalization of a layer's sums, put back where a checkpoint has it folded: at first it changes nothing.

    The scale stays positive, so that it folds into the scales of weights per channel and leaves their codes as they are.
    """

    def __init__(self, bias: Tensor, mean: Tensor, variance: Tensor) -> None:
        super().__init__()
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", mean.clone())
        self.register_buffer("variance", variance.clone())
        self.weight = nn.Parameter(torch.sqrt(variance + _EPSILON))
        self.bias = nn.Parameter(bias + mean)
        self.momentum = 0.1

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        y = F.batch_norm(rows, self.mean, self.variance, self.weight.abs(), self.bias, self.training, self.momentum, _EPSILON)
        return y.reshape(x.shape)

    def folded(self) -> tuple[Tensor, Tensor]:
        """The scale and the shift that it is in evaluation, in float64."""
        factor = self.weight.detach().abs().double() / torch.sqrt(self.variance.double() + _EPSILON)
        return factor, self.bias.detach().double() - self.mean.double() * factor


class Network(nn.Module):
    """A simplified float graph with quantizers at `places`, starting from `formats`. Values are NHWC as in the graph, batch first."""

    def __init__(self, graph: Graph, places: Mapping[str, Place], formats: Mapping[str, FakeQuantize]) -> None:
        super().__init__()
        self.graph, self.places = _without_lost_clips(graph, places), places
        self.initial = dict(formats)
        self.index = {name: f"v{i}" for i, name in enumerate(self.graph.values)}
        self.logits = {n.name: n.inputs[0] for n in self.graph.nodes if isinstance(n.op, Softmax)}
        self.weights = nn.ParameterDict()
        self.norms = nn.ModuleDict()
        self.quantizers = nn.ModuleDict()
        self.layers = {n.name: n for n in self.graph.nodes if isinstance(n.op, LAYERS)}
        for node in self.layers.values():
            for name in node.inputs[1:3]:
                data = self.graph.values[name].data if name else None
                if data is not None:
                    self.weights[self.index[name]] = nn.Parameter(torch.from_numpy(data.copy()))
        for value in self.graph.constants():
            if self.index[value.name] not in self.weights and value.data is not None:
                self.register_buffer(self.index[value.name], torch.from_numpy(value.data.copy()))
        for name, format in formats.items():
            place = places[name]
            if place.role is not Role.BIAS and place.like is None:
                self.quantizers[self.index[name]] = self._quantizer(name, place, format)

    def _quantizer(self, name: str, place: Place, format: FakeQuantize) -> nn.Module:
        if isinstance(format.output, FType):
            return FloatFormat(format)
        if format.dynamic:
            return DynamicQuantizer(format)
        if format.output.bipolar:
            if place.role is Role.ACTIVATION:
                return BinaryValues(format)
            assert place.axis is not None
            axis = place.axis if len(format.output.scale) > 1 else None
            latent = self.weights[self.index[name]].detach()
            return BiPer(latent, axis) if place.recipe.encoding is Encoding.BIPER else SignStraightThrough(axis)
        learned = place.fixed is None and place.recipe.integer_bits is None
        return IntegerQuantizer(format, place.recipe.scale, self.graph.values[name].type.shape, learned)

    # the forward pass

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The outputs (N, ...) for the graph's inputs (N, ...), in their values' own layout; logits where a softmax ends the graph."""
        values: dict[str, Tensor] = {}
        for name, x in zip(self.graph.input_names, inputs, strict=True):
            values[name] = self._quantized(name, x)
        for node in self.graph.nodes:
            values[node.name] = self._quantized(node.name, self._node(node, values))
        return tuple(values[self.logits.get(name, name)] for name in self.graph.output_names)

    def _node(self, node: Node, values: Mapping[str, Tensor]) -> Tensor:
        if node.name in self.layers:
            return self._layer(node, values[node.inputs[0]])
        operands = [values[i] if i in values else self._quantized(i, self.get_buffer(self.index[i])) for i in node.inputs]
        return OPS[type(node.op)](node, self.graph.types(node), operands)

    def _layer(self, node: Node, x: Tensor) -> Tensor:
        w_name, b_name = node.inputs[1], node.inputs[2] if len(node.inputs) > 2 else ""
        sums = layer_sums(node, x, self._quantized(w_name, self.weights[self.index[w_name]]))
        clip = getattr(node.op, "clip", None)
        if self.index[node.name] in self.norms:
            return clipped(self.norms[self.index[node.name]](sums), clip)
        if b_name:
            b = self.weights[self.index[b_name]]
            grid = self._grid(node) if b_name in self.initial else None
            sums = sums + (b if grid is None else b + (torch.round(b / grid) * grid - b).detach())
        return clipped(sums, clip)

    def _quantized(self, name: str, x: Tensor) -> Tensor:
        owner = self._owner(name)
        key = self.index.get(owner, "") if owner else ""
        return self.quantizers[key](x) if key in self.quantizers else x

    def _owner(self, name: str) -> str | None:
        """The value whose quantizer a placed value has."""
        while name in self.initial and self.places[name].like is not None:
            name = self._source(str(self.places[name].like))
        return name if name in self.initial else None

    def _source(self, name: str) -> str:
        """The placed value whose codes a value holds."""
        while name not in self.initial:
            producer = self.graph.producer(name)
            assert producer is not None
            name = producer.inputs[0]
        return name

    def _grid(self, node: Node) -> Tensor | None:
        """The scale of a layer's sums, per channel, as far as it is known before the network runs."""
        x = self.quantizers[self.index[str(self._owner(self._source(node.inputs[0])))]]
        w = self.quantizers[self.index[node.inputs[1]]]
        if not isinstance(w, IntegerQuantizer | WeightQuantizer) or not isinstance(x, IntegerQuantizer | BinaryValues):
            return None
        entries = w.entries().detach() if isinstance(w, IntegerQuantizer) else w.scale(self.weights[self.index[node.inputs[1]]])
        channels = self.graph.values[node.name].type.shape[-1]
        scale = x.entries().detach()[0] if isinstance(x, IntegerQuantizer) else torch.tensor(1.0)
        return entries[:: max(1, len(entries) // channels)] * scale

    # batch normalization

    def add_norms(self, samples: tuple[Tensor, ...]) -> None:
        """Puts a batch norm behind the sums of each layer whose scales can take it up, from the statistics of these samples."""
        seen: dict[str, Tensor] = {}
        with torch.no_grad():
            values: dict[str, Tensor] = dict(zip(self.graph.input_names, samples, strict=True))
            for node in self.graph.nodes:
                if node.name in self.layers:
                    seen[node.name] = layer_sums(node, values[node.inputs[0]], self.weights[self.index[node.inputs[1]]])
                    b = self.weights[self.index[node.inputs[2]]] if len(node.inputs) > 2 and node.inputs[2] else 0.0
                    values[node.name] = clipped(seen[node.name] + b, getattr(node.op, "clip", None))
                else:
                    operands = [values[i] if i in values else self.get_buffer(self.index[i]) for i in node.inputs]
                    values[node.name] = OPS[type(node.op)](node, self.graph.types(node), operands)
        for node in self.layers.values():
            place = self.places[node.inputs[1]]
            per_channel = place.recipe.granularity is Granularity.CHANNEL and place.recipe.scale is not ScaleKind.POWER_OF_TWO
            plain = place.recipe.encoding is Encoding.F32 and place.recipe.integer_bits is None
            if node.name in self.graph.output_names or not (plain or (per_channel and place.recipe.integer_bits is None)):
                continue
            rows = seen[node.name].reshape(-1, seen[node.name].shape[-1])
            has_bias = len(node.inputs) > 2 and bool(node.inputs[2])
            bias = self.weights[self.index[node.inputs[2]]].detach() if has_bias else torch.zeros(rows.shape[1])
            self.norms[self.index[node.name]] = Norm(bias, rows.mean(0), rows.var(0, unbiased=False))

    def schedule(self, epoch: int, epochs: int) -> None:
        """What changes from epoch to epoch: the stage of binary weights."""
        for module in self.modules():
            if isinstance(module, BiPer):
                module.schedule(epoch, epochs)

    @property
    def settled(self) -> bool:
        """Whether the network computes what will be exported: no binary weight is in its first stage."""
        return all(m.stage is Stage.SIGN for m in self.modules() if isinstance(m, BiPer))

    # back to the IR

    def to_graph(self) -> Graph:
        """The annotated graph of what was trained: batch norms folded, weights as the reals of their codes, scales in float32."""
        for module in self.modules():
            if isinstance(module, BiPer):
                module.stage = Stage.SIGN
        formats: dict[str, FakeQuantize] = {}
        for name, initial in self.initial.items():
            if self.places[name].role is Role.ACTIVATION:
                formats[name] = replace(self._format(str(self._owner(name))), rounding=initial.rounding)
        values = dict(self.graph.values)
        for node in self.layers.values():
            formats |= self._folded(node, values, formats)
        return annotate(self.graph.replace(self.graph.nodes, values), {name: formats[name] for name in self.places if name in formats})

    def _format(self, name: str) -> FakeQuantize:
        quantizer = self.quantizers[self.index[name]]
        assert isinstance(quantizer, Quantizer)
        return quantizer.format()

    @torch.no_grad()
    def _folded(self, node: Node, values: dict[str, Value], formats: Mapping[str, FakeQuantize]) -> dict[str, FakeQuantize]:
        """The formats of a layer's constants with its batch norm in their scales and its bias; replaces the constants in `values`."""
        w_name, b_name = node.inputs[1], node.inputs[2] if len(node.inputs) > 2 else ""
        key, w = self.index[node.name], self.weights[self.index[w_name]]
        factor = torch.ones(1, dtype=torch.float64)
        b = self.weights[self.index[b_name]].double() if b_name else None
        if key in self.norms:
            norm = self.norms[key]
            assert isinstance(norm, Norm)
            factor, b = norm.folded()
        shape = [1] * w.dim()
        shape[-1 if isinstance(node.op, DepthwiseConv2D) else 0] = -1
        values[w_name] = _constant(w_name, (self._quantized(w_name, w).double() * factor.reshape(shape)).numpy())
        if b is not None:
            values[b_name] = _constant(b_name, b.numpy())
        if w_name not in self.initial:
            return {}
        quantizer, initial = self.quantizers[self.index[w_name]], self.initial[w_name].output
        if isinstance(quantizer, WeightQuantizer) and isinstance(initial, QType):
            q: QType | FType = replace(initial, scale=tuple(float(s) for s in quantizer.scale(w)))
        else:
            q = self._format(w_name).output
        if isinstance(q, QType) and key in self.norms:
            scales = np.asarray(q.scale) * factor.numpy()
            q = replace(q, scale=tuple(float(np.float32(s)) for s in scales))
        return layer_formats(self.graph, node, self.places, formats, q)


def with_biases(graph: Graph) -> Graph:
    """The graph with a bias, of zeros where there is none, at every layer: where a batch norm folds to."""
    builder = Builder(graph.values)
    nodes = []
    for node in graph.nodes:
        if isinstance(node.op, LAYERS) and not any(node.inputs[2:3]):
            channels = graph.values[node.name].type.shape[-1]
            bias = builder.constant(f"{node.name}_bias", np.zeros(channels, np.float32))
            node = replace(node, inputs=(*node.inputs[:2], bias))
        nodes.append(node)
    return graph.replace(nodes, builder.values)


def _without_lost_clips(graph: Graph, places: Mapping[str, Place]) -> Graph:
    """The graph without clips before binary activations: behind a relu every sign would be +1."""
    nodes = []
    for node in graph.nodes:
        place = places.get(node.name)
        if place is not None and place.recipe.encoding is Encoding.BINARY and getattr(node.op, "clip", None) is not None:
            layer = node.op
            assert isinstance(layer, LAYERS)
            node = replace(node, op=replace(layer, clip=None))
        nodes.append(node)
    return graph.replace(nodes)


def _constant(name: str, data: Array) -> Value:
    array = np.ascontiguousarray(data, np.float32)
    array.setflags(write=False)
    return Value(name, Type(array.shape, F32), array)
