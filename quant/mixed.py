"""Mixed precision: bits of each layer's weights by measured sensitivity and an integer program, under a bound on bytes."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tapeout.compiler.cp_sat import load_cp_model
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import FType, Graph, QType, Type

from .layers import Network
from .placement import LAYERS, place
from .quantize import layer_formats, quantizers
from .recipe import Encoding, Recipe, Rule
from .scheme import Range, weight_format

BITS = (2, 3, 4, 5, 6, 8)  # that a layer's weights may have
_SCALE = 1e9  # of losses in the integer program, which takes whole numbers


@dataclass(frozen=True)
class Choice:
    """What a layer costs with so many bits: bytes of its weights, and by how much the loss rises when it alone has them."""

    layer: str
    bits: int
    bytes: int
    loss: float


@dataclass(frozen=True)
class Point:
    """One point of the front: bits by layer, in the order of the graph, their bytes and the sum of their losses."""

    bits: tuple[int, ...]
    bytes: int
    loss: float


@dataclass(frozen=True)
class Mixed:
    """What a search gives: the recipe for the budget, and the front from the fewest bytes to the least loss."""

    recipe: Recipe
    chosen: Point
    front: tuple[Point, ...]
    choices: tuple[Choice, ...]
    layers: tuple[str, ...]

    def table(self) -> str:
        """The front and the choice as text."""
        lines = [f"{'bytes':>9}  {'loss':>9}  bits of {', '.join(self.layers)}"]
        for point in self.front:
            mark = "  <- chosen" if point == self.chosen else ""
            lines.append(f"{point.bytes:>9,}  {point.loss:>9.5f}  {' '.join(map(str, point.bits))}{mark}")
        return "\n".join(lines)

    def draw(self, path: Path) -> None:
        """Writes the front as a picture."""
        import matplotlib

        matplotlib.use("agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
        axes.plot([p.bytes for p in self.front], [p.loss for p in self.front], marker=".", label="front")
        axes.plot([self.chosen.bytes], [self.chosen.loss], marker="o", linestyle="", label="chosen")
        axes.set(title="weight bits per layer", xlabel="bytes of weights", ylabel="predicted rise of the loss")
        axes.legend()
        figure.savefig(path, dpi=110)
        pyplot.close(figure)


def sensitivity(
    graph: Graph, recipe: Recipe, ranges: Mapping[str, Range], x: Tensor, y: Tensor, bits: Sequence[int] = BITS
) -> tuple[Choice, ...]:
    """The cost of every layer of a simplified float graph at each number of bits, everything else as the recipe says.

    `x` (N, ...) in the layout of the graph's input and labels `y` (N): the loss is the cross entropy on them.
    """
    places = place(graph, recipe)
    formats = quantizers(graph, places, ranges)
    base = _loss(Network(graph, places, formats), x, y)
    found = []
    for node in graph.nodes:
        if not isinstance(node.op, LAYERS):
            continue
        w = graph.values[node.inputs[1]]
        p = places[node.inputs[1]]
        assert w.data is not None and p.axis is not None
        for width in bits:
            tensor = replace(p.recipe, bits=width, encoding=Encoding.INTEGER)
            q = weight_format(w.data, tensor, p.axis)
            assert not isinstance(q, FType)
            changed = {**formats, **layer_formats(graph, node, places, formats, q)}
            loss = _loss(Network(graph, {**places, w.name: replace(p, recipe=tensor)}, changed), x, y)
            found.append(Choice(node.name, width, weight_bytes(w.type, q), max(0.0, loss - base)))
    return tuple(found)


def weight_bytes(type: Type, q: QType) -> int:
    """Bytes of weights in flash: packed below 8 bits."""
    return Type(type.shape, replace(q, packed=q.bits < 8)).bytes


def _loss(network: Network, x: Tensor, y: Tensor) -> float:
    network.eval()
    with torch.no_grad():
        parts = [network(part)[0].reshape(len(part), -1) for part in torch.split(x, 256)]
        return float(F.cross_entropy(torch.cat(parts), y))


def search(recipe: Recipe, choices: Sequence[Choice], budget: int, size: Callable[[Recipe], int] | None = None, points: int = 24) -> Mixed:
    """The bits of every layer with the least predicted loss that was found with a `size` within `budget` bytes, as a recipe.

    `size` measures a recipe's build, the bytes of the weights alone when it is not given; `recipe` says everything but the bits. The
    program is solved for so many bounds on the weights, from the fewest bits to the most. As builds hold code for each width too, the
    best of these and of the equal widths that fits is then bettered, layer by layer. Raises TapeoutError that names the least size when
    the budget is below it.
    """
    layers = tuple(dict.fromkeys(c.layer for c in choices))
    smallest = sum(min(c.bytes for c in choices if c.layer == name) for name in layers)
    largest = sum(max(c.bytes for c in choices if c.layer == name) for name in layers)
    bounds = sorted({*(int(b) for b in np.linspace(smallest, largest, points)), *([budget] if smallest <= budget <= largest else [])})
    found = dict.fromkeys(solve(choices, bound) for bound in bounds)
    front = tuple(p for p in found if not any(o.bytes <= p.bytes and o.loss <= p.loss and o != p for o in found))
    sizes: dict[Point, int] = {}

    def fits(point: Point) -> bool:
        if point not in sizes:
            sizes[point] = size(_concrete(recipe, layers, point)) if size else point.bytes
        return sizes[point] <= budget

    chosen = next(filter(fits, _by_loss([*front, *_equal_widths(choices, layers)])), None)
    if chosen is None:
        raise TapeoutError(f"a budget of {budget} bytes is below the least that was found, {min(sizes.values())}")
    while (better := next(filter(fits, _by_loss(_betters(choices, layers, chosen))), None)) is not None:
        chosen = better
    front = tuple(sorted({*front, chosen}, key=lambda p: (p.bytes, -p.loss)))
    return Mixed(_concrete(recipe, layers, chosen), chosen, front, tuple(choices), layers)


def _by_loss(points: Sequence[Point]) -> list[Point]:
    return sorted(points, key=lambda p: (p.loss, p.bytes))


def _point(choices: Sequence[Choice], layers: Sequence[str], bits: Sequence[int]) -> Point | None:
    """The point of these bits, if every layer may have them."""
    known = {(c.layer, c.bits): c for c in choices}
    kept = [known[key] for key in zip(layers, bits, strict=True) if key in known]
    return Point(tuple(bits), sum(c.bytes for c in kept), sum(c.loss for c in kept)) if len(kept) == len(layers) else None


def _equal_widths(choices: Sequence[Choice], layers: Sequence[str]) -> list[Point]:
    """As many bits in every layer, by which a build has the least code."""
    points = [_point(choices, layers, [bits] * len(layers)) for bits in sorted({c.bits for c in choices})]
    return [p for p in points if p is not None]


def _betters(choices: Sequence[Choice], layers: Sequence[str], point: Point) -> list[Point]:
    """The points of less loss in which one layer has other bits."""
    changed = [
        _point(choices, layers, [c.bits if name == c.layer else bits for name, bits in zip(layers, point.bits, strict=True)])
        for c in choices
    ]  # fmt: skip
    return [p for p in changed if p is not None and p.loss < point.loss]


def _concrete(recipe: Recipe, layers: Sequence[str], point: Point) -> Recipe:
    """The recipe with these bits."""
    rules = tuple(Rule(layers=(_literal(name),), weights={"bits": width}) for name, width in zip(layers, point.bits, strict=True))
    return replace(recipe, rules=(*recipe.rules, *rules), searched=False)


def _literal(name: str) -> str:
    """A shell pattern that matches this name alone."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def solve(choices: Sequence[Choice], budget: int) -> Point:
    """The least sum of losses, then of bytes, with one choice per layer and at most `budget` bytes, by OR-tools' CP-SAT."""
    cp_model = load_cp_model()
    model = cp_model.CpModel()
    layers = list(dict.fromkeys(c.layer for c in choices))
    taken = [model.new_bool_var(f"{c.layer}:{c.bits}") for c in choices]
    for name in layers:
        model.add_exactly_one(t for t, c in zip(taken, choices, strict=True) if c.layer == name)
    total = sum(t * c.bytes for t, c in zip(taken, choices, strict=True))
    model.add(total <= budget)
    most = sum(c.bytes for c in choices) + 1
    losses = [min(round(c.loss * _SCALE), (1 << 62) // (most * len(choices) * 2)) for c in choices]
    model.minimize(sum(t * (loss * most + c.bytes) for t, c, loss in zip(taken, choices, losses, strict=True)))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    if solver.solve(model) != cp_model.OPTIMAL:
        raise TapeoutError(f"no bits of the layers fit {budget} bytes")
    kept = [c for t, c in zip(taken, choices, strict=True) if solver.value(t)]
    return Point(tuple(c.bits for c in kept), sum(c.bytes for c in kept), sum(c.loss for c in kept))

