"""Families of devices: how yosys maps a design to their cells, and what each kind of cell takes. One file each."""
from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.synthesis import Resources

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Family:
    """`mapping` is the script of yosys from modules to cells, {top} the top module, {folder} this one; `finish` what follows when the
    design is flat. `cells` says what a cell of each kind takes: a kind that is not there is an error, so that nothing counts as zero by
    mistake. `sites` does so for the kinds in nextpnr's report.
    """

    mapping: str
    cells: Mapping[str, Resources]
    nextpnr: str
    options: tuple[str, ...]
    sites: Mapping[str, Resources]
    blocks: str = ""  # a file with the ports of cells that yosys does not know
    no_multipliers: str = ""  # what to say in `mapping` so that tables multiply
    finish: str = ""


def find_family(name: str) -> Family:
    found = importlib.import_module(f"{__name__}.{name}").FAMILY
    assert isinstance(found, Family)
    return found


def counted(cells: Mapping[str, int], kinds: Mapping[str, Resources], where: str) -> Resources:
    """What cells by kind take. Raises TapeoutError that names a kind which is not in the table."""
    taken = Resources()
    for kind, count in cells.items():
        if kind not in kinds:
            raise TapeoutError(f"{where}: {count} cells of a kind that is not known, {kind}; it counts in none of lut, ff, dsp and bram")
        taken += kinds[kind].times(count)
    return taken
