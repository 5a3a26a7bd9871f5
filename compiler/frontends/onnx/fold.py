"""Nodes whose inputs are all constant, computed when the model is read: shape arithmetic and prepared weights."""
from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from ...errors import TapeoutError
from ...ir import Array
from .call import Call

_LARGEST = 1 << 28  # elements of a computed constant: more is a damaged file, not a model for a microcontroller
_RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}


def evaluate(call: Call, constants: Mapping[str, Array]) -> tuple[Array, ...]:
    """The outputs of a node of the default domain whose inputs are constant, by onnxruntime.

    Raises TapeoutError when the node is random, is malformed, or its result is absurdly large.
    """
    if call.op in _RANDOM:
        call.refuse("random numbers are no constants")
    _check_size(call, constants)
    names = [name for name in dict.fromkeys(call.inputs) if name]
    outputs = [name for name in call.outputs if name]
    graph = onnx.helper.make_graph(
        [call.proto], "constant",
        [], [onnx.helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(constants[name], name) for name in names],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", call.opset)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        results = session.run(outputs, {})
    except Exception as error:  # onnxruntime raises bare classes of its own, without a common base
        _malformed(call, str(error))
    return tuple(np.asarray(array) for array in results)


def _check_size(call: Call, constants: Mapping[str, Array]) -> None:
    """Bounds the result of the ops that can make much from little."""
    if call.op == "ConstantOfShape":
        size = float(np.prod(constants[call.required(0)].astype(np.float64)))
    elif call.op in ("Expand", "Tile"):
        size = float(constants[call.required(0)].size * np.prod(constants[call.required(1)].astype(np.float64)))
    elif call.op == "Range":
        start, limit, step = (float(constants[call.required(i)]) for i in range(3))
        size = (limit - start) / step if step else np.inf
    else:
        return
    if size > _LARGEST:
        _malformed(call, f"a constant of {size:.0f} elements is too large")


def _malformed(call: Call, reason: str) -> NoReturn:
    raise TapeoutError(f"{call.name}: {call.op} of constants cannot be computed: {reason.splitlines()[0] if reason else 'no reason given'}")
