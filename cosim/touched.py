"""Which bytes of the arena a run writes: the memory plan, measured.

The arena is filled with 0xAA, a sample is run, and the arena is read back; then again with 0x55. A byte that no
one wrote holds what it was filled with both times. Two layouts are measured. As planned, between two guard zones,
the bytes written must be those of the plan's buffers, no more and no fewer. With the buffers apart, each of
them must be written in full, which sharing would hide, but for the scratch of kernels that say so.
"""
from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array, QType, Type
from tapeout.compiler.memory import Plan
from tapeout.targets.compiled import Compiled

from .compare import differing
from .engine import Inputs, Machine, execute
from .layout import GUARD, Layout, apart, framed, locate

_SHOWN = 5  # faults in one line
_FILLS = np.array([0xAA, 0x55], np.uint8)


@dataclass(frozen=True)
class Stretch:
    """Bytes in a row that are written but not planned, or planned but not written, and words for where they lie."""

    bytes: int
    where: str


@dataclass(frozen=True)
class Touched:
    """The bytes that a run writes against those that its plan holds.

    `end` is one past the last byte written, in the arena as planned; `unset` are outputs that depend on what the
    arena held before.
    """

    bytes: int
    end: int
    extra: tuple[Stretch, ...]
    missing: tuple[Stretch, ...]
    unset: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the plan is what the run does."""
        return not (self.extra or self.missing or self.unset)

    def text(self) -> str:
        """One line: `16000 bytes written, as planned`, or what is wrong."""
        faults = [f"{s.bytes} bytes written but not planned: {s.where}" for s in self.extra]
        faults += [f"{s.bytes} bytes planned but not written: {s.where}" for s in self.missing]
        faults += [f"output {name} depends on what the arena held before the run" for name in self.unset]
        more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        return "; ".join([f"{self.bytes} bytes written{'' if faults else ', as planned'}", *faults[:_SHOWN], *more])


def touched(machine: Machine, compiled: Compiled, inputs: Inputs) -> Touched:
    """Measures the bytes that runs on these samples write. Raises EngineFailed, and TapeoutError without a sample."""
    together, spread = framed(compiled.plan), apart(compiled.plan)
    written, unset = _measure(machine, compiled, inputs, framed)
    written_apart, unset_apart = _measure(machine, compiled, inputs, apart)
    extra = _stretches(written & ~_planned(together), together)
    sparse = frozenset(f"{name}.scratch" for name in compiled.selection.sparse())
    missing = _stretches(_planned(spread, sparse) & ~written_apart, spread)
    missing = missing or _stretches(_planned(together, sparse) & ~written, together)
    end = int(np.flatnonzero(written).max(initial=GUARD - 1)) + 1 - GUARD
    return Touched(int(written.sum()), end, extra, missing, tuple(dict.fromkeys((*unset, *unset_apart))))


def _measure(machine: Machine, compiled: Compiled, inputs: Inputs, layout: Layout) -> tuple[Array, tuple[str, ...]]:
    """Whether each byte of the arena is written, and the outputs that differ between the two fills."""
    graph = compiled.graph
    arena = Type((max(1, layout(compiled.plan).arena_bytes),), QType(8, signed=False))
    twice = {name: np.repeat(inputs[name], 2, axis=0) for name in graph.input_names}
    types = [arena, *(graph.values[name].type for name in graph.output_names)]
    after, *outputs = execute(machine, compiled, twice, "canary", types, layout)
    if not len(after):
        raise TapeoutError("the arena is measured with at least one sample")
    written = (after.reshape(-1, 2, *arena.shape) != _FILLS[None, :, None]).any(axis=(0, 1))
    unset = tuple(n for n, y in zip(graph.output_names, outputs, strict=True) if differing(y[0::2], y[1::2]).any())
    return np.asarray(written), unset


def _planned(plan: Plan, without: Container[str] = ()) -> Array:
    mask = np.zeros(max(1, plan.arena_bytes), bool)
    for buffer in plan.buffers:
        if buffer.name in without:
            continue
        mask[buffer.offset : buffer.offset + buffer.bytes] = True
    return mask


def _stretches(mask: Array, plan: Plan) -> tuple[Stretch, ...]:
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return tuple(Stretch(int(end - begin), locate(plan, int(begin))) for begin, end in edges.reshape(-1, 2))
