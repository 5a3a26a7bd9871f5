"""What the kernels of slice.h take besides a call."""
from __future__ import annotations

from tapeout.compiler.ir import Op, Types
from tapeout.compiler.ops.slice import Slice

from ...target import Kernel


def _trail(op: Op, types: Types) -> int | None:
    """A run of bytes may move towards the beginning of the memory that it lies in."""
    assert isinstance(op, Slice)
    begin = op.run(types)
    return None if begin is None else -begin


KERNELS = tuple(Kernel(f"slice_{storage}", trail=_trail) for storage in ("s8", "s16", "f32", "f16", "bf16"))
