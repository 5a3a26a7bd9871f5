"""The report: one document of every figure, written as `report.json`. Its schema is described in docs/report.md."""
from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from . import vendor
from .budget import DESIGN_ALONE, Budget, Quantity, quantity_text, scaled_text
from .data import source_shape
from .errors import TapeoutError
from .ir import Graph, Port, QType
from .memory import Plan
from .passes.split_rows import Region
from .states import parameters
from .synthesis import Synthesis, from_document
from .vendor import VendorReports

SCHEMA = "tapeout-report-1"


@dataclass(frozen=True)
class Model:
    """The source model: its name, its file's name and SHA-256, and how it was quantized, if it was."""

    name: str
    file: str
    sha256: str
    quantized: str | None


@dataclass(frozen=True)
class Edge:
    """An input or output: how it lies in the arena, in C order, and what the source model calls it.

    An input that lies in the caller's memory has no `offset`; `function` is then its argument of the run function.
    Axis `i` of `shape` is axis `axes[i]` of `source_shape`.
    """

    name: str
    function: str
    shape: tuple[int, ...]
    layout: str
    dtype: str
    scale: float | None
    zero_point: int | None
    axes: tuple[int, ...]
    source_shape: tuple[int, ...]
    source_dtype: str
    offset: int | None
    bytes: int


@dataclass(frozen=True)
class Scratch:
    """Working memory of one layer's kernel, inside the arena."""

    layer: str
    bytes: int


@dataclass(frozen=True)
class Memory:
    """Bytes. `flash_bytes` is the ELF with a minimal main; `ram_bytes` is data + bss (the arena is there) + stack. `strips` are the regions
    of the network that are computed in strips of rows, so that the arena is small."""

    arena_bytes: int
    arena_lower_bound_bytes: int
    arena_optimal: bool
    scratch: tuple[Scratch, ...]
    weight_bytes: int
    strips: tuple[Region, ...] = ()
    arena_touched_bytes: int | None = None
    flash_bytes: int | None = None
    data_bytes: int | None = None
    bss_bytes: int | None = None
    stack_bytes: int | None = None
    stack_static_bytes: int | None = None
    ram_bytes: int | None = None
    sections: dict[str, int] | None = None


@dataclass(frozen=True)
class Layer:
    """One node. `macs` counts the source model's multiply-accumulates, `macs_executed` those left after exact folding,
    `arena_bytes` the arena that is live while it runs; `part_of` names the layer that a node of a strip does a part of, `kernel_by` says
    who chose the kernel: cost, tuner or pin."""

    name: str
    op: str
    kernel: str | None
    input: str
    output: str
    macs: int
    macs_executed: int
    parameters: int
    weight_bytes: int
    activation_bytes: int
    arena_bytes: int
    scratch_bytes: int
    part_of: str | None = None
    kernel_by: str | None = None
    instructions: int | None = None
    instructions_per_mac: float | None = None
    cycles: int | None = None
    cycles_per_mac: float | None = None
    latency_ns: int | None = None
    energy_nj: int | None = None
    classes: dict[str, int] | None = None
    events: dict[str, int] | None = None


@dataclass(frozen=True)
class Totals:
    """Sums over the network; `instructions` and what follows from them cover the whole of `<name>_run`, `init_instructions`
    that of `<name>_init`. `cycles`, `latency_ns` and `energy_nj` are modelled from `classes` and `events`."""

    macs: int
    macs_executed: int
    parameters: int
    instructions: int | None = None
    init_instructions: int | None = None
    instructions_per_mac: float | None = None
    cycles: int | None = None
    cycles_per_mac: float | None = None
    latency_ns: int | None = None
    energy_nj: int | None = None
    classes: dict[str, int] | None = None
    events: dict[str, int] | None = None


@dataclass(frozen=True)
class Gate:
    """A budget and the figure that it bounds; `heaviest` is the layer that contributes most to it."""

    quantity: str
    limit: int
    value: int
    met: bool
    heaviest: str
    source: str

    def text(self) -> str:
        quantity = Quantity(self.quantity)
        verdict = "within" if self.met else "under" if quantity.at_least else "over"
        bound = "at least " if quantity.at_least else ""
        figures = f"{quantity_text(quantity, self.value)} of {bound}{quantity_text(quantity, self.limit)} ({self.source})"
        heaviest = "" if self.met else f"; heaviest: {self.heaviest}"
        return f"{verdict} budget: {self.quantity} {figures}{heaviest}"


@dataclass(frozen=True)
class Report:
    """All of it. `figures` says of each figure whether it is measured, and where, planned, or counted from the graph."""

    schema: str
    tapeout: str
    model: Model
    target: str
    board: str | None
    inputs: tuple[Edge, ...]
    outputs: tuple[Edge, ...]
    memory: Memory
    totals: Totals
    layers: tuple[Layer, ...]
    budgets: tuple[Gate, ...]
    figures: dict[str, str]
    tools: dict[str, str]
    warnings: tuple[str, ...]
    synthesis: Synthesis | None = None  # of a design of hardware
    vendor: VendorReports | None = None  # of the same by its vendor's tools

    def to_json(self) -> str:
        data = asdict(self) | {"synthesis": self.synthesis.document() if self.synthesis else None}
        return json.dumps(data, indent=2) + "\n"


def from_json(text: str, where: str) -> Report:
    """The report of a `report.json`. Raises TapeoutError that names the file when it is not one of this schema."""
    try:
        data = json.loads(text)
        if data.get("schema") != SCHEMA:
            raise TapeoutError(f"{where}: schema {data.get('schema')!r}, this tapeout reads {SCHEMA!r}; compile again")
        data |= {
            "model": Model(**data["model"]),
            "inputs": tuple(_edge(e) for e in data["inputs"]),
            "outputs": tuple(_edge(e) for e in data["outputs"]),
            "memory": Memory(**data["memory"] | {
                "scratch": tuple(Scratch(**s) for s in data["memory"]["scratch"]),
                "strips": tuple(Region(**s) for s in data["memory"]["strips"]),
            }),
            "totals": Totals(**data["totals"]),
            "layers": tuple(Layer(**layer) for layer in data["layers"]),
            "budgets": tuple(Gate(**gate) for gate in data["budgets"]),
            "warnings": tuple(data["warnings"]),
            "synthesis": from_document(data["synthesis"]) if data.get("synthesis") else None,
            "vendor": vendor.from_document(data["vendor"]) if data.get("vendor") else None,
        }
        return Report(**{f.name: data[f.name] for f in fields(Report)})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TapeoutError(f"{where}: damaged report ({error!r}); compile again") from None


def _edge(data: dict[str, Any]) -> Edge:
    return Edge(**data | {key: tuple(data[key]) for key in ("shape", "axes", "source_shape")})


def edge(graph: Graph, port: Port, plan: Plan, function: str, layout: str) -> Edge:
    """How a port of the graph lies in memory."""
    type = graph.values[port.value].type
    q = type.q if isinstance(type.q, QType) else None
    return Edge(
        port.name, function, type.shape, layout, type.q.dtype.name, q.scale[0] if q else None, q.zero[0] if q else None,
        port.axes, source_shape(port, type), port.dtype, plan.offset(port.value) if plan.holds(port.value) else None, type.bytes,
    )


def layers(
    graph: Graph, nominal: Graph, plan: Plan, kernels: Sequence[str | None], sources: Mapping[str, str] | None = None
) -> tuple[Layer, ...]:
    """A row for every node; `nominal` is the graph before exact folding, whose nodes have the same names, or those that `sources` gives.

    The MACs of a node of `nominal` that folding removed altogether count in no row, only in the totals.
    """
    sources, macs = sources or {}, node_macs(nominal)
    together: Counter[str] = Counter()  # what the parts of a layer execute
    for name, count in node_macs(graph).items():
        together[sources.get(name, name)] += count
    rows = []
    for index, (node, kernel) in enumerate(zip(graph.nodes, kernels, strict=True)):
        constants = parameters(graph, node)
        moved = [graph.values[i].type for i in (*node.inputs, *node.outputs) if i and not graph.values[i].constant]
        scratch = next((b.bytes for b in plan.buffers if b.name == f"{node.name}.scratch" and not b.values), 0)
        executed, source = node.op.cost(graph.types(node)).macs, sources.get(node.name, node.name)
        nominal_macs = macs.get(source, executed) * executed // together[source] if together[source] else macs.get(source, 0)
        rows.append(Layer(
            node.name, node.op.label, kernel, graph.values[node.inputs[0]].type.dims, graph.values[node.name].type.dims,
            nominal_macs, executed, sum(v.type.size for v in constants), sum(v.type.bytes for v in constants),
            sum(t.bytes for t in moved), plan.live_bytes(index), scratch, sources.get(node.name),
        ))
    return tuple(rows)


def node_macs(graph: Graph) -> dict[str, int]:
    """Multiply-accumulates by node name."""
    return {n.name: n.op.cost(graph.types(n)).macs for n in graph.nodes}


def gates(budgets: Sequence[Budget], memory: Memory, totals: Totals, rows: Sequence[Layer]) -> tuple[Gate, ...]:
    """Every budget against its figure. Raises TapeoutError when the figure was not measured."""
    found = []
    for budget in budgets:
        value, weight = _figure(budget.quantity, memory, totals)
        if value is None:
            raise TapeoutError(_no_figure(budget.quantity, totals))
        heaviest = _heaviest(rows, weight)
        found.append(Gate(budget.quantity.value, budget.limit, value, value <= budget.limit, heaviest, budget.source))
    return tuple(found)


def _no_figure(quantity: Quantity, totals: Totals) -> str:
    """Why there is no figure for a budget, and what gives one."""
    if quantity in DESIGN_ALONE:
        return f"budget {quantity.value}: bounds a design of hardware; give --target rtl"
    if totals.cycles is not None:
        missing = "a board, whose clock counts; give --board" if totals.latency_ns is None else "a board whose power is known"
        return f"budget {quantity.value}: there is no modelled figure; it needs {missing}"
    return (
        f"budget {quantity.value}: there is no measured figure; it needs a Cortex-M target and its tools "
        "(apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm)"
    )


def _heaviest(rows: Sequence[Layer], weight: str) -> str:
    """The layer with the most of a figure, in words; '' for no figure stands for what no layer is known to add to."""
    if not rows or not weight:
        return "not known by layer"
    row = max(rows, key=lambda row: getattr(row, weight) or 0)
    value = getattr(row, weight) or 0
    if weight in ("latency_ns", "energy_nj"):
        return f"{row.name} ({row.op}) with {scaled_text(value, 's' if weight == 'latency_ns' else 'J')}"
    return f"{row.name} ({row.op}) with {value:,} {weight.replace('_', ' ')}"


def _figure(quantity: Quantity, memory: Memory, totals: Totals) -> tuple[int | None, str]:
    """The figure that a quantity bounds, and the field of a layer that says how much it adds to it."""
    match quantity:
        case Quantity.FLASH:
            return memory.flash_bytes, "weight_bytes"
        case Quantity.RAM:
            return memory.ram_bytes, "arena_bytes"
        case Quantity.ARENA:
            return memory.arena_bytes, "arena_bytes"
        case Quantity.STACK:
            return memory.stack_bytes, ""
        case Quantity.MACS:
            return totals.macs_executed, "macs_executed"
        case Quantity.INSTRUCTIONS:
            return totals.instructions, "instructions"
        case Quantity.LATENCY:
            return totals.latency_ns, "latency_ns"
        case Quantity.ENERGY:
            return totals.energy_nj, "energy_nj"
        case _:
            return None, ""
