"""Kernels of elements and poolings on eight cores, against the reference, in every bit."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tapeout.cosim.rtl.machine import RTL_CLUSTER
from tests.cosim.test_cluster import TARGET

from .board import assert_equal_to_the_reference
from .matrix import Net

EIGHT = replace(RTL_CLUSTER.machine, seconds=500, most_cycles=100_000_000)
GRADIENTS = ("", "_weight_gradient", "_input_gradient")
LAYERS = tuple(f"{layer}{gradient}" for layer in ("conv2d", "dense", "depthwise_conv2d") for gradient in GRADIENTS)
USUAL = ("average_pool2d_gradient", "bias_gradient")
OPS = ("accumulate", "add", "average_pool2d", "cast", "clip", "clip_gradient", "max_pool2d", "max_pool2d_gradient", "sgd", *LAYERS)


def for_all_cores(net: Net) -> bool:
    return net.selection.chosen[net.case.graph.nodes[0].name].path.parent in TARGET.cluster


@pytest.mark.parametrize("op", [*USUAL, *(pytest.param(op, marks=pytest.mark.long) for op in OPS)])
def test_eight_cores_equal_the_reference(op: str, programs: Path) -> None:
    assert_equal_to_the_reference(TARGET, op, programs, EIGHT, for_all_cores)
