"""Where quantizers stand in a float graph, and what a recipe makes of each: the same for training and for quantization after it."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import FType, Graph, Node, Op
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.average_pool2d import AveragePool2D
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.concat import Concat
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.compiler.ops.depthwise_conv2d import DepthwiseConv2D
from tapeout.compiler.ops.max_pool2d import MaxPool2D
from tapeout.compiler.ops.mean import Mean
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.ops.pad import Pad
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.ops.sigmoid import Sigmoid
from tapeout.compiler.ops.slice import Slice
from tapeout.compiler.ops.softmax import Softmax
from tapeout.compiler.ops.sub import Sub
from tapeout.compiler.ops.tanh import Tanh
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.unary import Unary

from .recipe import Encoding, Recipe, TensorRecipe

LAYERS = (Conv2D, DepthwiseConv2D, Dense)
MOVING = (Reshape, Transpose, Slice, MaxPool2D, Pad, Clip)  # give codes of the format that they read
_PICKING = (Reshape, Transpose, Slice, MaxPool2D)  # each element of the output is one of the input: saturating may come first
_ROUNDING = (*LAYERS, Add, Sub, Mul, Mean, AveragePool2D, Concat, Softmax, Unary)


_BINARIZED = ("input", *(kind.name() for kind in LAYERS))


class Role(StrEnum):
    WEIGHT = "weight"
    BIAS = "bias"
    ACTIVATION = "activation"


@dataclass(frozen=True)
class Place:
    """A value that is quantized. `layer` is the node whose operand or result it is, or the value itself for an input.

    `range` names the value whose reals the format is made for, itself unless it flows only into a clip or a concat; `like` names a
    value whose format it has to have. `axis` is that of output channels of a weight.
    """

    role: Role
    recipe: TensorRecipe
    rounding: Rounding
    layer: str
    range: str
    like: str | None = None
    axis: int | None = None
    fixed: tuple[float, float] | None = None  # least and greatest real that the result can have, whatever the data


# Scales 1/256 and 1/128, as in TensorFlow Lite: the function's range, so that no input can saturate it.
_FIXED: dict[type[Op], tuple[float, float]] = {
    Sigmoid: (0.0, 255 / 256), Tanh: (-1.0, 127 / 128), Softmax: (0.0, 255 / 256),
}  # fmt: skip
# Of results whose operands are all -1 or +1: what the float network has there says nothing of them.
_OF_SIGNS: dict[type[Op], tuple[float, float]] = {
    AveragePool2D: (-1.0, 1.0), Mean: (-1.0, 1.0), Mul: (-1.0, 1.0), Add: (-2.0, 2.0), Sub: (-2.0, 2.0),
}  # fmt: skip


def place(graph: Graph, recipe: Recipe) -> dict[str, Place]:
    """The place of every value of a simplified float graph that gets a quantizer, in the order of the graph.

    Raises Unsupported that names a node which has no integer form, and TapeoutError for a rule that cannot be.
    """
    positions = _positions(graph)
    sole = {name: found[0] for name, found in graph.consumers().items() if len(found) == 1 and name not in graph.output_names}
    places: dict[str, Place] = {}
    owners: dict[str, str] = {}  # of a value that holds codes, the placed value whose format they have

    def activation(name: str, op: str, layer: str, like: str | None = None, fixed: tuple[float, float] | None = None) -> None:
        chosen = recipe.layer(layer, op, positions.get(layer, ()))
        tensor, rounding = chosen.activations, chosen.rounding
        if like is not None and places[like].recipe.encoding is Encoding.BINARY:
            like = None  # a mean of signs is none
        if like is not None:
            tensor = places[like].recipe
        elif tensor.encoding is Encoding.BINARY and op not in _BINARIZED:
            tensor = TensorRecipe(symmetric=False)  # only sums and inputs become signs
        elif fixed is not None and tensor.encoding is Encoding.INTEGER:
            tensor = replace(tensor, bits=8, signed=True, symmetric=False, dynamic=False, integer_bits=None)
        if op == "input" and rounding is Rounding.HALF_UP:
            rounding = Rounding.HALF_AWAY  # what makes codes of the user's floats rounds as TensorFlow Lite does
        places[name] = Place(Role.ACTIVATION, tensor, rounding, layer, _end(name, sole), like, fixed=fixed)
        owners[name] = name

    for port in graph.inputs:
        if port.value not in places:
            activation(port.value, "input", port.value)
    for node in graph.nodes:
        op = node.op.name()
        if isinstance(node.op, MOVING):
            owners[node.name] = owners[node.inputs[0]]
            continue
        if not isinstance(node.op, _ROUNDING):
            raise Unsupported(f"{node.name}: {op} cannot be quantized; compile the model in float32")
        if isinstance(node.op, LAYERS):
            _layer(graph, node, recipe, positions[node.name], places)
        else:
            for name in node.inputs:
                if name and graph.values[name].constant and name not in places:
                    activation(name, op, node.name)
        like = owners[node.inputs[0]] if isinstance(node.op, AveragePool2D) else None
        of_signs = all(i in owners and places[owners[i]].recipe.encoding is Encoding.BINARY for i in node.inputs if i)
        activation(node.name, op, node.name, like, (_FIXED | _OF_SIGNS if of_signs else _FIXED).get(type(node.op)))
        if isinstance(node.op, LAYERS) and _has_thresholds(places[node.name].recipe):
            places.pop(node.inputs[2] if len(node.inputs) > 2 else "", None)
    return places


def with_accumulators(graph: Graph, recipe: Recipe) -> Graph:
    """The graph whose layers sum as the recipe says."""
    positions, nodes = _positions(graph), []
    for node in graph.nodes:
        if isinstance(node.op, LAYERS):
            said = recipe.layer(node.name, node.op.name(), positions[node.name])
            node = replace(node, op=replace(node.op, accumulator=FType(said.accumulator.value), fused=said.fused))
        nodes.append(node)
    return graph.replace(nodes)


def _layer(graph: Graph, node: Node, recipe: Recipe, positions: tuple[str, ...], places: dict[str, Place]) -> None:
    """The places of a layer's weights and bias."""
    chosen = recipe.layer(node.name, node.op.name(), positions)
    w, b = node.inputs[1], node.inputs[2] if len(node.inputs) > 2 else ""
    if not all(graph.values[name].constant for name in (w, b) if name):
        raise Unsupported(f"{node.name}: {node.op.name()} can be quantized only with constant weights and bias")
    axis = len(graph.values[w].type.shape) - 1 if isinstance(node.op, DepthwiseConv2D) else 0
    for name, role in ((w, Role.WEIGHT), (b, Role.BIAS)):
        if not name:
            continue
        found = Place(role, chosen.weights, chosen.rounding, node.name, name, axis=axis if role is Role.WEIGHT else 0)
        if places.get(name, found) != found and replace(places[name], layer=node.name) != found:
            raise Unsupported(f"{node.name}: shares {name} with {places[name].layer}, for which the recipe says something else")
        places[name] = found


def _has_thresholds(recipe: TensorRecipe) -> bool:
    """Whether an activation has so few levels that its layer's bias goes into thresholds, which hold any bias exactly."""
    return recipe.encoding in (Encoding.BINARY, Encoding.TERNARY) or (recipe.encoding is Encoding.INTEGER and recipe.bits <= 2)


def _positions(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Of each layer with weights, by its name, which of `@first` and `@last` it is; a sole one is both."""
    layers = [n.name for n in graph.nodes if isinstance(n.op, LAYERS)]
    return {name: ("@first",) * (name == layers[0]) + ("@last",) * (name == layers[-1]) for name in layers}


def _end(name: str, sole: Mapping[str, Node]) -> str:
    """The value whose range decides the format of another; `sole` has the readers of values that have one."""
    at = end = name
    while at in sole:
        reader = sole[at]
        at = reader.name
        if isinstance(reader.op, Concat | Clip) or (isinstance(reader.op, MaxPool2D) and reader.op.clip):
            end = at
        elif not isinstance(reader.op, _PICKING):
            break
    return end
