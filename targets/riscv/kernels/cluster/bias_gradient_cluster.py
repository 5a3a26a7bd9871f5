"""The kernels of bias_gradient for all cores of a cluster."""
from __future__ import annotations

from ....target import on_all_cores

KERNELS = on_all_cores("bias_gradient_f32", "bias_gradient_f16", "bias_gradient_f16_fma", "bias_gradient_bf16")
