"""Cases as one design: all those of an op, in several folds, side by side in one top module, so that one simulator runs them."""
from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Array, Graph, Node, Port, Value
from tapeout.compiler.run import run
from tapeout.targets.rtl.instance import Fold
from tapeout.targets.rtl.library import kernel_for, runs_in_wires
from tests.cases import Case, align, samples

CYCLES = 5000  # of a frame: cases run side by side, so that the slowest is what all of them take


@dataclass(frozen=True)
class Matrix:
    """Cases side by side: a graph whose names begin with `<case>_<fold>__`, the folds of its nodes, and the inputs of all."""

    graph: Graph
    folding: Mapping[str, Fold]
    inputs: Mapping[str, Array]

    def reference(self) -> dict[str, Array]:
        return run(self.graph, self.inputs)


def fold_of(case: Case) -> Fold:
    """In turn from case to case: one by one, several outputs, several inputs, several of both, all at once; the next one in turn where a
    frame takes too long. Raises Unsupported."""
    node = next(n for n in case.graph.nodes if not runs_in_wires(n))
    kernel = kernel_for(case.graph, node)
    pe, simd = kernel.folds(case.graph, node)
    whole = Fold(pe if pe <= 8 else 1, simd if simd <= 16 else 1)
    choices = [Fold(), Fold(_some(pe), 1), Fold(1, _some(simd)), Fold(_some(pe), _some(simd)), whole]
    first = zlib.crc32(case.name.encode()) % len(choices)
    turns = [*choices[first:], *choices[:first]]
    return next((fold for fold in turns if kernel.cycles(case.graph, node, fold) <= CYCLES), whole)


def _some(number: int) -> int:
    """The largest divisor below 5, the number itself if it has no other."""
    return max((n for n in range(2, 5) if number % n == 0), default=number if number < 20 else 1)


def runs(case: Case) -> str | None:
    """Why the target does not run a case; None when it does."""
    try:
        for node in case.graph.nodes:
            if not runs_in_wires(node):
                kernel_for(case.graph, node).instance(case.graph, node, fold_of(case))
    except Unsupported as error:
        return str(error)
    return None


def matrix(cases: Iterable[tuple[Case, Fold]]) -> Matrix:
    """Cases that the target runs, in these folds."""
    inputs: list[Port] = []
    outputs: list[Port] = []
    nodes: list[Node] = []
    values: dict[str, Value] = {}
    folding: dict[str, Fold] = {}
    feeds: dict[str, Array] = {}
    for case, fold in cases:
        given = samples(case)
        prefix = f"{case.name}_{fold}__"
        inputs += [replace(p, value=prefix + p.value) for p in case.graph.inputs]
        outputs += [replace(p, value=prefix + p.value) for p in case.graph.outputs]
        values |= {prefix + name: replace(value, name=prefix + name) for name, value in case.graph.values.items()}
        for node in case.graph.nodes:
            names = tuple(prefix + name if name else "" for name in node.inputs)
            nodes.append(replace(node, inputs=names, outputs=tuple(prefix + name for name in node.outputs)))
            folding[nodes[-1].name] = fold
        feeds |= {prefix + name: array for name, array in given.items()}
    return Matrix(Graph("matrix", tuple(inputs), tuple(outputs), tuple(nodes), values), folding, align(feeds))
