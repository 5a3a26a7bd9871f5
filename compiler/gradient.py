"""What the ops of a training step share. They compute in float32: every product and every sum is rounded by itself."""
from __future__ import annotations

from .errors import Unsupported
from .ir import F32, Types


def only_floats(name: str, types: Types) -> None:
    """Raises Unsupported unless all operands are float32."""
    for type in types:
        if type and type.q != F32:
            raise Unsupported(f"{name} computes in f32, got {type.q.code}; train the float model")
