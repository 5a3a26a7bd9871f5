"""The float model, run by its own framework: onnxruntime for ONNX, the TFLite Micro interpreter for .tflite."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array


def float_outputs(model: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs by name for samples by input name, batch first, in the model's layout, as float32.

    Raises TapeoutError when the file is no float model that takes these inputs.
    """
    with model.open("rb") as file:
        tflite = file.read(8)[4:] == b"TFL3"
    return _tflite(model, inputs) if tflite else _onnx(model, inputs)


def _onnx(model: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    feeds = {}
    for port in session.get_inputs():
        if port.name not in inputs:
            raise TapeoutError(f"{model}: float model has an input {port.name!r} that the compiled one lacks")
        feeds[port.name] = inputs[port.name].astype(np.float32)
    names = [o.name for o in session.get_outputs()]
    batched = all(isinstance(p.shape[0], str) or p.shape[0] is None for p in session.get_inputs() if p.shape)
    count = len(next(iter(feeds.values())))
    step = 256 if batched else 1
    rows = [session.run(names, {k: v[i : i + step] for k, v in feeds.items()}) for i in range(0, count, step)]
    return {name: np.concatenate([row[i] for row in rows]).astype(np.float32) for i, name in enumerate(names)}


def _tflite(model: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    try:
        from tflite_micro.python.tflite_micro import runtime
    except ImportError:
        raise TapeoutError("quality against a .tflite model needs its interpreter: pip install 'tapeout[tflite]'") from None
    interpreter = runtime.Interpreter.from_file(str(model))
    arrays = list(inputs.values())
    rows: list[list[Array]] = []
    for sample in range(len(arrays[0])):
        for i, array in enumerate(arrays):
            details = interpreter.get_input_details(i)
            if details["dtype"] != np.float32:
                raise TapeoutError(f"{model}: is no float model, its input is {np.dtype(details['dtype']).name}")
            interpreter.set_input(array[sample][None].astype(np.float32).reshape(details["shape"]), i)
        interpreter.invoke()
        rows.append([interpreter.get_output(0).copy()])
    return {"": np.concatenate([row[0] for row in rows])}
