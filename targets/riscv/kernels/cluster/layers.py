"""What kernels of layers and their gradients say on a cluster: they are the portable ones, for what faster kernels do not take."""
from __future__ import annotations

import sys

from tapeout.compiler.ir import Graph, Node

from ....target import Kernel

CONTRACTS = ("f32", "f32_fma", "f16", "f16_fma", "bf16")


def slow(graph: Graph, node: Node) -> int:
    """More than any other kernel takes but one that core 0 runs alone."""
    return sys.maxsize - 1


def one_image(graph: Graph, node: Node) -> str | None:
    return None if graph.values[node.inputs[0]].type.shape[0] == 1 else "several images"


def by_rows(op: str) -> tuple[Kernel, ...]:
    return tuple(Kernel(f"{op}_{sums}_cluster", of=f"{op}_{sums}", accepts=one_image, cost=slow) for sums in CONTRACTS)


def anywhere(op: str) -> tuple[Kernel, ...]:
    return tuple(Kernel(f"{op}_{sums}_cluster", of=f"{op}_{sums}", cost=slow) for sums in CONTRACTS)
