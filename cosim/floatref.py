"""The float model, run by its own framework: onnxruntime for ONNX, LiteRT for .tflite."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.frontends import kind
from tapeout.compiler.ir import Array


def float_outputs(model: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs by name for samples by input name, batch first, in the model's layout, as float32.

    Raises TapeoutError when the file is no float model that takes these inputs.
    """
    return _tflite(model, inputs) if kind(model) == "tflite" else _onnx(model, inputs)


def _onnx(model: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """One sample at a time, since a model with an open batch may still reshape to a fixed one."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)  # what it says is in the errors that it raises
    try:
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        ports = session.get_inputs()
        for port in ports:
            if port.name not in inputs:
                raise TapeoutError(f"{model}: float model has an input {port.name!r} that the compiled one lacks")
        names = [o.name for o in session.get_outputs()]
        rows = [
            session.run(names, {p.name: _whole(inputs[p.name][i], len(p.shape)) for p in ports})
            for i in range(len(inputs[ports[0].name]))
        ]
    except TapeoutError:
        raise
    except Exception as error:  # those of onnxruntime have no base of their own
        raise TapeoutError(f"{model}: onnxruntime does not run this model ({str(error).splitlines()[0]})") from None
    return {name: _batch([row[i] for row in rows]) for i, name in enumerate(names)}


def _whole(sample: Array, rank: int) -> Array:
    """A sample with the model's leading batch of 1, which arrays of users leave out."""
    return np.asarray(sample[None] if np.ndim(sample) < rank else sample, np.float32)


def _batch(samples: list[Array]) -> Array:
    """Outputs of single runs as samples, without the model's leading batch of 1."""
    stacked = np.stack(samples).astype(np.float32)
    return stacked[:, 0] if stacked.ndim > 1 and stacked.shape[1] == 1 else stacked


def _tflite(model: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        raise TapeoutError("quality against a .tflite model needs its interpreter: pip install 'tapeout[tflite]'") from None
    try:
        plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # the runtime's own kernels, which log nothing
        interpreter = Interpreter(str(model), num_threads=1, experimental_op_resolver_type=plain)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise TapeoutError(f"{model}: LiteRT does not run this model ({str(error).splitlines()[0]})") from None
    edges = interpreter.get_input_details()
    if any(edge["dtype"] != np.float32 for edge in edges):
        raise TapeoutError(f"{model}: is no float model, its input is {np.dtype(edges[0]['dtype']).name}")
    # A float model and the one quantized from it may name their tensors differently, but hold them in the same order.
    arrays = [inputs.get(edge["name"], array) for edge, array in zip(edges, inputs.values(), strict=True)]
    outputs = interpreter.get_output_details()
    rows: dict[str, list[Array]] = {edge["name"]: [] for edge in outputs}
    for sample in range(len(arrays[0])):
        for edge, array in zip(edges, arrays, strict=True):
            interpreter.set_tensor(edge["index"], array[sample].astype(np.float32).reshape(edge["shape"]))
        interpreter.invoke()
        for edge in outputs:
            rows[edge["name"]].append(interpreter.get_tensor(edge["index"]))
    return {name: _batch(found) for name, found in rows.items()}
