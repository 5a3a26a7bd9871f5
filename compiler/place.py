"""Offsets for blocks that live for a while: greedy orders first, then a solver that proves the optimum."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .cp_sat import load_cp_model

Block = tuple[int, int, int]  # first and last moment of life, both included, and bytes
_SOLVER_EFFORT = 4.0  # CP-SAT's deterministic seconds: the same result on every machine


@dataclass(frozen=True)
class Placement:
    """Offsets of the blocks in their order, the height that they need, and whether that is proved to be least."""

    offsets: tuple[int, ...]
    height: int
    optimal: bool


def place(blocks: Sequence[Block], unit: int = 1) -> Placement:
    """Offsets, multiples of `unit`, at which no two blocks that live at once overlap; sizes are multiples of `unit`.

    Greedy placement mostly meets the lower bound. Where it does not, OR-tools' CP-SAT searches within a
    deterministic limit; without OR-tools the greedy placement stands.
    """
    bound = peak(blocks)
    greedy = place_greedily(blocks)
    if greedy.height == bound:
        return greedy
    return _solve(blocks, greedy, bound, unit) or greedy


def peak(blocks: Sequence[Block]) -> int:
    """The largest sum of the sizes of blocks that live at once."""
    return max((sum(size for first, last, size in blocks if first <= at <= last) for at, _, _ in blocks), default=0)


def place_greedily(blocks: Sequence[Block]) -> Placement:
    """The best of several orders of best fit at the lowest offset."""
    keys: tuple[Callable[[Block], tuple[int, ...]], ...] = (
        lambda b: (-b[2], b[0]),
        lambda b: (-b[2] * (b[1] - b[0] + 1), b[0]),
        lambda b: (b[0], -b[2]),
        lambda b: (-b[1], -b[2]),
        lambda b: (b[0] - b[1], -b[2]),
    )
    best: Placement | None = None
    bound = peak(blocks)
    for key in keys:
        offsets = _lowest_fit(blocks, sorted(range(len(blocks)), key=lambda i: (key(blocks[i]), i)))
        height = _height(blocks, offsets)
        if best is None or height < best.height:
            best = Placement(offsets, height, height == bound)
    assert best
    return best


def _height(blocks: Sequence[Block], offsets: Sequence[int]) -> int:
    return max((offset + block[2] for offset, block in zip(offsets, blocks, strict=True)), default=0)


def _lowest_fit(blocks: Sequence[Block], order: Sequence[int]) -> tuple[int, ...]:
    """Places each block, in this order, at the lowest offset that is free during its life."""
    placed: dict[int, int] = {}
    for index in order:
        first, last, size = blocks[index]
        offset = 0
        for start, end in sorted((at, at + blocks[i][2]) for i, at in placed.items() if blocks[i][0] <= last and first <= blocks[i][1]):
            if offset + size <= start:
                break
            offset = max(offset, end)
        placed[index] = offset
    return tuple(placed[i] for i in range(len(blocks)))


def _solve(blocks: Sequence[Block], start: Placement, bound: int, unit: int) -> Placement | None:
    """CP-SAT's placement, no higher than `start`; None without OR-tools."""
    try:
        cp_model = load_cp_model()
    except ImportError:
        return None
    model = cp_model.CpModel()
    height = model.new_int_var(bound // unit, start.height // unit, "height")
    offsets, lives, spans = [], [], []
    for number, ((first, last, size), hint) in enumerate(zip(blocks, start.offsets, strict=True)):
        offset = model.new_int_var(0, (start.height - size) // unit, f"offset_{number}")
        model.add(offset + size // unit <= height)
        model.add_hint(offset, hint // unit)
        offsets.append(offset)
        lives.append(model.new_fixed_size_interval_var(first, last - first + 1, f"life_{number}"))
        spans.append(model.new_fixed_size_interval_var(offset, size // unit, f"span_{number}"))
    model.add_hint(height, start.height // unit)
    model.add_no_overlap_2d(lives, spans)
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
