"""The concat kernels take their inputs, however many, as one array of pointers."""
from __future__ import annotations

from ...target import Kernel

KERNELS = (Kernel("concat_s8", variadic=True), Kernel("concat_f32", variadic=True))
