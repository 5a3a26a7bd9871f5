"""The folds of the shortest interval within resources: an integer program over the estimates of each layer in each of its folds."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tapeout.compiler.cp_sat import load_cp_model
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.synthesis import Resources, total

from .device import Device
from .estimate import estimates, estimates_alone
from .instance import Fold
from .library import all_folds, runs_in_wires

_FAMILY = "ecp5"  # whose costs count where no device is named
_ROUNDS = 8  # of tightening, as what stands between layers depends on both


@dataclass(frozen=True)
class Choice:
    """A layer in a fold."""

    fold: Fold
    cycles: int
    resources: Resources


def fastest(graph: Graph, limits: Mapping[str, int], given: Mapping[str, Fold], device: Device | None) -> dict[str, Fold]:
    """For each layer a fold, so that the slowest takes the fewest cycles; of these the ones with the fewest tables.

    `limits` by kind (lut, ff, dsp, bram) bound the sums of estimates, those of a device its capacity; `given` folds are kept. Raises
    TapeoutError where not even the smallest hardware keeps them, or where a layer has no estimate.
    """
    family = device.family if device else _FAMILY
    bounds = {**(device.capacity.named() if device else {}), **limits}
    if device:
        bounds = {kind: min(bound, device.capacity.named()[kind]) for kind, bound in bounds.items()}
    layers = {n.name: _choices(graph, n, given.get(n.name), family) for n in graph.nodes if not runs_in_wires(n)}
    tight = dict(bounds)
    for _ in range(_ROUNDS):
        folds = _solved(layers, tight, bounds)
        sums = total(row.estimated for row in estimates(graph, folds, family) if row.estimated).named()
        over = {kind: sums[kind] - bound for kind, bound in bounds.items() if sums[kind] > bound}
        if not over:
            return folds
        tight = {kind: bound - over.get(kind, 0) for kind, bound in tight.items()}
    raise TapeoutError(f"--fold: no folds found within {_text(bounds)}; allow a little more")


def _choices(graph: Graph, node: Node, given: Fold | None, family: str) -> list[Choice]:
    """Those of a layer that no other one beats in all respects."""
    folds = [given] if given else all_folds(graph, node)
    found: list[Choice] = []
    for fold, row in zip(folds, estimates_alone(graph, node, folds, family), strict=True):
        if row.estimated is None:
            raise TapeoutError(f"{node.name}: there is no estimate of {row.module}, so that no budget can be kept; give --fold CYCLES")
        found.append(Choice(fold, row.cycles, row.estimated))
    return [c for i, c in enumerate(found) if not any(_beats(other, c, j < i) for j, other in enumerate(found) if j != i)]


def _beats(a: Choice, b: Choice, first: bool) -> bool:
    """Whether a is nowhere worse than b, and better somewhere, or the first of two that are alike."""
    left, right = ([c.cycles, *c.resources.named().values()] for c in (a, b))
    return all(x <= y for x, y in zip(left, right, strict=True)) and (left != right or first)


def _solved(layers: Mapping[str, Sequence[Choice]], tight: Mapping[str, int], bounds: Mapping[str, int]) -> dict[str, Fold]:
    least = {kind: sum(min(c.resources.named()[kind] for c in choices) for choices in layers.values()) for kind in bounds}
    for kind, bound in bounds.items():
        if least[kind] > bound:
            raise TapeoutError(f"--fold {kind}={bound}: the design takes some {least[kind]:,} {kind} at the least, by estimate")
    interval = _minimum(layers, tight, None)
    picked = _minimum(layers, tight, interval[0])
    return picked[1]


def _minimum(layers: Mapping[str, Sequence[Choice]], bounds: Mapping[str, int], interval: int | None) -> tuple[int, dict[str, Fold]]:
    """The least interval; or with one the fewest tables within it. Raises TapeoutError when there is none."""
    cp_model: Any = load_cp_model()
    model = cp_model.CpModel()
    taken = {name: [model.NewBoolVar("") for _ in choices] for name, choices in layers.items()}
    slowest = model.NewIntVar(0, interval or max(c.cycles for choices in layers.values() for c in choices), "")
    for name, choices in layers.items():
        model.AddExactlyOne(taken[name])
        model.Add(slowest >= sum(c.cycles * b for c, b in zip(choices, taken[name], strict=True)))
    sums = {
        kind: sum(c.resources.named()[kind] * b for name, cs in layers.items() for c, b in zip(cs, taken[name], strict=True))
        for kind in {*bounds, "lut"}
    }
    for kind, bound in bounds.items():
        model.Add(sums[kind] <= bound)
    model.Minimize(slowest if interval is None else sums["lut"])
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1  # the same folds each time
    solver.parameters.max_deterministic_time = 20.0
    if solver.Solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise TapeoutError(f"--fold: no folds keep {_text(bounds)} together; allow more of one of them")
    folds = {n: next(c.fold for c, b in zip(cs, taken[n], strict=True) if solver.Value(b)) for n, cs in layers.items()}
    return int(solver.Value(slowest)), folds


def _text(bounds: Mapping[str, int]) -> str:
    return ", ".join(f"{kind}={bound}" for kind, bound in bounds.items())
