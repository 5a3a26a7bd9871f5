"""Budgets are read as people write them: binary prefixes for bytes, decimal ones for counts."""
from __future__ import annotations

import pytest

from tapeout.compiler.budget import Budget, Quantity, parse_budgets, quantity_text
from tapeout.compiler.errors import TapeoutError


@pytest.mark.parametrize(("text", "quantity", "limit"), [
    ("flash=256k", Quantity.FLASH, 262144),
    ("ram=1M", Quantity.RAM, 1048576),
    ("arena=768", Quantity.ARENA, 768),
    ("ram=1.5k", Quantity.RAM, 1536),
    ("instructions=30M", Quantity.INSTRUCTIONS, 30_000_000),
    ("macs=2k", Quantity.MACS, 2000),
    ("ram=64kB", Quantity.RAM, 65536),
    ("latency=50ms", Quantity.LATENCY, 50_000_000),
    ("latency=12.5us", Quantity.LATENCY, 12_500),
    ("latency=1 s", Quantity.LATENCY, 1_000_000_000),
    ("energy=2mJ", Quantity.ENERGY, 2_000_000),
    ("energy=160uJ", Quantity.ENERGY, 160_000),
    ("lut=20k", Quantity.LUT, 20_000),
    ("fmax=62.5M", Quantity.FMAX, 62_500_000),
    ("interval=256", Quantity.INTERVAL, 256),
])
def test_units(text: str, quantity: Quantity, limit: int) -> None:
    assert parse_budgets(text) == (Budget(quantity, limit),)


def test_several() -> None:
    assert [b.quantity for b in parse_budgets("flash=1k,ram=2k")] == [Quantity.FLASH, Quantity.RAM]
    assert parse_budgets("") == ()


@pytest.mark.parametrize("text", ["flash", "flash=", "flash=-1", "speed=3", "=3"])
def test_mistakes_name_the_keys(text: str) -> None:
    with pytest.raises(TapeoutError, match=r"--budget .*keys are flash, ram, arena, stack, macs, instructions, latency, energy"):
        parse_budgets(text)


@pytest.mark.parametrize(("text", "message"), [
    ("latency=50", "--budget 'latency=50': a unit is missing; units of latency are 'ms', 'us', 's', 'ns'"),
    ("latency=50mJ", "--budget 'latency=50mJ': no unit 'mJ'; units of latency are 'ms', 'us', 's', 'ns'"),
    ("energy=2ms", "--budget 'energy=2ms': no unit 'ms'; units of energy are 'mJ', 'uJ', 'nJ'"),
    ("fmax=50", "--budget 'fmax=50': a unit is missing; units of fmax are 'M', 'MHz', 'k', 'kHz'"),
    ("flash=12q", "--budget 'flash=12q': no unit 'q'; units of flash are none, 'k', 'M', 'B', 'kB', 'MB'"),
    ("macs=2ms", "--budget 'macs=2ms': no unit 'ms'; units of macs are none, 'k', 'M'"),
])
def test_a_wrong_unit_is_one_line_that_names_the_right_ones(text: str, message: str) -> None:
    with pytest.raises(TapeoutError) as caught:
        parse_budgets(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(("quantity", "value", "text"), [
    (Quantity.FLASH, 65536, "65,536 B"),
    (Quantity.MACS, 30_000_000, "30,000,000"),
    (Quantity.LATENCY, 49_640_000, "49.6 ms"),
    (Quantity.LATENCY, 812_499, "812 us"),
    (Quantity.LATENCY, 2_000_000_000, "2.00 s"),
    (Quantity.ENERGY, 1_655_000, "1.66 mJ"),
    (Quantity.ENERGY, 999, "999 nJ"),
    (Quantity.FMAX, 124_054_000, "124.1 MHz"),
    (Quantity.INTERVAL, 1024, "1,024 cycles"),
    (Quantity.BRAM, 1040, "1,040"),
])
def test_figures_have_units(quantity: Quantity, value: int, text: str) -> None:
    assert quantity_text(quantity, value) == text
