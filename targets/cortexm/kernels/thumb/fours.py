"""The words of fours.h: by inputs two halves of two weights, which half-words and sums of 24 bits have to hold."""
from __future__ import annotations

import numpy as np

from tapeout.compiler.fixed import Int
from tapeout.compiler.ir import Array

from ....split_slope import reach
from ....target import Packed
from .word_sums import Layout, Sums, whole

_TOGETHER = 4  # outputs
_INPUT_COST, _MORE, _CALL_COST = 14, 40, 70  # instructions of an input for four outputs, of these besides, and of all


def _halves(weights: Int) -> Int:
    """Weights (outputs, inputs) in pairs (pairs, inputs), an odd last one beside zeros."""
    padded = np.concatenate([weights, np.zeros((len(weights) % 2, weights.shape[1]), np.int64)])
    return np.asarray(padded[0::2] + (padded[1::2] << 8))


def _refuses(weights: Int) -> str | None:
    halves = _halves(weights)
    low, high = reach(halves)
    if halves.min() < -1 << 15:
        return "a weight of -128 above a negative one"
    return "sums of more than 24 bits" if low.min() < -1 << 31 or high.max() >= 1 << 31 else None


def _words(weights: Int) -> Array:
    low, high = _halves(weights)
    return np.asarray((low & 0xFFFF) | (high << 16))


def _pack(sums: Sums) -> Packed:
    count = whole(sums.weights.shape[1])
    return sums.pack([_TOGETHER] * -(-len(sums.weights) // _TOGETHER), _words, 0, count, count)


def _cost(sums: Sums) -> int:
    groups = -(-len(sums.weights) // _TOGETHER)
    return groups * (whole(sums.weights.shape[1]) * _INPUT_COST + _MORE) + len(sums.weights) * sums.code_cost + _CALL_COST


LAYOUT = Layout("fours", False, _refuses, _pack, _cost)
