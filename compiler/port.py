"""How a model and its graph see the same tensor."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Port:
    """How the source model sees an input or output of the graph.

    Axis `i` of the value is axis `axes[i]` of the source's array, so that (0, 2, 3, 1) says that an
    NCHW array is held as NHWC. `name` and `dtype` are the source's.
    """

    value: str
    name: str
    dtype: str
    axes: tuple[int, ...]

    def from_source(self, array: Array) -> Array:
        """A batch of arrays (N, ...) in the source's layout to (N, ...) in the value's."""
        return np.ascontiguousarray(array.transpose(0, *(a + 1 for a in self.axes)))

    def to_source(self, array: Array) -> Array:
        """The inverse of `from_source`."""
        return np.ascontiguousarray(array.transpose(0, *(a + 1 for a in np.argsort(self.axes))))
