"""Budgets of a design of hardware against what is known of it: estimated, synthesized, or routed."""
from __future__ import annotations

from collections.abc import Sequence

from .budget import DESIGN_ALONE, Budget, Quantity
from .errors import TapeoutError
from .report import Gate
from .synthesis import Synthesis

DESIGN = (*DESIGN_ALONE, Quantity.LATENCY, Quantity.ENERGY)
_KINDS = (Quantity.LUT, Quantity.FF, Quantity.DSP, Quantity.BRAM)


def design_gates(budgets: Sequence[Budget], synthesis: Synthesis) -> tuple[Gate, ...]:
    """Raises TapeoutError for a budget that bounds no design, or whose figure is not known."""
    return tuple(_gate(budget, synthesis) for budget in budgets)


def _gate(budget: Budget, synthesis: Synthesis) -> Gate:
    quantity = budget.quantity
    if quantity not in DESIGN:
        raise TapeoutError(f"budget {quantity}: bounds no design of hardware; these do: {', '.join(DESIGN)}")
    value = _figure(quantity, synthesis)
    if value is None:
        raise TapeoutError(_missing(quantity, synthesis))
    met = value >= budget.limit if quantity.at_least else value <= budget.limit
    return Gate(quantity.value, budget.limit, value, met, _heaviest(quantity, synthesis), budget.source)


def _figure(quantity: Quantity, synthesis: Synthesis) -> int | None:
    if quantity in _KINDS:
        return synthesis.best.named()[quantity.value] if synthesis.best else None
    match quantity:
        case Quantity.INTERVAL:
            return synthesis.interval
        case Quantity.FMAX:
            return synthesis.routed.fmax_hz if synthesis.routed else None
        case Quantity.LATENCY:
            return synthesis.latency_ns
        case _:
            return synthesis.energy_nj


def _missing(quantity: Quantity, synthesis: Synthesis) -> str:
    if quantity in _KINDS:
        unknown = next(layer for layer in synthesis.layers if layer.estimated is None)
        return f"budget {quantity}: {unknown.name}: there is no estimate of {unknown.module}; give this budget to tapeout synth"
    if quantity is Quantity.ENERGY and synthesis.routed:
        return f"budget energy: what {synthesis.device} takes at rest is not known"
    return f"budget {quantity}: needs a routed design; give it to tapeout synth, without --no-route"


def _heaviest(quantity: Quantity, synthesis: Synthesis) -> str:
    """The layer that weighs most, in words."""
    if quantity in _KINDS:
        known = [(layer, layer.used or layer.estimated) for layer in synthesis.layers]
        row, most = max(((row, r.named()[quantity.value]) for row, r in known if r), key=lambda pair: pair[1])
        return f"{row.name} ({row.module}) with {most:,} {quantity}"
    if quantity is Quantity.FMAX:
        ends = [row for row in synthesis.layers if synthesis.routed and row.name == synthesis.routed.slowest]
        return f"{ends[0].name} ({ends[0].module}), where the slowest path ends" if ends else "a path in no layer"
    row = max(synthesis.layers, key=lambda row: row.cycles)
    return f"{row.name} ({row.module}) with {row.cycles:,} cycles a frame"
