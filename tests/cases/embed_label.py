"""Cases of embed_label: a label shorter than the input, and as long."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.ir import Array
from tapeout.compiler.ops.embed_label import EmbedLabel

from . import Case, Input, one_node


def real(x: Array, label: Array) -> Array:
    rows, marks = x.reshape(len(x), -1), label.reshape(len(label), -1)
    return np.concatenate([marks, rows[:, marks.shape[1] :]], 1).reshape(x.shape)


def case(name: str, shape: tuple[int, ...], classes: int) -> Case:
    name = f"embed_label_f32_{name}"
    return Case(name, one_node(name, EmbedLabel(), Input(shape), Input((1, classes))), real, 0.0)


CASES = [case("one", (1,), 1), case("row", (1, 13), 5), case("plane", (1, 3, 5, 1), 10), case("whole", (1, 7), 7)]
