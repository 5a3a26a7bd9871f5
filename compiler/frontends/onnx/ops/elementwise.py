"""Ops that compute each element of the output from one element of each input, with broadcasting."""
from __future__ import annotations

import math

import numpy as np

from ....ir import Op
from ....ops.add import Add as AddOp
from ....ops.clip import Clip as ClipOp
from ....ops.hard_swish import HardSwish as HardSwishOp
from ....ops.leaky_relu import LeakyRelu as LeakyReluOp
from ....ops.mul import Mul as MulOp
from ....ops.sigmoid import Sigmoid as SigmoidOp
from ....ops.sub import Sub as SubOp
from ....ops.tanh import Tanh as TanhOp
from ..call import Call
from ..importer import Axes, Importer


def Identity(importer: Importer, call: Call) -> None:
    importer.alias(call.output, call.required(0))


def Dropout(importer: Importer, call: Call) -> None:
    """Nothing, at inference."""
    if call.input(2) and bool(importer.constant(call, 2)):
        call.refuse("training mode is not supported; export the model for inference")
    importer.alias(call.output, call.required(0))


def Cast(importer: Importer, call: Call) -> None:
    """Computed tensors are float32 and stay so; casts of constants are computed when the model is read."""
    if call.integer("to", 0) != 1:
        call.refuse("a computed tensor can only be float32")
    importer.alias(call.output, call.required(0))


def Relu(importer: Importer, call: Call) -> None:
    _unary(importer, call, ClipOp(0.0, math.inf))


def Clip(importer: Importer, call: Call) -> None:
    """The bounds are attributes before opset 11 and optional inputs since."""
    if call.opset < 11:
        lo, hi = call.number("min", -math.inf), call.number("max", math.inf)
    else:
        lo, hi = (float(importer.constant(call, i)) if call.input(i) else unbounded for i, unbounded in ((1, -math.inf), (2, math.inf)))
    _unary(importer, call, ClipOp(lo, hi))


def LeakyRelu(importer: Importer, call: Call) -> None:
    _unary(importer, call, LeakyReluOp(call.number("alpha", 0.01)))


def HardSwish(importer: Importer, call: Call) -> None:
    _unary(importer, call, HardSwishOp())


def HardSigmoid(importer: Importer, call: Call) -> None:
    """`clip(alpha * x + beta, 0, 1)`, from mul, add and clip."""
    axes = importer.tensor(call.required(0)).axes
    alpha, beta = (importer.store(f"{call.output}_{name}", np.full((1,) * len(axes), call.number(name, default), np.float32))
                   for name, default in (("alpha", 0.2), ("beta", 0.5)))
    scaled = importer.step(f"{call.output}_scaled", MulOp(), (importer.value(call.required(0), axes), alpha))
    shifted = importer.step(f"{call.output}_shifted", AddOp(), (scaled, beta))
    importer.define(call.output, ClipOp(0.0, 1.0), (shifted,), axes)


def Sigmoid(importer: Importer, call: Call) -> None:
    _unary(importer, call, SigmoidOp())


def Tanh(importer: Importer, call: Call) -> None:
    _unary(importer, call, TanhOp())


def Add(importer: Importer, call: Call) -> None:
    _binary(importer, call, AddOp())


def Sub(importer: Importer, call: Call) -> None:
    _binary(importer, call, SubOp())


def Mul(importer: Importer, call: Call) -> None:
    _binary(importer, call, MulOp())


def Sum(importer: Importer, call: Call) -> None:
    """The sum of any number of tensors, from the first to the last."""
    if len(call.inputs) == 1:
        importer.alias(call.output, call.required(0))
        return
    total = call.required(0)
    for index in range(1, len(call.inputs)):
        result = call.output if index == len(call.inputs) - 1 else importer.reserve(f"{call.output}_sum")
        _combine(importer, result, AddOp(), total, call.required(index))
        total = result


def Div(importer: Importer, call: Call) -> None:
    """Division by a constant, as a product with its reciprocal: one more rounding than ONNX defines."""
    divisor = importer.weights(call, 1)
    if not divisor.all():
        call.refuse(f"the divisor {call.inputs[1]} holds a zero")
    name = importer.reserve(f"{call.inputs[1]}_reciprocal")
    importer.constants[name] = (1.0 / divisor.astype(np.float64)).astype(np.float32)
    _combine(importer, call.output, MulOp(), call.required(0), name)


def _unary(importer: Importer, call: Call, op: Op) -> None:
    tensor = importer.tensor(call.required(0))
    importer.define(call.output, op, (tensor.value,), tensor.axes)


def _binary(importer: Importer, call: Call, op: Op) -> None:
    _combine(importer, call.output, op, call.required(0), call.required(1))


def _combine(importer: Importer, output: str, op: Op, left: str, right: str) -> None:
    """Adds a node over two tensors, which take the order of axes of the larger one that is computed."""
    rank = max(importer.rank(left), importer.rank(right))
    full = {name: (1,) * (rank - importer.rank(name)) + importer.shape(name) for name in (left, right)}
    computed = [name for name in (left, right) if name in importer.tensors]
    leader = max(computed, key=lambda name: (math.prod(full[name]), importer.rank(name)))
    axes: Axes = importer.tensor(leader).axes
    lacking = rank - len(axes)
    axes = (*range(lacking), *(a + lacking for a in axes))
    importer.define(output, op, [importer.value(name, axes, full[name]) for name in (left, right)], axes)


def CastLike(importer: Importer, call: Call) -> None:
    """A float32 tensor in the format of another float32 tensor: itself."""
    importer.alias(call.output, call.required(0))
