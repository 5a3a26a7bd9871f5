"""Offsets for blocks that live for a while: greedy orders first, then a solver that proves the optimum."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from .cp_sat import load_cp_model

Block = tuple[int, int, int]  # first and last moment of life, both included, and bytes
_SOLVER_EFFORT = 4.0  # CP-SAT's deterministic seconds: the same result on every machine


@dataclass(frozen=True)
class Trail:
    """Two blocks, by number, that meet in one moment, in which `input` is read and `output` written behind the reading: they may overlap
    there if the output begins at least `lead` before the input."""

    input: int
    output: int
    lead: int


@dataclass(frozen=True)
class Placement:
    """Offsets of the blocks in their order, the height that they need, and whether that is proved to be least."""

    offsets: tuple[int, ...]
    height: int
    optimal: bool


def place(blocks: Sequence[Block], unit: int = 1, trails: Sequence[Trail] = ()) -> Placement:
    """Offsets, multiples of `unit`, at which no two blocks that live at once overlap but as `trails` allow; sizes and leads are
    multiples of `unit`.

    Greedy placement mostly meets the lower bound. Where it does not, OR-tools' CP-SAT searches within a
    deterministic limit; without OR-tools the greedy placement stands.
    """
    bound = peak(blocks, trails)
    greedy = place_greedily(blocks, trails)
    if greedy.height == bound:
        return greedy
    return _solve(blocks, greedy, bound, unit, trails) or greedy


def peak(blocks: Sequence[Block], trails: Sequence[Trail] = ()) -> int:
    """The largest sum of the sizes of blocks that live at once, two that trail counted as what they cover at least."""
    less = {blocks[t.output][0]: spared(blocks[t.input][2], blocks[t.output][2], t.lead) for t in trails}
    return max((sum(size for first, last, size in blocks if first <= at <= last) - less.get(at, 0) for at, _, _ in blocks), default=0)


def spared(input: int, output: int, lead: int) -> int:
    """How many bytes two blocks of these sizes share at most, when the output begins at least `lead` before the input."""
    return max(0, input + output - max(output, max(lead, 0) + input))


def place_greedily(blocks: Sequence[Block], trails: Sequence[Trail] = ()) -> Placement:
    """The best of several orders of best fit at the lowest offset."""
    keys: tuple[Callable[[Block], tuple[int, ...]], ...] = (
        lambda b: (-b[2], b[0]),
        lambda b: (-b[2] * (b[1] - b[0] + 1), b[0]),
        lambda b: (b[0], -b[2]),
        lambda b: (-b[1], -b[2]),
        lambda b: (b[0] - b[1], -b[2]),
    )
    best: Placement | None = None
    bound = peak(blocks, trails)
    for key in keys:
        offsets = _lowest_fit(blocks, sorted(range(len(blocks)), key=lambda i: (key(blocks[i]), i)), trails)
        height = _height(blocks, offsets)
        if best is None or height < best.height:
            best = Placement(offsets, height, height == bound)
    assert best
    return best


def _height(blocks: Sequence[Block], offsets: Sequence[int]) -> int:
    return max((offset + block[2] for offset, block in zip(offsets, blocks, strict=True)), default=0)


def _lowest_fit(blocks: Sequence[Block], order: Sequence[int], trails: Sequence[Trail]) -> tuple[int, ...]:
    """Places each block, in this order, at the lowest offset that is free during its life."""
    leads = {(t.input, t.output): t.lead for t in trails}
    placed: dict[int, int] = {}
    for index in order:
        first, last, size = blocks[index]
        offset = 0
        taken = []  # between which two offsets, both excluded, the block cannot begin
        for other, at in placed.items():
            if blocks[other][0] <= last and first <= blocks[other][1]:
                low = at - leads[other, index] if (other, index) in leads else at - size
                high = at + leads[index, other] if (index, other) in leads else at + blocks[other][2]
                taken.append((low, high))
        for low, high in sorted(taken):
            if low < offset < high:
                offset = high
        placed[index] = offset
    return tuple(placed[i] for i in range(len(blocks)))


def _solve(blocks: Sequence[Block], start: Placement, bound: int, unit: int, trails: Sequence[Trail]) -> Placement | None:
    """CP-SAT's placement, no higher than `start`; None without OR-tools."""
    try:
        cp_model = load_cp_model()
    except ImportError:
        return None
    model = cp_model.CpModel()
    height = model.new_int_var(bound // unit, start.height // unit, "height")
    offsets = []
    for number, ((_, _, size), hint) in enumerate(zip(blocks, start.offsets, strict=True)):
        offset = model.new_int_var(0, (start.height - size) // unit, f"offset_{number}")
        model.add(offset + size // unit <= height)
        model.add_hint(offset, hint // unit)
        offsets.append(offset)
    model.add_hint(height, start.height // unit)
    leads = {(t.input, t.output): t.lead for t in trails}
    for a, b in combinations(range(len(blocks)), 2):
        if blocks[a][0] <= blocks[b][1] and blocks[b][0] <= blocks[a][1]:
            ways = [(a, b, blocks[a][2]), (b, a, blocks[b][2])]  # the first ends so far behind its offset before the second begins
            ways += [(output, input, leads[input, output]) for input, output in ((a, b), (b, a)) if (input, output) in leads]
            chosen = [model.new_bool_var("") for _ in ways]
            model.add_bool_or(chosen)
            for choice, (lower, upper, lead) in zip(chosen, ways, strict=True):
                model.add(offsets[lower] + lead // unit <= offsets[upper]).only_enforce_if(choice)
    model.minimize(height)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = _SOLVER_EFFORT
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    found = tuple(int(solver.value(offset)) * unit for offset in offsets)
    return Placement(found, _height(blocks, found), status == cp_model.OPTIMAL)
