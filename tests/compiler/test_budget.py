"""Budgets are read as people write them: binary prefixes for bytes, decimal ones for counts."""
from __future__ import annotations

import pytest

from tapeout.compiler.budget import Budget, Quantity, parse_budgets
from tapeout.compiler.errors import TapeoutError


@pytest.mark.parametrize(("text", "quantity", "limit"), [
    ("flash=256k", Quantity.FLASH, 262144),
    ("ram=1M", Quantity.RAM, 1048576),
    ("arena=768", Quantity.ARENA, 768),
    ("ram=1.5k", Quantity.RAM, 1536),
    ("instructions=30M", Quantity.INSTRUCTIONS, 30_000_000),
    ("macs=2k", Quantity.MACS, 2000),
])
def test_units(text: str, quantity: Quantity, limit: int) -> None:
    assert parse_budgets(text) == (Budget(quantity, limit),)


def test_several() -> None:
    assert [b.quantity for b in parse_budgets("flash=1k,ram=2k")] == [Quantity.FLASH, Quantity.RAM]
    assert parse_budgets("") == ()


@pytest.mark.parametrize("text", ["flash", "flash=", "flash=12q", "flash=-1", "speed=3", "=3"])
def test_mistakes_name_the_keys(text: str) -> None:
    with pytest.raises(TapeoutError, match=r"--budget .*keys are flash, ram, arena, stack, macs, instructions"):
        parse_budgets(text)
