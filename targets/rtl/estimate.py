"""What layers take of a device before any synthesis: multipliers and block RAMs by rule, tables and flip-flops by a fitted sum of terms.

Terms are counts of bits that the modules of `kernels/` state in their text: registers, adders, comparisons, memories. What a bit of
each costs was fitted to synthesized layers (`benchmarks/estimates.py`, which also says how far it is off) and stands in `estimates.toml`.
"""
from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from tapeout.compiler.ir import Graph, Node
from tapeout.compiler.synthesis import LayerResources, Resources

from .emit import DEPTH
from .instance import Fold, Instance, Stream, signed_bits
from .library import kernel_for, runs_in_wires
from .memories import Made, Memory, made
from .ports import Place

_SMALL = 12  # bits of a product that matvec.sv makes of shifts
_FEW = 4  # bits of a multiplier that scale.sv makes of shifts
_MULTIPLIER = 18  # bits of a factor of a multiplier
_HAVE_MULTIPLIERS = ("ecp5", "gowin")
_REQUANT, _THRESHOLD = 1, 2  # stages of dense.sv
_BEFORE_SUM = 4  # stages of matvec.sv that a bias waits

Terms = Mapping[str, float]


def estimates(graph: Graph, folding: Mapping[str, Fold], family: str) -> tuple[LayerResources, ...]:
    """A row for each layer; its resources are None for a module that no model knows."""
    joints, rows = joints_of(graph, folding), []
    for node in graph.nodes:
        if not runs_in_wires(node):
            fold = folding.get(node.name, Fold())
            instance = kernel_for(graph, node).instance(graph, node, fold)
            found = estimate(instance, joints[node.name], family)
            rows.append(LayerResources(node.name, instance.module, str(fold), instance.cycles, found))
    return tuple(rows)


def design_rows(graph: Graph, places: Sequence[Place], family: str) -> tuple[LayerResources, ...]:
    """A row for each layer of a design; no model knows layers in which every weight is wired."""
    folds = {place.layer: place.fold for place in places if place.fold}
    if len(folds) == len(places):
        return estimates(graph, folds, family)
    return tuple(LayerResources(place.layer, "adders", "unrolled", place.cycles, None) for place in places)


def joints_of(graph: Graph, folding: Mapping[str, Fold]) -> dict[str, list[int]]:
    """For each layer the bits of what changes the width of the streams that it reads: of the wider side."""
    outputs: dict[str, Stream] = {}
    found: dict[str, list[int]] = {}
    for node in graph.nodes:
        if runs_in_wires(node):
            if node.inputs[0] in outputs:
                outputs[node.name] = outputs[node.inputs[0]]
            continue
        instance = kernel_for(graph, node).instance(graph, node, folding.get(node.name, Fold()))
        pairs = [(outputs[name], want) for name, want in zip(node.inputs, instance.inputs, strict=False) if name in outputs]
        found[node.name] = [max(have.width, want.width) for have, want in pairs if have.lanes != want.lanes]
        outputs[node.name] = instance.output
    return found


def estimates_alone(graph: Graph, node: Node, folds: Sequence[Fold], family: str) -> list[LayerResources]:
    """Of one layer in each of these folds, whatever stands before it: as if its inputs came one code at a time."""
    kernel, whole = kernel_for(graph, node), kernel_for(graph, node).instance(graph, node, Fold())
    rows = []
    for fold in folds:
        lanes = fold.simd if "SIMD" in whole.params else fold.pe
        inputs = tuple(replace(stream, lanes=lanes) for stream in whole.inputs)
        own = {name: count for name, count in (("PE", fold.pe), ("SIMD", fold.simd)) if name in whole.params}
        made = replace(whole, params={**whole.params, **own}, inputs=inputs, output=replace(whole.output, lanes=fold.pe))
        joints = [stream.width for stream in inputs if lanes > 1]
        cycles = kernel.cycles(graph, node, fold)
        rows.append(LayerResources(node.name, whole.module, str(fold), cycles, estimate(made, joints, family)))
    return rows


def estimate(instance: Instance, joints: Sequence[int], family: str) -> Resources | None:
    """Of an instance and the queue behind it; `joints` are the wider sides of what changes the width of its streams, in bits."""
    found = terms(instance, joints, family)
    if found is None:
        return None
    memory, factors, counts = found
    costs = _costs()[family]
    lut, ff = (sum(costs[kind].get(term, 0.0) * count for term, count in counts.items()) for kind in ("lut", "ff"))
    return Resources(round(lut), round(ff), factors, memory.blocks)


@cache
def _costs() -> Mapping[str, Mapping[str, Terms]]:
    """By family, kind and term."""
    return tomllib.loads((Path(__file__).parent / "estimates.toml").read_text())


@dataclass(frozen=True)
class Gathered:
    """What the parts of a module add up: memories, terms, and how many products of which two factors, in bits."""

    family: str
    memories: list[Memory]
    counts: dict[str, float]
    products: list[tuple[int, int, int]]

    def registers(self, memory: Memory, stages: int) -> int:
        """Adds a memory; the flip-flops of a word that waits so many stages behind it, the first of which a block RAM has itself."""
        self.memories.append(memory)
        return memory.width * (stages - bool(made(memory, self.family).blocks))


def terms(instance: Instance, joints: Sequence[int], family: str) -> tuple[Made, int, Terms] | None:
    """What the memories become, how many multipliers there are, and the terms; None for a module that is not known here."""
    if instance.module not in _MODULES:
        return None
    queue = instance.output.width + 1
    to = Gathered(family, [Memory(DEPTH, queue, False, clocked=False)], {"layer": 1, "joint": sum(joints), "queue": queue}, [])
    for part in _MODULES[instance.module]:
        part(instance, to)
    whole, counts, factors = sum((made(memory, family) for memory in to.memories), Made()), to.counts, 0
    for count, a, b in to.products:
        if family in _HAVE_MULTIPLIERS:
            factors += count * _pieces(a) * _pieces(b)
        else:
            counts["product"] = counts.get("product", 0) + count * a * b
    counts |= {"ram_tables": whole.tables, "rom_bits": whole.rom_bits, "ram_bits": whole.flip_flops, "blocks": whole.blocks}
    return whole, factors, counts


def _pieces(bits: int) -> int:
    """Of how many factors of multipliers yosys' mul2dsp makes a signed one: each but the last gives a bit to its sign."""
    return 1 if bits <= _MULTIPLIER else 1 + (bits - 2) // (_MULTIPLIER - 1)


def _bias_bits(at: Instance) -> int:
    """What biases need: yosys keeps one of the bits that repeat a sign."""
    table, bits = at.tables["BIASES"], at.params["ACC_BITS"]
    codes = [(word >> bits * lane) & ((1 << bits) - 1) for word in table.words for lane in range(table.width // bits)]
    signed = [code - (code >> (bits - 1) << bits) for code in codes]
    return signed_bits(min(signed), max(signed))


def _sums(at: Instance, to: Gathered) -> None:
    """matvec.sv."""
    p = at.params
    parts, folds, pe, simd = p["INPUTS"] // p["SIMD"], p["OUTPUTS"] // p["PE"], p["PE"], p["SIMD"]
    x, w, acc = p["X_BITS"], p["W_BITS"], p["ACC_BITS"]
    product = 2 if p["BIPOLAR"] else x + w
    total = min(acc, product + (simd - 1).bit_length())
    operands = to.registers(Memory(parts * folds, pe * simd * w, True), 2) + to.registers(Memory(2 * parts, simd * x + 1, False), 2)
    to.counts["operands"] = operands
    to.counts["biases"] = to.registers(Memory(folds, pe * _bias_bits(at), True), _BEFORE_SUM)
    to.counts["products"] = pe * simd * product
    to.counts["adders"] = pe * simd * total
    to.counts["totals"] = pe * total
    to.counts["sums"] = pe * acc
    to.counts["walk"] = (2 * parts).bit_length() * 2 + parts.bit_length() + folds.bit_length() + (parts * folds).bit_length()
    if p["BIPOLAR"]:
        to.counts["agreements"] = pe * simd
    elif x * w <= _SMALL:
        to.counts["shifted"] = pe * simd * w * (x + w + 1)
    else:
        to.products.append((pe * simd, x + (not p["X_SIGNED"]), w))


def _stage(at: Instance, to: Gathered) -> None:
    """The output stage of dense.sv."""
    if at.params["STAGE"] == _REQUANT:
        _requant(at, at.params["OUTPUTS"], at.params["ACC_BITS"], to)
    elif at.params["STAGE"] == _THRESHOLD:
        _threshold(at, at.params["OUTPUTS"], at.params["ACC_BITS"], to)


def _requant(at: Instance, channels: int, x: int, to: Gathered, lanes: int = 0) -> None:
    """requant.sv. A multiplication by 1 is none."""
    p, pe = at.params, lanes or at.params["PE"]
    number = x + (2 if p.get("X_ZERO", 0) else 1)
    rounded = max(number + p["MUL_BITS"] - p["SHIFT"], 1) + 1
    wide = max(rounded, p["Y_BITS"] + 1) + 1
    if "MULS" in at.tables:
        to.memories.append(Memory(channels // pe, pe * (p["MUL_BITS"] + p.get("EXTRA_BITS", 0)), True, clocked=False))
    scaled = number + p["MUL_BITS"] if p.get("MUL", 0) != 1 else number
    if p.get("MUL", 0) != 1:
        signed = number - 1 if p.get("X_SIGNED", 1) or "STAGE" in p else number
        if p["MUL_BITS"] > _FEW:
            to.products.append((pe, signed, p["MUL_BITS"]))
        elif "MULS" in at.tables:
            to.counts["shifted"] = to.counts.get("shifted", 0) + pe * p["MUL_BITS"] * (number + p["MUL_BITS"])
    to.counts["scaled"] = pe * scaled
    to.counts["rounded"] = pe * wide
    to.counts["codes"] = pe * p["Y_BITS"]
    to.counts["stage"] = 1


def _threshold(at: Instance, channels: int, x: int, to: Gathered, lanes: int = 0) -> None:
    """threshold.sv."""
    p, pe = at.params, lanes or at.params["PE"]
    width = p.get("T_BITS", x)
    to.memories.append(Memory(channels // pe, pe * p["LEVELS"] * width, True, clocked=False))
    to.counts["compared"] = pe * p["LEVELS"] * max(x + 1, width)
    to.counts["counted"] = pe * p["LEVELS"]
    to.counts["codes"] = pe * p["Y_BITS"]
    to.counts["stage"] = 1


def _window(at: Instance, lanes: int, bits: int, parts: int, to: Gathered) -> None:
    """window.sv."""
    p = at.params
    lines, line = (p["K_H"] - 1) * p["D_H"] + 1 + p["S_H"], p["WIDTH"] * parts
    reach = (p["K_H"] - 1) * p["D_H"] + (p["K_W"] - 1) * p["D_W"] + 2
    longest = max(p["HEIGHT"], p["WIDTH"]) + reach + p["S_H"] + p["S_W"] + p["TOP"] + p["LEFT"]
    place, number = (lines * line).bit_length(), longest.bit_length() + 2
    to.memories.append(Memory(lines * line, lanes * bits, False))
    to.counts["window"] = 1
    to.counts["window_places"] = place * number
    to.counts["window_counters"] = number
    to.counts["window_lanes"] = lanes * bits


def _convolution(at: Instance, to: Gathered) -> None:
    p = at.params
    _window(at, p["SIMD"], p["X_BITS"], p["INPUTS"] // (p["K_H"] * p["K_W"] * p["SIMD"]), to)


def _depthwise(at: Instance, to: Gathered) -> None:
    """depthwise_sums.sv behind a window."""
    p = at.params
    taps, parts, lanes = p["K_H"] * p["K_W"], p["CHANNELS"] // p["PE"], p["PE"] * p["MULTIPLIER"]
    x, w, acc = p["X_BITS"], p["W_BITS"], p["ACC_BITS"]
    _window(at, p["PE"], x, parts, to)
    to.counts["operands"] = to.registers(Memory(parts * taps, lanes * w, True), 2) + 2 * p["PE"] * x
    to.counts["biases"] = to.registers(Memory(parts, lanes * _bias_bits(at), True), _BEFORE_SUM - 1)
    to.counts["products"] = lanes * min(x + w, acc)
    to.counts["sums"] = lanes * acc
    to.counts["walk"] = taps.bit_length() + parts.bit_length() + (parts * taps).bit_length()
    to.products.append((lanes, x + (not p["X_SIGNED"]), w))
    channels = p["CHANNELS"] * p["MULTIPLIER"]
    if p["STAGE"] == _REQUANT:
        _requant(at, channels, acc, to, lanes)
    elif p["STAGE"] == _THRESHOLD:
        _threshold(at, channels, acc, to, lanes)


def _pool(at: Instance, to: Gathered) -> None:
    """max_pool2d.sv."""
    p = at.params
    _window(at, p["PE"], p["BITS"], p["CHANNELS"] // p["PE"], to)
    to.memories.append(Memory(p["CHANNELS"] // p["PE"], p["PE"] * p["BITS"], False, clocked=False))
    to.counts["compared"] = 3 * p["PE"] * (p["BITS"] + 1)
    to.counts["codes"] = p["PE"] * p["BITS"]


def _requant_alone(at: Instance, to: Gathered) -> None:
    _requant(at, at.params["CHANNELS"], at.params["X_BITS"], to)


def _threshold_alone(at: Instance, to: Gathered) -> None:
    _threshold(at, at.params["CHANNELS"], at.params["X_BITS"], to)


def _argmax(at: Instance, to: Gathered) -> None:
    """argmax.sv: a comparison with the largest code so far, which is kept as a sum is, and two places."""
    to.counts["compared"] = to.counts["sums"] = at.params["X_BITS"] + 1
    to.counts["codes"] = 2 * at.params["Y_BITS"]


_MODULES = {
    "dense": (_sums, _stage),
    "conv2d": (_convolution, _sums, _stage),
    "depthwise_conv2d": (_depthwise,),
    "max_pool2d": (_pool,),
    "requant": (_requant_alone,),
    "threshold": (_threshold_alone,),
    "argmax": (_argmax,),
}
