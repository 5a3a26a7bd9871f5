"""What the kernels of softmax.h need besides their call."""
from __future__ import annotations

from tapeout.compiler.ir import Op, Types

from ...target import Kernel


def row_of_words(op: Op, types: Types) -> int:
    """The exponentials of one row, 32 bits each."""
    assert types[0]
    return 4 * types[0].shape[-1]


KERNELS = (Kernel("softmax_s8", scratch=row_of_words),)
