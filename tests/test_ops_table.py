"""The table of ops and targets in the README says which kernel files exist."""
from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from tapeout.compiler import text
from tapeout.compiler.ir import Graph, Node, Op, QType
from tapeout.compiler.ops.requant import Requant
from tapeout.targets import all_targets
from tapeout.targets.c.target import KERNELS
from tapeout.targets.hardware import all_hardware
from tapeout.targets.hls.hardware import HlsProject
from tapeout.targets.hls.layers import RULES, plan
from tapeout.targets.rtl.hardware import Rtl
from tapeout.targets.rtl.library import KERNELS as MODULES
from tapeout.targets.rtl.library import runs_in_wires
from tapeout.targets.target import symbols
from tests.cases import Input, cases_of, one_node, scaling
from tests.documents import with_part
from tests.targets.test_hls import plane, quantized

ROOT = Path(__file__).resolve().parents[1]
OPS = sorted(file.stem for file in (ROOT / "compiler" / "ops").glob("[a-z]*.py"))
OWN, INHERITED, NONE = "●", "○", ""


def op_of(file: Path) -> str:
    """The op of a kernel file `<op>.h` or `<op>_<variant>.h`; empty for what kernels share."""
    return max((op for op in OPS if file.stem == op or file.stem.startswith(f"{op}_")), key=len, default="")


def of_c(folders: tuple[Path, ...]) -> dict[str, str]:
    """The cells of a target that emits C from these folders."""
    portable = {op for op in OPS if (KERNELS / f"{op}.h").is_file() and symbols(KERNELS / f"{op}.h")}
    views = {op for op in OPS if text.op_class(op).view is not Op.view}
    own = {op_of(file) for folder in folders if folder != KERNELS for file in folder.glob("*.h")}
    return {op: OWN if op in own else INHERITED if op in portable | views else NONE for op in OPS}


def of_hls(project: HlsProject) -> dict[str, str]:
    """Those of a target of hls4ml: the ops that it takes of graphs which have all that it may take, with streams or without."""
    halves = QType(8, True, (0.5,))
    graphs = (quantized(plane()), one_node("r", Requant(halves), Input((1, 3), QType(8)), *scaling([2.0])))
    found = {node.op.name(): takes(project, graph, node) for graph in graphs for node in graph.nodes}
    assert set(found) == {op.name() for op in RULES}
    return {op: OWN if found.get(op) else NONE for op in OPS}


def takes(project: HlsProject, graph: Graph, node: Node) -> bool:
    planned = plan(graph)
    made = next(layer for layer in planned.layers if layer.name == planned.names[node.name])
    return any(not any(lack.meets(made, stream) for lack in project.lacks) for stream in (False, True))


def of_rtl() -> dict[str, str]:
    wires = {case.op for case in cases_of("reshape") if all(map(runs_in_wires, case.graph.nodes))}
    return {op: OWN if (MODULES / f"{op}.py").is_file() or op in wires else NONE for op in OPS}


@cache
def columns() -> dict[str, dict[str, str]]:
    """The cells of each target, targets with the same ones under one heading."""
    found = {target.name: of_c(target.kernels) for target in all_targets()}
    for hardware in all_hardware():
        if isinstance(hardware, HlsProject):
            found[hardware.name] = of_hls(hardware)
        elif isinstance(hardware, Rtl):
            found[hardware.name] = of_rtl()
    groups: dict[str, dict[str, str]] = {}
    for name, cells in found.items():
        same = next((heading for heading, others in groups.items() if others == cells), "")
        groups.pop(same, None)
        groups[f"{same}, {name}" if same else name] = cells
    return {heading: groups[heading] for heading in sorted(groups, key=lambda h: list(found).index(h.partition(",")[0]))}


def table() -> str:
    """A line for all ops of the same cells."""
    found = columns()
    lines: dict[tuple[str, ...], list[str]] = {}
    for op in OPS:
        cells = tuple(column[op] for column in found.values())
        if any(cells):
            lines.setdefault(cells, []).append(op)
    rows = [f"| {', '.join(ops)} | {' | '.join(cells)} |" for cells, ops in sorted(lines.items(), key=lambda line: line[1])]
    return "\n".join([f"| op | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|", *rows])


def test_the_table_of_ops_and_targets(golden: Callable[[str, str], None]) -> None:
    page = ROOT / "README.md"
    golden(str(page), with_part(page, "ops", table()))


def test_what_the_cells_say() -> None:
    found = {name: cells for heading, cells in columns().items() for name in heading.split(", ")}
    assert set(found) == {t.name for t in all_targets()} | {h.name for h in all_hardware()}
    assert [found[name]["conv2d"] for name in ("c", "cortex-m4", "rtl", "vitis-hls")] == [INHERITED, OWN, OWN, OWN]
    assert found["c"]["fake_quantize"] == found["rtl"]["sgd"] == found["quartus-hls"]["depthwise_conv2d"] == NONE
    assert found["catapult-hls"]["depthwise_conv2d"] == found["rtl"]["reshape"] == OWN and found["cortex-m55"]["lut"] == INHERITED
