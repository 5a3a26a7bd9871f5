"""The operators that are taken, by their names in the schema. To add one, write its function and its line here."""
from __future__ import annotations

from . import arithmetic, convert, reductions, shapes, sums, unary
from .importer import Lowering

OPERATORS: dict[str, Lowering] = {
    "CONV_2D": sums.conv_2d,
    "DEPTHWISE_CONV_2D": sums.depthwise_conv_2d,
    "FULLY_CONNECTED": sums.fully_connected,
    "ADD": arithmetic.add,
    "SUB": arithmetic.sub,
    "MUL": arithmetic.mul,
    "MINIMUM": arithmetic.minimum,
    "MAXIMUM": arithmetic.maximum,
    "AVERAGE_POOL_2D": reductions.average_pool_2d,
    "MAX_POOL_2D": reductions.max_pool_2d,
    "MEAN": reductions.mean,
    "SOFTMAX": reductions.softmax,
    "LOGISTIC": unary.logistic,
    "TANH": unary.tanh,
    "RELU": unary.relu,
    "RELU6": unary.relu6,
    "RELU_N1_TO_1": unary.relu_n1_to_1,
    "LEAKY_RELU": unary.leaky_relu,
    "HARD_SWISH": unary.hard_swish,
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
    "QUANTIZE": convert.quantize,
    "DEQUANTIZE": convert.dequantize,
}
