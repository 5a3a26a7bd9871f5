"""What is shown of a design on a device: resources by layer beside their estimates, the clock, times, and the model of energy."""
from __future__ import annotations

import shutil
import sys

from rich.console import Console
from rich.table import Table

from ..budget import Quantity, quantity_text, scaled_text
from ..synthesis import LayerResources, Resources, Synthesis, error_percent, total

_KINDS = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram": "BRAM"}


def show_synthesis(synthesis: Synthesis) -> None:
    """Prints tables; each figure stands before its estimate, and how far that is off."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    console = Console(width=max(160, columns), highlight=False)  # figures are never cut; a line of all columns takes some 150
    table = Table(box=None, pad_edge=False)
    table.add_column(synthesis.device, overflow="ellipsis", no_wrap=True, max_width=22)
    table.add_column("module", no_wrap=True)
    table.add_column("fold", no_wrap=True)
    table.add_column("cycles", justify="right", no_wrap=True)
    for title in _KINDS.values():
        table.add_column(title, justify="right", no_wrap=True)
        table.add_column("estimated", justify="right", no_wrap=True)
    for row in synthesis.layers:
        table.add_row(row.name, row.module, row.fold, f"{row.cycles:,}", *_figures(row))
    table.add_section()
    whole = LayerResources("all", "", "", 0, synthesis.estimated, synthesis.used)
    table.add_row("netlist" if synthesis.used else "estimate", "", "", f"{synthesis.interval:,}", *_figures(whole))
    if synthesis.pins:
        table.add_row("wrapper of five pins", *[""] * 3, *_plain(synthesis.pins))
    if synthesis.routed:
        table.add_row("placed", *[""] * 3, *_plain(synthesis.routed.placed))
    table.add_row("of", *[""] * 3, *_plain(synthesis.capacity))
    console.print(table)
    for line in lines(synthesis):
        console.print(line)


def too_much(synthesis: Synthesis) -> list[str]:
    """A line for each resource of which the layers that have an estimate expect more than the device has; none once it is synthesized."""
    if synthesis.used:
        return []
    expected, room = total(row.estimated for row in synthesis.layers if row.estimated).named(), synthesis.capacity.named()
    return [
        f"warning: {expected[kind]:,} {kind} are expected, {synthesis.device} has {room[kind]:,}: fold more, or name a larger one by --part"
        for kind in room if expected[kind] > room[kind]
    ]  # fmt: skip


def lines(synthesis: Synthesis) -> list[str]:
    """The figures of the whole design, a line each."""
    found, routed, timing = too_much(synthesis), synthesis.routed, synthesis.timing
    if routed:
        asked = quantity_text(Quantity.FMAX, routed.asked_hz)
        where = f", slowest path in {routed.slowest}" if routed.slowest else ""
        found.append(f"clock: {quantity_text(Quantity.FMAX, routed.fmax_hz)} ({asked} asked for, seed {routed.seed}{where})")
    if timing and routed:
        found.append(
            f"latency: {scaled_text(synthesis.latency_ns or 0, 's')}, {timing.latency:,} cycles simulated; "
            f"{synthesis.frames_per_second or 0:,} frames/s, one in {timing.interval:,} cycles"
        )
    if synthesis.energy:
        dynamic, static = synthesis.energy.dynamic_nj, synthesis.energy.static_nj
        rest = "what the device takes at rest is not known" if static is None else f"and {static:,.1f} nJ of the device at rest"
        found.append(f"energy, a model: {dynamic:,.1f} nJ a frame of cells that change, {rest}")
    return found


def _figures(row: LayerResources) -> list[str]:
    """What is used, and the estimate with its error in percent, by kind."""
    cells = []
    used, guess = (r.named() if r else None for r in (row.used, row.estimated))
    for kind in _KINDS:
        error = error_percent(guess[kind], used[kind]) if guess and used else None
        cells.append(f"{used[kind]:,}" if used else "")
        cells.append(f"{guess[kind]:,}{'' if error is None else f' {error:+.0f}%'}" if guess else "-")
    return cells


def _plain(resources: Resources) -> list[str]:
    return [cell for count in resources.named().values() for cell in (f"{count:,}", "")]
