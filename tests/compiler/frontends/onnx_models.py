"""Small ONNX models made node by node, and their comparison with onnxruntime."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from tapeout.compiler.frontends.onnx import read_onnx
from tapeout.compiler.ir import Array, Graph, verify
from tapeout.compiler.ops.transpose import Transpose
from tapeout.compiler.passes.fold_batch_norm import fold_batch_norm
from tapeout.compiler.passes.fold_constants import fold_constants
from tapeout.compiler.passes.move_transpose import move_transpose
from tapeout.compiler.run import run

NEWEST = onnx.defs.onnx_opset_version()
PASSES = (move_transpose, fold_constants, fold_batch_norm)
Shape = Sequence[int | str | None]


def node(op: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    """A node; `inputs` and `output` are names separated by blanks, with `-` for an absent one."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(op, names, output.split(), name=f"{op}_{output.split()[0]}", **attributes)


def model(
    nodes: Sequence[onnx.NodeProto], inputs: Mapping[str, Shape | None], outputs: str, constants: Mapping[str, Array] | None = None,
    opset: int = 13,
) -> onnx.ModelProto:
    """A model with float32 inputs of these shapes; an open dimension is a string or None."""
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs.split()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def read(made: onnx.ModelProto, folder: Path, shapes: Mapping[str, tuple[int, ...]] | None = None) -> Graph:
    path = folder / "net.onnx"
    path.write_bytes(made.SerializeToString())
    return read_onnx(path, shapes or {})


def lowered(graph: Graph) -> Graph:
    for change in PASSES:
        graph = verify(change(graph))
    return graph


def transposes(graph: Graph) -> int:
    return sum(isinstance(n.op, Transpose) for n in graph.nodes)


def floats(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).normal(0, 1, shape).astype(np.float32)


def assert_same(made: onnx.ModelProto, graph: Graph, samples: Sequence[Mapping[str, Array]] | None = None) -> None:
    """The graph computes what onnxruntime does, in the model's layout, within 1e-5."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    if samples is None:
        sources = {p.name: [graph.values[p.value].type.shape[p.axes.index(a)] for a in range(len(p.axes))] for p in graph.inputs}
        samples = [{name: 2 * floats(*shape, seed=seed) for name, shape in sources.items()} for seed in (1, 2)]
    feed = {p.value: p.from_source(np.stack([s[p.name] for s in samples])) for p in graph.inputs}
    results = run(graph, feed)
    for index, sample in enumerate(samples):
        expected = session.run([p.name for p in graph.outputs], dict(sample))
        for port, array in zip(graph.outputs, expected, strict=True):
            found = port.to_source(results[port.value])[index]
            assert found.shape == array.shape, f"{port.name}: shape {found.shape}, onnxruntime has {array.shape}"
            np.testing.assert_allclose(found, array, rtol=1e-5, atol=1e-5, err_msg=port.name)
