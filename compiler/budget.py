"""Budgets: `flash=256k,ram=64k,instructions=30M`, and which figures of a report they bound."""
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

    @property
    def in_bytes(self) -> bool:
        return self not in (Quantity.MACS, Quantity.INSTRUCTIONS)


@dataclass(frozen=True)
class Budget:
    """At most `limit` bytes, multiply-accumulates or instructions."""

    quantity: Quantity
    limit: int
    source: str = "--budget"


def parse_budgets(text: str) -> tuple[Budget, ...]:
    """The budgets of a text like `flash=256k,ram=64k,instructions=30M`.

    `k` and `M` are 1024 and 1024**2 for bytes, 1000 and 1000**2 for counts. Raises TapeoutError.
    """
    budgets = []
    for item in filter(None, text.split(",")):
        match = re.fullmatch(r"\s*(\w+)\s*=\s*(\d+(?:\.\d+)?)([kM]?)B?\s*", item)
        known = ", ".join(q.value for q in Quantity)
        if not match:
            raise TapeoutError(f"--budget {item!r}: write KEY=NUMBER, with k or M behind the number if you like; keys are {known}")
        key, number, unit = match.groups()
        if key not in list(Quantity):
            raise TapeoutError(f"--budget {item!r}: no budget {key!r}; keys are {known}")
        quantity = Quantity(key)
        base = 1024 if quantity.in_bytes else 1000
        budgets.append(Budget(quantity, int(float(number) * base ** ("", "k", "M").index(unit))))
    return tuple(budgets)


def quantity_text(quantity: Quantity, value: int) -> str:
    """A figure with its unit, `65,536 B` or `30,000,000`."""
    return f"{value:,} B" if quantity.in_bytes else f"{value:,}"
