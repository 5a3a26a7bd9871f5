"""Packed codes: each format's bytes against a plain string of binary digits, and back."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.compiler.ir import QType, Type
from tapeout.compiler.packing import pack, unpack


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bits", range(1, 17))
def test_rows_are_digits_from_the_least_significant_on(bits: int, signed: bool) -> None:
    q = QType(bits, signed, packed=True)
    type = Type((3, 7), q)
    codes = np.random.default_rng(bits).integers(q.min, q.max + 1, (2, *type.shape)).astype(q.dtype)
    data = pack(codes, type)
    assert len(data) == 2 * type.bytes
    rows = []
    for row in codes.reshape(-1, 7).tolist():
        digits = "".join(format(code & ((1 << bits) - 1), f"0{bits}b")[::-1] for code in row)
        digits += "0" * (-len(digits) % 8)
        rows += [int(digits[i : i + 8][::-1], 2) for i in range(0, len(digits), 8)]
    assert data.tolist() == rows
    np.testing.assert_array_equal(unpack(data, type, 2), codes)
