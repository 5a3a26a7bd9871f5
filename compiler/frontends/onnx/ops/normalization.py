"""BatchNormalization, as a scale and a shift for each channel."""
from __future__ import annotations

import numpy as np

from ....ops.add import Add
from ....ops.mul import Mul
from ..call import Call
from ..importer import Importer


def BatchNormalization(importer: Importer, call: Call) -> None:
    """Inference only: `x * scale / sqrt(var + epsilon) + (bias - mean * ...)`, both factors computed in float64."""
    if call.integer("training_mode", 0) or not call.integer("spatial", 1):
        call.refuse("only inference with one scale for each channel is supported")
    scale, bias, mean, variance = (importer.weights(call, i).astype(np.float64) for i in range(1, 5))
    tensor, shape = importer.tensor(call.required(0)), importer.shape(call.required(0))
    spread = variance + call.number("epsilon", 1e-5)
    if not (spread > 0).all():
        call.refuse(f"the variance {call.inputs[4]} is not positive")
    factor = scale / np.sqrt(spread)
    channels = tuple(shape[1] if axis == 1 else 1 for axis in tensor.axes)
    scaling = importer.store(f"{call.output}_scale", factor.astype(np.float32).reshape(channels))
    shifting = importer.store(f"{call.output}_shift", (bias - mean * factor).astype(np.float32).reshape(channels))
    scaled = importer.step(f"{call.output}_scaled", Mul(), (tensor.value, scaling))
    importer.define(call.output, Add(), (scaled, shifting), tensor.axes)
