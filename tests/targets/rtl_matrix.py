"""Cases as one design: all those of an op, in several folds, side by side in one top module, so that one simulator runs them."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Array, Graph, Node, Port, Value
from tapeout.compiler.run import run
from tapeout.targets.rtl.instance import Fold
from tapeout.targets.rtl.library import kernel_for, runs_in_wires
from tests.cases import Case, align, samples


@dataclass(frozen=True)
class Matrix:
    """Cases side by side: a graph whose names begin with `<case>_<fold>__`, the folds of its nodes, and the inputs of all."""

    graph: Graph
    folding: Mapping[str, Fold]
    inputs: Mapping[str, Array]

    def reference(self) -> dict[str, Array]:
        return run(self.graph, self.inputs)


def folds_of(case: Case) -> list[Fold]:
    """One by one, everything at once, and in between each way alone. Raises Unsupported for a case that the target does not run."""
    node = next(n for n in case.graph.nodes if not runs_in_wires(n))
    pe, simd = kernel_for(case.graph, node).folds(case.graph, node)
    some = {Fold(), Fold(pe, 1), Fold(1, simd), Fold(_half(pe), _half(simd))}
    if pe * simd <= 256:
        some.add(Fold(pe, simd))
    return sorted(some, key=str)


def _half(number: int) -> int:
    """The largest divisor below, 1 for a prime."""
    return max((n for n in range(1, min(number, 9)) if number % n == 0), default=1)


def runs(case: Case) -> str | None:
    """Why the target does not run a case; None when it does."""
    try:
        for fold in folds_of(case):
            for node in case.graph.nodes:
                if not runs_in_wires(node):
                    kernel_for(case.graph, node).instance(case.graph, node, fold)
    except Unsupported as error:
        return str(error)
    return None


def matrix(cases: Iterable[Case]) -> Matrix:
    """All folds of the cases, which the target runs."""
    inputs: list[Port] = []
    outputs: list[Port] = []
    nodes: list[Node] = []
    values: dict[str, Value] = {}
    folding: dict[str, Fold] = {}
    feeds: dict[str, Array] = {}
    for case in cases:
        given = samples(case)
        for fold in folds_of(case):
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
