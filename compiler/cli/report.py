"""`tapeout report`: the figures of a compiled folder, as a table or as JSON."""
from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import TapeoutError

if TYPE_CHECKING:
    from rich.table import Table

    from ..report import Layer, Report
    from ..vendor import VendorReports


@click.command("report")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print report.json as it is.")
@click.option("--vendor", type=click.Path(path_type=Path), metavar="PROJECT",
              help="Read the reports of Vitis HLS and Vivado below this folder into report.json first.")
def command(folder: Path, as_json: bool, vendor: Path | None) -> None:
    """Print what the network compiled into DIR costs."""
    from ..report import from_json

    path = folder / "report.json"
    if not path.is_file():
        raise TapeoutError(f"{folder}: not a folder that 'tapeout compile' wrote (it has no report.json)")
    text = path.read_text()
    report = from_json(text, str(path))
    if vendor:
        report = replace(report, vendor=_of_vendor(report, vendor))
        path.write_text(text := report.to_json())
    if as_json:
        click.echo(text, nl=False)
    else:
        show(report)


def _of_vendor(report: Report, folder: Path) -> VendorReports:
    """What the vendor's tools say of this design. Raises TapeoutError for a network that is none."""
    from tapeout.targets.hardware import find_hardware

    from ..vendor import read_vendor

    if not find_hardware(report.target):
        raise TapeoutError(f"--vendor: {report.target} is no design of hardware, so that these reports are not of it")
    return read_vendor(folder, report.model.name)


def show(report: Report) -> None:
    """Prints a report as tables; a terminal with fewer than 120 columns wraps the lines, so that no figure is cut."""
    from rich.console import Console
    from rich.table import Table

    from tapeout.targets.hardware import find_hardware

    from ..vendor import lines

    console = Console(width=max(120, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 120, highlight=False)
    where = f"{report.target}, {report.board}" if report.board else report.target
    how = f", {report.model.quantized}" if report.model.quantized else ""
    console.print(f"[bold]{report.model.name}[/bold] for {where} (from {report.model.file}{how})")

    table = Table(box=None, pad_edge=False)
    table.add_column("layer", overflow="ellipsis", no_wrap=True, max_width=22)
    table.add_column("op", no_wrap=True)
    table.add_column("output", no_wrap=True)
    for title in ("MACs", "executed", "weights B", "instructions", "/MAC", "cycles"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in _whole_layers(report):
        table.add_row(
            row.name, row.op, row.output, _count(row.macs), _count(row.macs_executed), _count(row.weight_bytes),
            _count(row.instructions), _ratio(row.instructions_per_mac), _count(row.cycles),
        )
    totals = report.totals
    table.add_section()
    table.add_row(
        "whole run", "", "", _count(totals.macs), _count(totals.macs_executed), _count(report.memory.weight_bytes),
        _count(totals.instructions), _ratio(totals.instructions_per_mac), _count(totals.cycles),
    )
    console.print(table)
    if find_hardware(report.target):
        console.print(f"the design is in {report.target}/; tapeout cosim simulates it beside the C of the same network, which is in c/")
    else:
        console.print(_kernels(report))
        if totals.cycles is not None:
            console.print(_speed(report))
        console.print(_memory(report))
    if report.synthesis:
        from .synthesis_tables import show_synthesis

        show_synthesis(report.synthesis)
    for line in lines(report.vendor) if report.vendor else ():
        console.print(line)
    for gate in report.budgets:
        console.print(f"[{'green' if gate.met else 'red'}]{gate.text()}[/]")
    for warning in report.warnings:
        console.print(f"[yellow]warning:[/] {warning}")


def _whole_layers(report: Report) -> list[Layer]:
    """A row for each layer; one that is computed in strips has the sums of its parts."""
    found: list[Layer] = []
    split = {row.part_of for row in report.layers}
    whole = {row.name: row.part_of or row.name for row in report.layers}
    for layer, parts in groupby(sorted(report.layers, key=lambda row: whole[row.name]), key=lambda row: whole[row.name]):
        rows = list(parts)
        if layer not in split:
            found += rows
            continue
        computing = [row for row in rows if row.op not in ("slice", "concat")] or rows
        macs, instructions = sum(row.macs_executed for row in rows), sum(row.instructions or 0 for row in rows)
        found.append(replace(
            computing[0], name=layer, output=f"{len(computing)} strips", macs=sum(row.macs for row in rows),
            macs_executed=macs, instructions=instructions, cycles=sum(row.cycles or 0 for row in rows),
            instructions_per_mac=instructions / macs if macs else None,
        ))
    first = {whole[row.name]: index for index, row in reversed(list(enumerate(report.layers)))}
    return sorted(found, key=lambda row: first[row.name])


def _kernels(report: Report) -> Table:
    """Which kernels run which layers, and who chose them."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("kernel", no_wrap=True)
    table.add_column("chosen by", no_wrap=True)
    table.add_column("layers")
    kernels = dict.fromkeys((row.kernel, row.kernel_by or "") for row in report.layers if row.kernel)
    for kernel, by in kernels:
        run = dict.fromkeys(row.part_of or row.name for row in report.layers if (row.kernel, row.kernel_by or "") == (kernel, by))
        table.add_row(kernel, by, ", ".join(run))
    return table


def _speed(report: Report) -> Table:
    """What is modelled of a run: cycles, time and energy."""
    from rich.table import Table

    from ..budget import scaled_text

    totals = report.totals
    table = Table(box=None, pad_edge=False)
    table.add_column("speed")
    table.add_column("modelled", justify="right", no_wrap=True)
    table.add_column("")
    per_mac = f"{totals.cycles_per_mac:.2f} per MAC" if totals.cycles_per_mac is not None else ""
    rows = (
        ("cycles", _count(totals.cycles), "totals.cycles", per_mac),
        ("latency", "-" if totals.latency_ns is None else scaled_text(totals.latency_ns, "s"), "totals.latency_ns", ""),
        ("energy", "-" if totals.energy_nj is None else scaled_text(totals.energy_nj, "J"), "totals.energy_nj", ""),
    )
    for title, value, key, note in rows:
        table.add_row(title, value, "; ".join(filter(None, (note, report.figures.get(key, "")))))
    return table


def _memory(report: Report) -> Table:
    from rich.table import Table

    memory = report.memory
    table = Table(box=None, pad_edge=False)
    table.add_column("memory")
    table.add_column("bytes", justify="right")
    table.add_column("")
    layers = {row.name: row.part_of or row.name for row in report.layers}
    most: dict[str, int] = {}
    for item in memory.scratch:
        most[layers[item.layer]] = max(item.bytes, most.get(layers[item.layer], 0))
    scratch = ", ".join(f"{layer} {bytes:,}" for layer, bytes in most.items())
    notes = [f"lower bound {memory.arena_lower_bound_bytes:,}", "optimal" if memory.arena_optimal else "not proved optimal"]
    notes += [f"{region.first} to {region.last} in {region.strips} strips of rows, nothing computed twice" for region in memory.strips]
    if scratch:
        notes.append(f"scratch of {scratch}")
    rows = (
        ("flash", memory.flash_bytes, "memory.flash_bytes", ", ".join(f"{k} {v:,}" for k, v in (memory.sections or {}).items())),
        ("arena", memory.arena_bytes, "memory.arena_bytes", ", ".join(notes)),
        ("arena touched", memory.arena_touched_bytes, "memory.arena_touched_bytes", ""),
        ("stack", memory.stack_bytes, "memory.stack_bytes", ""),
        ("RAM", memory.ram_bytes, "memory.ram_bytes", "data + bss, the arena among it, + stack"),
    )
    for title, value, key, note in rows:
        table.add_row(title, _count(value), "; ".join(filter(None, (report.figures.get(key, ""), note))))
    return table


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}" if value else ""


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
