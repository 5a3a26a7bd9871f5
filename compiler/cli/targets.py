"""`tapeout targets`: what can be compiled for."""
from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click


@click.command("targets")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the targets and their boards."""
    from tapeout.cosim.design import design_engines
    from tapeout.targets import all_targets
    from tapeout.targets.board import boards
    from tapeout.targets.hardware import all_hardware

    rows: list[dict[str, Any]] = [
        {"name": t.name, "boards": [asdict(b) for b in boards().values() if b.target == t.name]} for t in all_targets()
    ]
    rows += [{"name": hardware.name, "boards": []} for hardware in all_hardware()]
    if as_json:
        click.echo(json.dumps({"targets": rows}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("target", "board", "flash", "RAM", "clock", "runs in", box=None)
    for target in all_targets():
        table.add_row(target.name, *[""] * 5)
        for board in boards().values():
            if board.target == target.name:
                table.add_row(
                    "", board.name, f"{board.flash.bytes >> 10} KiB", f"{board.ram.bytes >> 10} KiB",
                    f"{board.clock_hz / 1e6:g} MHz", f"QEMU {board.qemu}" if board.qemu else "",
                )
    for hardware in all_hardware():
        engines = ", ".join(engine.name for engine in design_engines() if engine.runs(hardware))
        table.add_row(hardware.name, *[""] * 4, engines)
    Console().print(table)
