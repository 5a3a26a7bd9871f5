"""Budgets: `flash=256k,ram=64k,instructions=30M,latency=50ms,energy=2mJ`, and which figures of a report they bound; of designs of
hardware `lut=20k,dsp=28,fmax=50M,latency=2us`."""
from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from .errors import TapeoutError


class Quantity(StrEnum):
    """What can be bounded; the value is the key on the command line."""

    FLASH = "flash"
    RAM = "ram"
    ARENA = "arena"
    STACK = "stack"
    MACS = "macs"
    INSTRUCTIONS = "instructions"
    LATENCY = "latency"
    ENERGY = "energy"
    LUT = "lut"
    FF = "ff"
    DSP = "dsp"
    BRAM = "bram"
    FMAX = "fmax"
    INTERVAL = "interval"

    @property
    def at_least(self) -> bool:
        """Whether a budget is a lower bound."""
        return self is Quantity.FMAX

    @property
    def units(self) -> dict[str, int]:
        """What a number on the command line may be followed by, and what that stands for; nanoseconds, nanojoules and hertz are 1."""
        match self:
            case Quantity.LATENCY:
                return {"ms": 10**6, "us": 10**3, "s": 10**9, "ns": 1}
            case Quantity.ENERGY:
                return {"mJ": 10**6, "uJ": 10**3, "nJ": 1}
            case Quantity.FMAX:
                return {"M": 10**6, "MHz": 10**6, "k": 10**3, "kHz": 10**3}
            case Quantity.MACS | Quantity.INSTRUCTIONS | Quantity.INTERVAL | Quantity.LUT | Quantity.FF | Quantity.DSP | Quantity.BRAM:
                return {"": 1, "k": 1000, "M": 1000**2}
            case _:
                return {"": 1, "k": 1024, "M": 1024**2, "B": 1, "kB": 1024, "MB": 1024**2}


DESIGN_ALONE = (Quantity.LUT, Quantity.FF, Quantity.DSP, Quantity.BRAM, Quantity.FMAX, Quantity.INTERVAL)  # of designs of hardware


@dataclass(frozen=True)
class Budget:
    """At most `limit` bytes, multiply-accumulates, instructions, nanoseconds, nanojoules, cells of a device or cycles, or at least so many
    hertz."""

    quantity: Quantity
    limit: int
    source: str = "--budget"


def parse_budgets(text: str) -> tuple[Budget, ...]:
    """The budgets of a text like `flash=256k,ram=64k,instructions=30M,latency=50ms`.

    `k` and `M` are 1024 and 1024**2 for bytes, 1000 and 1000**2 for counts; times and energies need a unit. Raises TapeoutError.
    """
    budgets = []
    for item in filter(None, text.split(",")):
        match = re.fullmatch(r"\s*(\w+)\s*=\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", item)
        known = ", ".join(q.value for q in Quantity)
        if not match:
            raise TapeoutError(f"--budget {item!r}: write KEY=NUMBER, with a unit behind the number; keys are {known}")
        key, number, unit = match.groups()
        if key not in list(Quantity):
            raise TapeoutError(f"--budget {item!r}: no budget {key!r}; keys are {known}")
        quantity = Quantity(key)
        if unit not in quantity.units:
            choice = ", ".join(repr(u) if u else "none" for u in quantity.units)
            raise TapeoutError(f"--budget {item!r}: {f'no unit {unit!r}' if unit else 'a unit is missing'}; units of {key} are {choice}")
        budgets.append(Budget(quantity, int(float(number) * quantity.units[unit])))
    return tuple(budgets)


def quantity_text(quantity: Quantity, value: int) -> str:
    """A figure with its unit: `65,536 B`, `30,000,000`, `49.6 ms` or `1.66 mJ`."""
    match quantity:
        case Quantity.LATENCY | Quantity.ENERGY:
            return scaled_text(value, "s" if quantity is Quantity.LATENCY else "J")
        case Quantity.FMAX:
            return f"{value / 1e6:.1f} MHz"
        case Quantity.INTERVAL:
            return f"{value:,} cycles"
        case Quantity.MACS | Quantity.INSTRUCTIONS | Quantity.LUT | Quantity.FF | Quantity.DSP | Quantity.BRAM:
            return f"{value:,}"
        case _:
            return f"{value:,} B"


def scaled_text(nano: int, unit: str) -> str:
    """Nanoseconds or nanojoules in a unit in which they are at least 1, with three digits: `49.6 ms`, `812 us`."""
    prefix, power = next(((p, n) for p, n in (("", 10**9), ("m", 10**6), ("u", 10**3)) if nano >= n), ("n", 1))
    figure = nano / power
    return f"{figure:.{max(0, 3 - len(str(int(figure))))}f} {prefix}{unit}"
