"""The node tests that the onnx package makes: each is computed as it says, or refused with one line."""
from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.frontends.onnx import read_onnx
from tapeout.compiler.frontends.onnx.ops import READERS
from tapeout.compiler.ir import Array, Graph
from tapeout.compiler.run import run

from .onnx_models import lowered

SEVERAL_COMPUTED = {"Add", "Concat", "Mul", "Sub", "Sum"}  # of all others only the first input is computed, the rest are constants
ROUNDED = {"test_averagepool_2d_ceil_last_window_starts_on_pad"}  # its expected output is given to four digits


def node_tests() -> Iterator[tuple[str, onnx.ModelProto, dict[str, Array], list[Array]]]:
    """Name, model, computed inputs and expected outputs of the tests of single nodes that have a reader."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases: list[Any] = collect_testcases("")
    for case in cases:
        if case.model is None or len(case.model.graph.node) != 1:
            continue
        made = onnx.ModelProto.FromString(case.model.SerializeToString())
        op = made.graph.node[0].op_type
        inputs, outputs = case.data_sets[0]
        arrays = {value.name: array for value, array in zip(made.graph.input, inputs, strict=True)}
        if op not in READERS or not all(isinstance(a, np.ndarray | np.generic) for a in arrays.values()):
            continue
        computed = {name: a for i, (name, a) in enumerate(arrays.items()) if not i or (op in SEVERAL_COMPUTED and a.dtype == np.float32)}
        made.graph.initializer.extend(numpy_helper.from_array(np.asarray(a), n) for n, a in arrays.items() if n not in computed)
        yield case.name, made, computed, outputs


def agrees(graph: Graph, inputs: dict[str, Array], outputs: list[Array], tolerance: float) -> bool:
    results = run(graph, {p.value: p.from_source(np.asarray(inputs[p.name])[np.newaxis]) for p in graph.inputs})
    found = [p.to_source(results[p.value])[0] for p in graph.outputs]
    return all(a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in zip(found, outputs, strict=True))


def test_node_tests_of_onnx(tmp_path: Path) -> None:
    wrong, right, path = [], 0, tmp_path / "net.onnx"
    for name, made, inputs, outputs in node_tests():
        path.write_bytes(made.SerializeToString())
        try:
            graph = read_onnx(path, {})
        except TapeoutError as error:
            assert "\n" not in str(error)
            continue
        right += 1
        tolerance = 1e-3 if name in ROUNDED else 1e-5
        wrong += [name for g in (graph, lowered(graph)) if not agrees(g, inputs, outputs, tolerance)]
    assert not wrong
    assert right > 150
