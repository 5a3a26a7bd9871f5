"""Kernels of few and of many bits write every byte of the scratch that they ask for, so that a compile finds its arena used as planned."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tapeout.cosim.qemu import QemuMachine
from tapeout.cosim.touched import touched
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tests.cases import Case, cases_of, samples

ENDS = ("nibbles", "nibbles_odd", "nibbles_one", "halves_odd", "halves_one")  # of the names of cases


def scratched() -> Iterator[tuple[Case, str, str]]:
    """Cases with a core and a variant that takes scratch."""
    for op in ("conv2d", "dense", "depthwise_conv2d"):
        for case in (c for c in cases_of(op) if c.name.endswith(ENDS)):
            (node,) = case.graph.nodes
            for core, folder in (("cortex-m4", "dsp"), ("cortex-m55", "mve")):
                for path, kernel in find_target(core).variants(case.graph, node):
                    scratch = kernel.scratch(node.op, case.graph.types(node))
                    if scratch and path.parent.name == folder and kernel.accepts(case.graph, node) is None and not kernel.sparse:
                        yield case, core, kernel.symbol


@pytest.mark.parametrize(("case", "core", "symbol"), [pytest.param(*row, id=f"{row[0].name}-{row[2]}") for row in scratched()])
def test_all_scratch_is_written(case: Case, core: str, symbol: str, tmp_path: Path) -> None:
    compiled = Compiled.write(tmp_path / "net", "net", find_target(core), case.graph, pins={case.graph.nodes[0].name: symbol})
    found = touched(QemuMachine(), compiled, {name: array[:1] for name, array in samples(case).items()})
    assert found.holds, found.text()
