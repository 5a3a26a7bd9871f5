"""Leads against a simulation of what kernels read and write, byte by byte."""
from __future__ import annotations

import numpy as np
import pytest

from tapeout.targets.trail import Rows


def windows(rows: Rows, k_h: int, first: int, count: int) -> set[int]:
    """The bytes of input that output rows read."""
    read: set[int] = set()
    for row in range(first, min(first + count, rows.out_rows)):
        for tap in range(k_h):
            at = row * rows.stride - rows.pad + tap
            if 0 <= at < rows.in_rows:
                read |= set(range(at * rows.in_bytes, (at + 1) * rows.in_bytes))
    return read


def survives(rows: Rows, k_h: int, together: int, ahead: bool, lead: int) -> bool:
    """Whether no byte is read behind its being overwritten, when the output begins `lead` bytes before the input."""
    overwritten: set[int] = set()
    for first in range(0, rows.out_rows, together):
        written = {b - lead for b in range(first * rows.out_bytes, min(first + together, rows.out_rows) * rows.out_bytes)}
        read = windows(rows, k_h, first, together)
        if read & overwritten or (not ahead and read & written):
            return False
        overwritten |= written
    return True


def cases() -> list[tuple[Rows, int, int, bool]]:
    random, found = np.random.default_rng(0), []
    for _ in range(150):
        k_h, stride = int(random.integers(1, 5)), int(random.integers(1, 4))
        pad = int(random.integers(0, k_h))
        in_rows = int(random.integers(k_h, 10))
        out_rows = (in_rows + pad + int(random.integers(0, k_h)) - k_h) // stride + 1
        rows = Rows(in_rows, int(random.integers(1, 6)), out_rows, int(random.integers(1, 6)), stride, pad)
        found.append((rows, k_h, int(random.integers(1, 3)), bool(random.integers(2))))
    return found


@pytest.mark.parametrize(("rows", "k_h", "together", "ahead"), cases())
def test_no_byte_is_overwritten_before_it_is_read(rows: Rows, k_h: int, together: int, ahead: bool) -> None:
    """Nor is the lead of a kernel that reads ahead larger than it has to be, where windows leave no row out."""
    lead = rows.trail(together, ahead)
    assert survives(rows, k_h, together, ahead, lead)
    assert survives(rows, k_h, together, ahead, lead + 3), "farther apart is as good"


def test_leads_are_as_small_as_they_can_be() -> None:
    """Where every row is read: one byte less and something is lost."""
    tight = 0
    for rows, k_h, together, ahead in cases():
        lead = rows.trail(together, ahead)
        if ahead and k_h >= rows.stride and rows.pad == 0 and lead > -rows.in_rows * rows.in_bytes:
            assert not survives(rows, k_h, together, ahead, lead - 1), rows
            tight += 1
    assert tight > 5
