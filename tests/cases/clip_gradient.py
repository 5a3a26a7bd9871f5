"""Cases of clip_gradient: relu, relu6, both bounds finite."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.clip_gradient import ClipGradient

from . import Case, Input, one_node


def case(name: str, shape: tuple[int, ...], clip: Clip) -> Case:
    def real(y: Array, g: Array) -> Array:
        return np.where((y > clip.lo) & (y < clip.hi), g, 0)

    name = f"clip_gradient_f32_{name}"
    return Case(name, one_node(name, ClipGradient(clip), Input(shape), Input(shape)), real, 0.0)


CASES = [
    case("relu", (1, 13), Clip(0.0)),
    case("relu6", (2, 3, 5), Clip(0.0, 6.0)),
    case("both", (1,), Clip(-0.5, 0.75)),
    case("none", (7,), Clip()),
]
