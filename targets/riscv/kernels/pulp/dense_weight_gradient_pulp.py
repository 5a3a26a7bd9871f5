"""dense_weight_gradient with fused sums on PULP's cores."""
from __future__ import annotations

from ....target import Kernel
from .layer import FORMS, cost

KERNELS = tuple(Kernel(f"dense_weight_gradient_{f}_pulp", f"dense_weight_gradient_{f}", cost=cost) for f in FORMS)
