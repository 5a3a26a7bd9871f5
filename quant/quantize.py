"""Quantization after training: a float Graph, a recipe and calibration samples become an annotated Graph."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from tapeout.compiler.build import simplify
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Array, FType, Graph, Node, QType
from tapeout.compiler.ops.fake_quantize import FakeQuantize
from tapeout.compiler.ops.pad import Pad
from tapeout.compiler.passes.fold_batch_norm import fold_batch_norm
from tapeout.compiler.run import check_inputs

from .annotate import annotate
from .calibrate import calibrate
from .correct_bias import corrected
from .equalize import equalize
from .options import Improvement, QuantizeOptions
from .placement import LAYERS, MOVING, Place, Role, place, with_accumulators
from .recipe import Encoding, Recipe, ScaleKind
from .refine import Step, refine, with_own_biases
from .scheme import Range, activation_format, bias_format, dyadic, weight_format


def quantize(graph: Graph, samples: Mapping[str, Array], recipe: Recipe, options: QuantizeOptions) -> Graph:
    """The annotated graph of a float32 graph, calibrated with float32 samples (N, *shape) by value name, its weights bettered by `options`.

    Batch normalization is folded first, and pads and clips joined with the nodes beside them. Values keep their names. Raises
    TapeoutError for samples that do not fit and for a graph that is not float32 throughout, and Unsupported, which names the node, for
    an op that has no integer form: nothing stays float silently.
    """
    if recipe.searched:
        raise TapeoutError(f"recipe {recipe.name}: its bits are found by a search; use tapeout retrain with --budget flash=...")
    found = improved(graph, samples, recipe, options)
    return annotate(found.graph, found.formats)


@dataclass(frozen=True)
class Improved:
    """A float graph as quantization takes it, the same graph with bettered weights and biases, and its quantizers."""

    simple: Graph
    graph: Graph
    places: dict[str, Place]
    formats: dict[str, FakeQuantize]


def improved(graph: Graph, samples: Mapping[str, Array], recipe: Recipe, options: QuantizeOptions) -> Improved:
    """What `quantize` puts together; raises as it does. Formats are those of the weights before they were rounded."""
    simple, ranges = calibrated(graph, samples, recipe, options)
    places = place(simple, recipe)
    for p in places.values():
        if p.recipe.encoding is Encoding.BIPER:
            raise TapeoutError(f"{p.layer}: recipe {recipe.name} makes its weights binary, which only training finds; use tapeout retrain")
    formats = quantizers(simple, places, ranges)
    steps = _steps(options)
    return Improved(simple, refine(simple, formats, relaid(graph, simple, samples), steps) if steps else simple, places, formats)


def _steps(options: QuantizeOptions) -> list[Step]:
    """What is done layer by layer."""
    steps: list[Step] = []
    if Improvement.ADAROUND in options.improve:
        try:
            from .adaround import rounded
        except ModuleNotFoundError as error:
            raise TapeoutError(f"{Improvement.ADAROUND} needs {error.name}; install tapeout[torch]") from None
        steps.append(partial(rounded, seed=options.seed))
    if Improvement.CORRECT_BIAS in options.improve:
        steps.append(corrected)
    return steps


def calibrated(graph: Graph, samples: Mapping[str, Array], recipe: Recipe, options: QuantizeOptions) -> tuple[Graph, dict[str, Range]]:
    """The graph as quantization takes it, and the range of each of its values on the samples. Raises as `quantize` does."""
    check_inputs(graph, samples)
    simple, feed = prepared(graph, samples)
    simple = with_accumulators(simple, recipe)
    if Improvement.EQUALIZE in options.improve:
        simple = equalize(simple)
    if Improvement.CORRECT_BIAS in options.improve:
        simple = with_own_biases(simple)
    places = place(simple, recipe)
    recipes = {name: p.recipe for name, p in places.items() if p.role is Role.ACTIVATION}
    return simple, _reaching_pads(simple, places, calibrate(simple, feed, options, recipes))


def _reaching_pads(graph: Graph, places: Mapping[str, Place], ranges: dict[str, Range]) -> dict[str, Range]:
    """The ranges, those of padded tensors with the padding's value among them."""
    for node in graph.nodes:
        if isinstance(node.op, Pad):
            name = node.inputs[0]
            while name not in places:
                producer = graph.producer(name)
                assert producer is not None
                name = producer.inputs[0]
            for key in {name, places[name].range}:
                ranges[key] = Range(min(ranges[key].low, node.op.value), max(ranges[key].high, node.op.value))
    return ranges


def annotated_blindly(graph: Graph, recipe: Recipe) -> Graph:
    """The annotated graph for made-up ranges: every format but for its scale, without any data; all of a recipe of floats."""
    simple, _ = prepared(graph, {})
    simple = with_accumulators(simple, recipe)
    places = place(simple, recipe)
    return annotate(simple, quantizers(simple, places, {name: Range(-1.0, 1.0) for name in simple.values}))


def prepared(graph: Graph, samples: Mapping[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """The graph as quantization and training take it, simplified and with batch normalization folded, and the samples in its layout."""
    for value in graph.values.values():
        if value.type.q != F32:
            raise TapeoutError(f"{value.name}: holds {value.type.q.code}; only a float32 model can be quantized")
    for node in graph.nodes:
        if isinstance(node.op, FakeQuantize):
            raise TapeoutError(f"{node.name}: the model is quantized already; compile it without a recipe")
    simple = fold_batch_norm(simplify(graph))
    return simple, relaid(graph, simple, samples)


def relaid(graph: Graph, simple: Graph, samples: Mapping[str, Array]) -> dict[str, Array]:
    """The samples of a graph, as far as they are given, in the layout of another with the same inputs."""
    return {
        new.value: new.from_source(old.to_source(samples[old.value]))
        for old, new in zip(graph.inputs, simple.inputs, strict=True) if old.value in samples
    }


def quantizers(graph: Graph, places: Mapping[str, Place], ranges: Mapping[str, Range]) -> dict[str, FakeQuantize]:
    """The quantizer of each placed value, for these ranges of the graph's values."""
    found: dict[str, FakeQuantize] = {}
    for name, p in places.items():
        skipped = p.recipe.encoding is Encoding.F32 or (p.recipe.dynamic and name in graph.output_names)
        if p.role is Role.ACTIVATION and not skipped:
            found[name] = _activation(graph, name, p, ranges, found)
    for node in graph.nodes:
        if isinstance(node.op, LAYERS) and places[node.inputs[1]].recipe.encoding is not Encoding.F32:
            found |= _layer(graph, node, places, found)
    return {name: found[name] for name in places if name in found}


def source_format(graph: Graph, name: str, found: Mapping[str, FakeQuantize]) -> FakeQuantize:
    """The quantizer whose codes a value holds: its own, or that of the value from which ops have moved them; float32 without any."""
    while name not in found:
        producer = graph.producer(name)
        if producer is None or not isinstance(producer.op, MOVING):
            return FakeQuantize(F32)
        name = producer.inputs[0]
    return found[name]


def _activation(graph: Graph, name: str, p: Place, ranges: Mapping[str, Range], found: Mapping[str, FakeQuantize]) -> FakeQuantize:
    if p.like is not None:
        like = source_format(graph, p.like, found)
        return replace(like, rounding=p.rounding)
    data = graph.values[name].data
    if p.fixed is not None:
        range = Range(*p.fixed)
    elif data is not None:
        range = Range.around(float(data.min(initial=0)), float(data.max(initial=0)))
    else:
        range = ranges[p.range]
    q = activation_format(range, p.recipe)
    return FakeQuantize(q, p.rounding, p.recipe.dynamic, p.recipe.dynamic and p.recipe.scale is ScaleKind.POWER_OF_TWO)


def _layer(graph: Graph, node: Node, places: Mapping[str, Place], found: Mapping[str, FakeQuantize]) -> dict[str, FakeQuantize]:
    """The quantizers of a layer's weights and bias; the bias of a layer with a dynamic input stays float, as its scale is not known."""
    w_name, b_name = node.inputs[1], node.inputs[2] if len(node.inputs) > 2 else ""
    w, b = graph.values[w_name].data, graph.values[b_name].data if b_name else None
    p, x = places[w_name], source_format(graph, node.inputs[0], found)
    assert w is not None and p.axis is not None
    static = isinstance(x.output, QType) and not x.dynamic
    x_scale = x.output.scale[0] if static and isinstance(x.output, QType) else 1.0
    return layer_formats(graph, node, places, found, weight_format(w, p.recipe, p.axis, b, x_scale))


def layer_formats(
    graph: Graph, node: Node, places: Mapping[str, Place], found: Mapping[str, FakeQuantize], q: QType | FType
) -> dict[str, FakeQuantize]:
    """The quantizers of a layer's weights, whose format is `q` but for dyadic ratios, and of its bias where it has a place."""
    w_name, b_name = node.inputs[1], node.inputs[2] if len(node.inputs) > 2 else ""
    x, y = source_format(graph, node.inputs[0], found), found.get(node.name)
    static = isinstance(x.output, QType) and not x.dynamic
    if not isinstance(x.output, QType) or not isinstance(q, QType) or not static:
        return {w_name: FakeQuantize(q, Rounding.HALF_AWAY)}
    x_scale = x.output.scale[0]
    if places[w_name].recipe.scale is ScaleKind.DYADIC and y and isinstance(y.output, QType) and not y.output.bipolar:
        q = dyadic(q, x_scale, y.output.scale[0])
    layer = {w_name: FakeQuantize(q, Rounding.HALF_AWAY)}
    if b_name in places:
        channels = graph.values[b_name].type.size
        bits = 64 if x.output.dtype.itemsize > 1 else 32
        layer[b_name] = FakeQuantize(bias_format(x_scale, q, channels, bits), Rounding.HALF_AWAY)
    return layer

