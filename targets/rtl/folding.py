"""Which parallel hardware each layer gets: by hand, the least that keeps an initiation interval, or the fastest within a budget."""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tapeout.compiler.budget import parse_budgets
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph, Node

from .device import Device
from .fastest import fastest
from .instance import Fold
from .library import all_folds, kernel_for, runs_in_wires

_BUDGET = r"(lut|ff|dsp|bram)=[0-9.]+[kM]?"


def parse_folds(texts: Sequence[str], graph: Graph, device: Device | None = None) -> dict[str, Fold]:
    """The folds of texts like `conv1=4x8` (PE x SIMD), and of one like `256`: all other layers take so many cycles a frame at most; or of
    some like `lut=5000`, `dsp=28`: the shortest interval within these resources, and within the device's where one is given.

    Without a number other layers are as slow as the slowest of those that are named, or fully folded when none is. Raises TapeoutError.
    """
    budgets = [text for text in texts if re.fullmatch(_BUDGET, text)]
    if budgets:
        return _within(budgets, [text for text in texts if text not in budgets], graph, device)
    known = {node.name: node for node in graph.nodes if not runs_in_wires(node)}
    given: dict[str, Fold] = {}
    interval: int | None = None
    for text in texts:
        match = re.fullmatch(r"(?:(.+)=([1-9]\d*)x([1-9]\d*)|([1-9]\d*))", text)
        if not match:
            raise TapeoutError(f"--fold {text!r}: write LAYER=PExSIMD, a number of cycles, or a budget such as lut=5000 or dsp=28")
        if match[4]:
            interval = int(match[4])
        elif match[1] not in known:
            raise TapeoutError(f"--fold {text!r}: there is no layer {match[1]!r}; there are {', '.join(known)}")
        else:
            given[match[1]] = Fold(int(match[2]), int(match[3]))
    if interval is None and given:
        interval = max(kernel_for(graph, known[name]).cycles(graph, known[name], fold) for name, fold in given.items())
    return solve(graph, interval) | given


def _within(budgets: Sequence[str], others: Sequence[str], graph: Graph, device: Device | None) -> dict[str, Fold]:
    """The folds of budgets, beside those that others give by hand."""
    limits = {text.partition("=")[0]: parse_budgets(text)[0].limit for text in budgets}
    by_hand = [text for text in others if text.isdigit()]
    if by_hand:
        raise TapeoutError(f"--fold {by_hand[0]}: cycles are what --fold {budgets[0]} finds the fewest of; give one of the two")
    named = parse_folds(others, graph)
    given = {name: fold for name, fold in named.items() if any(text.startswith(f"{name}=") for text in others)}
    return fastest(graph, limits, given, device)


def solve(graph: Graph, interval: int | None) -> dict[str, Fold]:
    """For each layer the fold with the fewest multipliers, and of these the fewest outputs side by side, that takes at most `interval`
    cycles a frame; None allows any. Layers do not share hardware, so that the least of each is the least of all. Raises TapeoutError.
    """
    return {node.name: _least(graph, node, interval) for node in graph.nodes if not runs_in_wires(node)}


def _least(graph: Graph, node: Node, interval: int | None) -> Fold:
    kernel = kernel_for(graph, node)
    choices = all_folds(graph, node)
    fitting = [f for f in choices if interval is None or kernel.cycles(graph, node, f) <= interval]
    if not fitting:
        least = min(kernel.cycles(graph, node, f) for f in choices)
        raise TapeoutError(f"{node.name}: takes {least} cycles a frame at the least, {interval} are asked for")
    return min(fitting, key=lambda f: (f.pe * f.simd, f.pe))


def interval(graph: Graph, folds: Mapping[str, Fold]) -> int:
    """The cycles between frames: those of the slowest layer."""
    return max(kernel_for(graph, n).cycles(graph, n, folds[n.name]) for n in graph.nodes if not runs_in_wires(n))
