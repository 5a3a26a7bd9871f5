"""Which parallel hardware each layer gets: by hand, or the least that keeps an initiation interval."""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph, Node

from .instance import Fold
from .library import kernel_for, runs_in_wires


def parse_folds(texts: Sequence[str], graph: Graph) -> dict[str, Fold]:
    """The folds of texts like `conv1=4x8` (PE x SIMD), and of one like `256`: all other layers take so many cycles a frame at most.

    Without a number other layers are as slow as the slowest of those that are named, or fully folded when none is. Raises TapeoutError.
    """
    known = {node.name: node for node in graph.nodes if not runs_in_wires(node)}
    given: dict[str, Fold] = {}
    interval: int | None = None
    for text in texts:
        match = re.fullmatch(r"(?:(.+)=([1-9]\d*)x([1-9]\d*)|([1-9]\d*))", text)
        if not match:
            raise TapeoutError(f"--fold {text!r}: write LAYER=PExSIMD, or a number of cycles")
        if match[4]:
            interval = int(match[4])
        elif match[1] not in known:
            raise TapeoutError(f"--fold {text!r}: there is no layer {match[1]!r}; there are {', '.join(known)}")
        else:
            given[match[1]] = Fold(int(match[2]), int(match[3]))
    if interval is None and given:
        interval = max(kernel_for(graph, known[name]).cycles(graph, known[name], fold) for name, fold in given.items())
    return solve(graph, interval) | given


def solve(graph: Graph, interval: int | None) -> dict[str, Fold]:
    """For each layer the fold with the fewest multipliers, and of these the fewest outputs side by side, that takes at most `interval`
    cycles a frame; None allows any. Layers do not share hardware, so that the least of each is the least of all. Raises TapeoutError.
    """
    return {node.name: _least(graph, node, interval) for node in graph.nodes if not runs_in_wires(node)}


def _least(graph: Graph, node: Node, interval: int | None) -> Fold:
    kernel = kernel_for(graph, node)
    outputs, inputs = kernel.folds(graph, node)
    choices = [Fold(pe, simd) for pe in _divisors(outputs) for simd in _divisors(inputs)]
    fitting = [f for f in choices if interval is None or kernel.cycles(graph, node, f) <= interval]
    if not fitting:
        least = min(kernel.cycles(graph, node, f) for f in choices)
        raise TapeoutError(f"{node.name}: takes {least} cycles a frame at the least, {interval} are asked for")
    return min(fitting, key=lambda f: (f.pe * f.simd, f.pe))


def _divisors(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if number % n == 0]


def interval(graph: Graph, folds: Mapping[str, Fold]) -> int:
    """The cycles between frames: those of the slowest layer."""
    return max(kernel_for(graph, n).cycles(graph, n, folds[n.name]) for n in graph.nodes if not runs_in_wires(n))
