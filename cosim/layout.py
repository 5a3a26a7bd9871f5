"""Other layouts of a compiled model's arena: the same code and buffers, moved so that a check sees more.

Only `<name>_arena.h` says where buffers lie, so that file alone changes.
"""
from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tapeout.compiler.buffers import Buffer
from tapeout.compiler.memory import Plan
from tapeout.targets.c.emit import Emitter
from tapeout.targets.compiled import Compiled

GUARD = 64  # bytes that belong to no buffer, before and after each
_ALIGNMENT = 16  # of buffers that lie apart: a multiple of the 8 bytes for which AddressSanitizer keeps one state

Layout = Callable[[Plan], Plan]


def as_planned(plan: Plan) -> Plan:
    return plan


def apart(plan: Plan) -> Plan:
    """No two buffers share a byte, so that an address says which buffer is meant, live or dead."""
    at = GUARD
    buffers = []
    for buffer in plan.buffers:
        buffers.append(replace(buffer, offset=at))
        at = -(-(at + buffer.bytes + GUARD) // _ALIGNMENT) * _ALIGNMENT
    return replace(plan, buffers=tuple(buffers), arena_bytes=at)


def framed(plan: Plan) -> Plan:
    """The plan as it is between two guard zones."""
    buffers = tuple(replace(b, offset=b.offset + GUARD) for b in plan.buffers)
    return replace(plan, buffers=buffers, arena_bytes=plan.arena_bytes + 2 * GUARD)


def relocate(compiled: Compiled, layout: Layout, folder: Path) -> Compiled:
    """A copy in `folder` of the compiled sources under another layout; `folder` must not exist."""
    moved = replace(compiled, folder=folder, plan=layout(compiled.plan))
    (folder / "kernels").mkdir(parents=True)
    for file in (*compiled.folder.glob(f"{compiled.name}*.[ch]"), *compiled.folder.glob("kernels/*.h")):
        shutil.copy(file, folder / file.relative_to(compiled.folder))
    arena = Emitter(moved.graph, moved.plan, moved.selection, moved.name).arena()
    (folder / f"{moved.name}_arena.h").write_text(arena)
    return moved


def locate(plan: Plan, offset: int, node: int | None = None) -> str:
    """Words for a byte of the arena: where it lies from the nearest buffer; those live while `node` runs come first."""

    def dead(buffer: Buffer) -> bool:
        return node is not None and not buffer.first <= node <= buffer.last

    if not plan.buffers:
        return f"byte {offset} of the arena"
    buffer = min(plan.buffers, key=lambda b: (_distance(b, offset), dead(b)))
    distance = _distance(buffer, offset)
    if distance:
        side = "before" if offset < buffer.offset else "after"
        return f"{distance} byte{'s' * (distance > 1)} {side} {buffer.name}"
    lifetime = f", which is live at nodes {buffer.first} to {buffer.last} only" if dead(buffer) else ""
    return f"byte {offset - buffer.offset} of {buffer.name}{lifetime}"


def _distance(buffer: Buffer, offset: int) -> int:
    """Bytes between a buffer and a byte outside of it; 1 is the next byte, 0 lies inside."""
    return max(buffer.offset - offset, offset - (buffer.offset + buffer.bytes) + 1, 0)
