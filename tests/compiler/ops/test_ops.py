"""Every op: its reference against its inferred types and against real arithmetic."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.codes import decode
from tapeout.compiler.ir import Array, FType, QType, Type
from tapeout.compiler.run import run, steps
from tests.cases import RANDOM_SAMPLES, Case, all_cases, samples


@pytest.mark.parametrize("case", all_cases(), ids=lambda c: c.name)
def test_reference_has_the_inferred_types(case: Case) -> None:
    feeds = samples(case)
    count = len(next(iter(feeds.values())))
    with np.errstate(all="ignore"):
        for node, arrays in steps(case.graph, feeds):
            for type, array in zip(node.op.infer(case.graph.types(node)), arrays, strict=True):
                assert (array.dtype, array.shape) == (type.q.dtype, (count, *type.shape)), node.name


@pytest.mark.parametrize("case", [c for c in all_cases() if c.real], ids=lambda c: c.name)
def test_reference_against_real_arithmetic(case: Case) -> None:
    """Within `case.tolerance` codes of the exact real result, or that part of the largest one for floats."""
    graph, node = case.graph, case.graph.nodes[0]
    feeds = {n: a[:RANDOM_SAMPLES] if isinstance(graph.values[n].type.q, FType) else a for n, a in samples(case).items()}
    operands = []
    for name in node.inputs:
        value = graph.values.get(name)
        operands.append(np.empty(0) if value is None else dequantize(value.data if value.data is not None else feeds[name], value.type))
    assert case.real
    expected = case.real(*operands)
    type = graph.values[node.name].type
    got = dequantize(run(graph, feeds)[node.name], type)
    if isinstance(type.q, QType):
        step = np.array(type.q.scale)
        if not type.q.bipolar:
            expected = np.clip(expected, (type.q.min - np.array(type.q.zero)) * step, (type.q.max - np.array(type.q.zero)) * step)
        allowed = case.tolerance * step * (1 + 1e-9)
    else:
        allowed = case.tolerance * np.abs(expected).max(initial=0)
    assert expected.shape == got.shape
    assert (np.abs(got - expected) <= allowed).all(), f"off by {np.abs(got - expected).max()}"


def dequantize(array: Array, type: Type) -> Array:
    """The reals that codes stand for; (N, *shape), or (*shape) for constants."""
    if not isinstance(type.q, QType):
        return array.astype(np.float64)
    return decode(array, type.q, np.dtype(np.float64), type.shape)
