"""dense with fused sums on PULP's cores: weights transposed when compiled, or at each call."""
from __future__ import annotations

from ....target import Kernel
from .layer import FORMS, constant_weights, cost, pack, turned_cost, weights_scratch

KERNELS = (
    *(Kernel(f"dense_{f}_pulp", f"dense_{f}", cost=turned_cost, scratch=weights_scratch) for f in FORMS),
    *(Kernel(f"dense_{f}_pulp_packed", f"dense_{f}", constant_weights, pack, cost) for f in FORMS),
)
