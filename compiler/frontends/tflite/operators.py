"""The operators that are taken, by their names in the schema. To add one, write its function and its line here."""
from __future__ import annotations

from . import shapes, sums
from .importer import Lowering

OPERATORS: dict[str, Lowering] = {
    "CONV_2D": sums.conv_2d,
    "DEPTHWISE_CONV_2D": sums.depthwise_conv_2d,
    "FULLY_CONNECTED": sums.fully_connected,
    "RESHAPE": shapes.reshape,
    "SQUEEZE": shapes.squeeze,
    "EXPAND_DIMS": shapes.expand_dims,
    "PAD": shapes.pad,
    "PADV2": shapes.pad,
    "CONCATENATION": shapes.concatenation,
    "TRANSPOSE": shapes.transpose,
    "SLICE": shapes.slice_,
    "STRIDED_SLICE": shapes.strided_slice,
    "SHAPE": shapes.shape,
    "PACK": shapes.pack,
}
