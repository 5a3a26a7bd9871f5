"""A float Graph as a torch module with quantizers: trained straight through, then read back as an annotated Graph.

Integer quantizers are put together from Brevitas' parts and start from the formats that quantization after training gives, so that
training begins where that ends. The one file that imports Brevitas.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from brevitas.core.function_wrapper import Identity
from brevitas.core.quant import IntQuant
from torch import Tensor, nn

from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Array, FType, Graph, Node, QType, Type, Value
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.ops.softmax import Softmax

from .annotate import annotate
from .biper import BiPer, SignStraightThrough, Stage, WeightQuantizer
from .exact import ExactNetwork
from .norm import Norm, norm_place, with_biases
from .placement import LAYERS, Place, Role
from .quantize import layer_formats
from .quantizers import BinaryValues, DynamicQuantizer, FloatFormat, Quantizer, RoundTo, per_tensor, straight_through
from .recipe import Encoding, ScaleKind
from .scheme import DYADIC_BITS
from .torch_ops import OPS, clipped, layer_sums

__all__ = ["IntegerQuantizer", "Network", "with_biases"]


class ClampTo(nn.Module):
    """Between two bounds, in one pass over the tensor; Brevitas' own takes four."""

    def forward(self, x: Tensor, min_val: Tensor, max_val: Tensor) -> Tensor:
        return torch.clamp(x, min_val, max_val)


class IntegerQuantizer(Quantizer):
    """Codes of a `QType`, as the reals that they stand for. Scales are learned as powers of two times the first ones, a power that is
    whole where scales have to be powers of two; `learned` false keeps the first ones."""

    def __init__(self, format: FakeQuantize, kind: ScaleKind, shape: tuple[int, ...], learned: bool) -> None:
        super().__init__(format)
        q = format.output
        assert isinstance(q, QType)
        self.q, self.kind, self.shape, self.learned = q, kind, shape, learned
        self.quantizer = IntQuant(q.narrow, q.signed, Identity(), RoundTo(format.rounding), ClampTo())
        self.exponent = nn.Parameter(torch.zeros(len(q.scale)), requires_grad=learned)
        self.bits: Tensor
        self.zero: Tensor
        self.given: Tensor
        self.register_buffer("bits", torch.tensor(float(q.bits)))
        self.register_buffer("zero", torch.tensor(float(q.zero[0])))
        self.register_buffer("given", torch.tensor(q.scale, dtype=torch.float64))

    def entries(self, ratio: float | None = None) -> Tensor:
        """The scales in float64, in the order of `QType.scale`: float32 numbers, or such that each times `ratio` is m / 2**s, m < 2**15."""
        if not self.learned:
            return self.given.double()
        exponent = self.exponent.double()
        if self.kind is ScaleKind.POWER_OF_TWO:
            exponent = straight_through(exponent, Rounding.HALF_EVEN)
        found = (self.given.double() * torch.exp2(exponent)).float().double()
        return found if ratio is None else found + (_dyadic(found.detach(), ratio) - found).detach()

    def scale(self, entries: Tensor) -> Tensor:
        """Entries in the shape that broadcasts against the tensor."""
        q, shape = self.q, self.shape
        if len(q.scale) == 1 or q.axis is None:
            return entries.reshape(())
        if q.block is None:
            return entries.reshape([-1 if axis == q.axis else 1 for axis in range(len(shape))])
        blocks = entries.reshape(shape[0], -1).repeat_interleave(q.block, dim=1)[:, : shape[-1]]
        return blocks.reshape(shape[0], *(1,) * (len(shape) - 2), shape[-1])

    def forward(self, x: Tensor, ratio: float | None = None) -> Tensor:
        scale = self.scale(self.entries(ratio).to(x.dtype))
        if not scale.dim():
            return per_tensor(x, scale, self.q, self.initial.rounding)
        y: Tensor = self.quantizer(scale, self.zero, self.bits, x)
        return y

    def format(self) -> FakeQuantize:
        return replace(self.initial, output=replace(self.q, scale=tuple(self.entries().tolist())))


class LikeQuantizer(Quantizer):
    """Codes of the format that another quantizer has, by a rounding of its own."""

    def __init__(self, owner: IntegerQuantizer, rounding: Rounding) -> None:
        super().__init__(replace(owner.initial, rounding=rounding))
        self.owner = (owner,)  # in a tuple, so that its parameters are not this module's too

    def forward(self, x: Tensor) -> Tensor:
        (owner,) = self.owner
        return per_tensor(x, owner.scale(owner.entries().to(x.dtype)), owner.q, self.initial.rounding)

    def format(self) -> FakeQuantize:
        return replace(self.initial, output=self.owner[0].format().output)


def _dyadic(scales: Tensor, ratio: float) -> Tensor:
    """The scales that `scheme.dyadic` gives, `ratio` being that of the input's scale to the output's."""
    fraction, exponent = torch.frexp(scales * ratio)
    return torch.ldexp(torch.floor(fraction * 2**DYADIC_BITS + 0.5), exponent - DYADIC_BITS) / ratio


class Network(nn.Module):
    """A simplified float graph with quantizers at `places`, starting from `formats`. Values are NHWC as in the graph, batch first."""

    def __init__(self, graph: Graph, places: Mapping[str, Place], formats: Mapping[str, FakeQuantize]) -> None:
        super().__init__()
        self.graph, self.places = _without_lost_clips(graph, places), places
        self.initial = dict(formats)
        self.index = {name: f"v{i}" for i, name in enumerate(self.graph.values)}
        self.logits = {n.name: n.inputs[0] for n in self.graph.nodes if isinstance(n.op, Softmax)}
        self.weights, self.norms, self.quantizers = nn.ParameterDict(), nn.ModuleDict(), nn.ModuleDict()
        self.layers = {n.name: n for n in self.graph.nodes if isinstance(n.op, LAYERS)}
        for node in self.layers.values():
            for name in filter(None, node.inputs[1:3]):
                data = self.graph.values[name].data
                assert data is not None
                self.weights[self.index[name]] = nn.Parameter(torch.from_numpy(data.copy()))
        for value in self.graph.constants():
            if self.index[value.name] not in self.weights and value.data is not None:
                self.register_buffer(self.index[value.name], torch.from_numpy(value.data.copy()))
        for name, format in formats.items():
            if places[name].role is not Role.BIAS and format.output != F32:
                self.quantizers[self.index[name]] = self._quantizer(name, places[name], format)

    def _quantizer(self, name: str, place: Place, format: FakeQuantize) -> nn.Module:
        if isinstance(format.output, FType):
            return FloatFormat(format)
        if format.dynamic:
            return DynamicQuantizer(format)
        if place.like is not None:
            owner = self.quantizers[self.index[str(self._source(place.like))]]
            return LikeQuantizer(owner, format.rounding) if isinstance(owner, IntegerQuantizer) else owner
        if format.output.bipolar:
            if place.role is Role.ACTIVATION:
                return BinaryValues(format)
            axis = place.axis if len(format.output.scale) > 1 else None
            latent = self.weights[self.index[name]].detach()
            return BiPer(latent, axis) if place.recipe.encoding is Encoding.BIPER else SignStraightThrough(axis)
        learned = place.fixed is None and place.recipe.integer_bits is None
        return IntegerQuantizer(format, place.recipe.scale, self.graph.values[name].type.shape, learned)

    # the forward pass

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The outputs (N, ...) for the graph's inputs (N, ...), in their values' own layout; logits where a softmax ends the graph."""
        values = {name: self._quantized(name, x) for name, x in zip(self.graph.input_names, inputs, strict=True)}
        for node in self.graph.nodes:
            result = self._layer(node, values[node.inputs[0]]) if node.name in self.layers else self._other(node, values)
            values[node.name] = self._quantized(node.name, result)
        return tuple(values[self.logits.get(name, name)] for name in self.graph.output_names)

    def _other(self, node: Node, values: Mapping[str, Tensor]) -> Tensor:
        operands = [values[i] if i in values else self._quantized(i, self.get_buffer(self.index[i])) for i in node.inputs]
        return OPS[type(node.op)](node, self.graph.types(node), operands)

    def _layer(self, node: Node, x: Tensor) -> Tensor:
        assert isinstance(node.op, LAYERS)
        norm, clip = self._norm(node), node.op.clip
        sums = layer_sums(node, x, self._weight(node))
        if norm is not None and not norm.inside:
            return clipped(norm(sums), clip)
        if norm is not None and self.training:
            norm.observe(sums, norm.folded()[0])
        b = self._bias(node)
        return clipped(sums if b is None else sums + b, clip)

    def _norm(self, node: Node) -> Norm | None:
        norm = dict(self.norms.items()).get(self.index[node.name])
        assert norm is None or isinstance(norm, Norm)
        return norm

    def _weight(self, node: Node) -> Tensor:
        """The weights of a layer as it uses them."""
        name, norm = node.inputs[1], self._norm(node)
        key = self.index[name]
        w: Tensor = self.weights[key]
        if norm is not None and norm.inside:
            w = w * norm.folded()[0].reshape([-1 if axis == _channel_axis(node) else 1 for axis in range(w.dim())])
        if key not in self.quantizers:
            return w
        quantizer = self.quantizers[key]
        y: Tensor = quantizer(w, self._ratio(node)) if isinstance(quantizer, IntegerQuantizer) else quantizer(w)
        return y

    def _bias(self, node: Node) -> Tensor | None:
        """The bias of a layer, where it has a quantizer at the scale of its sums, unless a norm stands behind these."""
        name, norm = node.inputs[2] if len(node.inputs) > 2 else "", self._norm(node)
        if not name:
            return None
        b = norm.folded()[1] if norm is not None else self.weights[self.index[name]]
        grid = self._grid(node).to(b.dtype) if name in self.initial else None
        return b if grid is None else straight_through(b / grid, Rounding.HALF_AWAY) * grid

    def _quantized(self, name: str, x: Tensor) -> Tensor:
        key = self.index[name]
        return self.quantizers[key](x) if key in self.quantizers else x

    def _source(self, name: str) -> str | None:
        """The placed value whose codes a value holds, if it holds any."""
        while name not in self.initial or self.places[name].like is not None:
            like = self.places[name].like if name in self.initial else None
            producer = self.graph.producer(name)
            if like is None and producer is None:
                return None
            name = like or (producer.inputs[0] if producer else "")
        return name

    def _static_scale(self, name: str | None) -> float | None:
        """The scale of a placed value's codes; None where they have none before the network runs."""
        quantizer = dict(self.quantizers.items()).get(self.index[name]) if name is not None else None
        if isinstance(quantizer, IntegerQuantizer):
            return float(quantizer.entries().detach()[0])
        return 1.0 if isinstance(quantizer, BinaryValues) else None

    def _ratio(self, node: Node) -> float | None:
        """The scale of the input over that of the output, of a layer whose weights make it dyadic."""
        y = dict(self.quantizers.items()).get(self.index[node.name])
        if self.places[node.inputs[1]].recipe.scale is not ScaleKind.DYADIC or not isinstance(y, IntegerQuantizer):
            return None
        x_scale, y_scale = self._static_scale(self._source(node.inputs[0])), self._static_scale(node.name)
        return x_scale / y_scale if x_scale is not None and y_scale is not None else None

    def _grid(self, node: Node) -> Tensor:
        """The scale of a layer's sums, per channel or a single one; of the first block where there are several."""
        key, x_scale = self.index[node.inputs[1]], self._static_scale(self._source(node.inputs[0]))
        w = self.quantizers[key]
        assert isinstance(w, IntegerQuantizer | WeightQuantizer) and x_scale is not None
        entries = w.entries(self._ratio(node)) if isinstance(w, IntegerQuantizer) else w.scale(self.weights[key])
        return entries.detach()[:: max(1, len(entries) // self.graph.values[node.name].type.shape[-1])] * x_scale

    # batch normalization

    @torch.no_grad()
    def add_norms(self, samples: tuple[Tensor, ...]) -> None:
        """Puts a batch norm behind the sums of each layer but those that give outputs, from the statistics of these samples (N, ...).

        Layers that share weights or biases, and binary weights with one scale for all, have none.
        """
        uses = Counter(name for node in self.layers.values() for name in node.inputs[1:3] if name)
        values: dict[str, Tensor] = dict(zip(self.graph.input_names, samples, strict=True))
        for node in self.graph.nodes:
            if node.name not in self.layers:
                operands = [values[i] if i in values else self.get_buffer(self.index[i]) for i in node.inputs]
                values[node.name] = OPS[type(node.op)](node, self.graph.types(node), operands)
                continue
            assert isinstance(node.op, LAYERS)
            sums = layer_sums(node, values[node.inputs[0]], self.weights[self.index[node.inputs[1]]])
            b = self.weights[self.index[node.inputs[2]]]
            signs = self.places.get(node.name) is not None and self.places[node.name].recipe.encoding is Encoding.BINARY
            values[node.name] = clipped(sums + b, node.op.clip)
            inside = norm_place(self.places.get(node.inputs[1]))
            if inside is not None and node.name not in self.graph.output_names and all(uses[name] == 1 for name in node.inputs[1:3]):
                rows = sums.reshape(-1, sums.shape[-1])
                mean, variance = rows.mean(0), rows.var(0, unbiased=False)
                norm = Norm(b.detach(), mean, variance, inside)
                if signs:
                    norm.standardize()
                    values[node.name] = self._quantized(node.name, norm.eval()(sums))
                self.norms[self.index[node.name]] = norm.train(self.training)

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

    def exact(self) -> ExactNetwork:
        """The model in float64 of what integers compute of this network."""
        return ExactNetwork(self.to_graph())

    @torch.no_grad()
    def to_graph(self) -> Graph:
        """The annotated graph of what was trained: batch norms folded, weights as the reals of their codes, scales in float32."""
        for module in self.modules():
            if isinstance(module, BiPer):
                module.stage = Stage.SIGN
        formats = {name: self._format(name) for name in self.initial if self.places[name].role is Role.ACTIVATION}
        values = dict(self.graph.values)
        for node in self.layers.values():
            formats |= self._folded(node, values, formats)
        return annotate(self.graph.replace(self.graph.nodes, values), {name: formats[name] for name in self.places if name in formats})

    def _format(self, name: str) -> FakeQuantize:
        quantizer = self.quantizers[self.index[name]] if self.index[name] in self.quantizers else Quantizer(self.initial[name])
        assert isinstance(quantizer, Quantizer)
        return quantizer.format()

    def _folded(self, node: Node, values: dict[str, Value], formats: Mapping[str, FakeQuantize]) -> dict[str, FakeQuantize]:
        """The formats of a layer's constants with its batch norm in their scales and its bias; replaces the constants in `values`."""
        w_name, b_name = node.inputs[1], node.inputs[2] if len(node.inputs) > 2 else ""
        norm, w = self._norm(node), self._weight(node).double()
        factor, shift = (t.double() for t in norm.folded()) if norm else (torch.ones(1, dtype=torch.float64), None)
        if norm is not None and not norm.inside:
            w = w * factor.reshape([-1 if axis == _channel_axis(node) else 1 for axis in range(w.dim())])
        values[w_name] = _constant(w_name, w.numpy())
        if b_name:
            b = self.weights[self.index[b_name]].double() if shift is None else shift
            values[b_name] = _constant(b_name, b.numpy())
        if w_name not in self.initial:
            return {}
        quantizer, initial = self.quantizers[self.index[w_name]], self.initial[w_name].output
        if isinstance(quantizer, WeightQuantizer) and isinstance(initial, QType):
            scale: list[float] = quantizer.scale(self.weights[self.index[w_name]]).tolist()
            q: QType | FType = replace(initial, scale=tuple(scale))
        else:
            q = self._format(w_name).output
        if isinstance(q, QType) and norm is not None and not norm.inside:
            scales = np.asarray(q.scale) * factor.repeat_interleave(max(1, len(q.scale) // len(factor))).numpy()
            q = replace(q, scale=tuple(float(np.float32(s)) for s in scales))
        return layer_formats(self.graph, node, self.places, formats, q)


def _channel_axis(node: Node) -> int:
    """The axis of output channels of a layer's weights."""
    return 2 if isinstance(node.op, DepthwiseConv2D) else 0


def _without_lost_clips(graph: Graph, places: Mapping[str, Place]) -> Graph:
    """The graph without clips before binary activations: behind a relu every sign would be +1."""
    nodes = []
    for node in graph.nodes:
        place = places.get(node.name)
        if place is not None and place.recipe.encoding is Encoding.BINARY and isinstance(node.op, LAYERS) and node.op.clip is not None:
            node = replace(node, op=replace(node.op, clip=None))
        nodes.append(node)
    return graph.replace(nodes)


def _constant(name: str, data: Array) -> Value:
    array = np.ascontiguousarray(data, np.float32)
    array.setflags(write=False)
    return Value(name, Type(array.shape, F32), array)
