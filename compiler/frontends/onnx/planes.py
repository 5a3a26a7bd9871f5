"""What convolutions and poolings share: tensors (N, C, L) and (N, C, H, W) as NHWC planes, and window attributes."""
from __future__ import annotations

from ...errors import TapeoutError
from ...ir import Op
from ...window import Window, same_pads
from .call import Call
from .importer import Importer, channels_last


def planes(importer: Importer, call: Call) -> str:
    """The value that holds the first input as NHWC; a one-dimensional signal is a plane of height 1."""
    name = call.required(0)
    shape = importer.shape(name)
    if len(shape) not in (3, 4):
        call.refuse(f"the input has rank {len(shape)}; only one- and two-dimensional windows are supported")
    value = importer.value(name, channels_last(len(shape)))
    return value if len(shape) == 4 else importer.reshape(value, (shape[0], 1, shape[2], shape[1]))


def define_planes(importer: Importer, call: Call, op: Op, inputs: tuple[str, ...]) -> None:
    """Adds a node that makes NHWC planes; the model's tensor has the rank of the first input."""
    rank = importer.rank(call.required(0))
    if rank == 4:
        importer.define(call.output, op, inputs, channels_last(4))
        return
    y = importer.step(f"{call.output}_plane", op, inputs)
    n, _, length, channels = importer.builder.values[y].type.shape
    importer.define_reshape(call.output, y, (n, length, channels), channels_last(3))


def window(importer: Importer, call: Call, kernel: tuple[int, ...]) -> Window:
    """The two-dimensional window that a node's attributes describe over the axes after N and C."""
    size = importer.shape(call.required(0))[2:]
    declared = call.integers("kernel_shape")
    if len(kernel) != len(size) or (declared is not None and declared != kernel):
        raise TapeoutError(f"{call.name}: {call.op} has a kernel {kernel}, kernel_shape {declared} and an input of size {size}")
    ones = (1,) * len(size)
    stride, dilation = call.integers("strides") or ones, call.integers("dilations") or ones
    for label, pair in (("kernel_shape", kernel), ("strides", stride), ("dilations", dilation)):
        if len(pair) != len(size) or min(pair) < 1:
            raise TapeoutError(f"{call.name}: {call.op} has {label} {pair} for {len(size)} axes")
    filled = (1,) * (2 - len(size))
    bare = Window(_pair(filled + kernel), _pair(filled + stride), _pair(filled + dilation))
    plane = _pair(filled + size)
    return Window(bare.kernel, bare.stride, bare.dilation, _pads(call, bare, plane, len(size)))


def _pair(numbers: tuple[int, ...]) -> tuple[int, int]:
    return numbers[0], numbers[1]


def _pads(call: Call, bare: Window, plane: tuple[int, int], rank: int) -> tuple[int, int, int, int]:
    auto = call.text("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        return same_pads(plane, bare, lower=auto == "SAME_LOWER")
    pads = call.integers("pads") or (0,) * (2 * rank)
    if auto == "VALID":
        pads = (0,) * (2 * rank)
    elif auto != "NOTSET":
        call.refuse(f"auto_pad {auto!r} is unknown")
    if len(pads) != 2 * rank:
        raise TapeoutError(f"{call.name}: {call.op} has {len(pads)} pads for {rank} axes")
    if min(pads) < 0:
        call.refuse(f"negative pads {pads} are not supported; use a Slice")
    return (pads[0], pads[1], pads[2], pads[3]) if rank == 2 else (0, pads[0], 0, pads[1])
