"""A proof that streams which fork and join never wait for each other for ever, from what each node has to take in before it gives out.

A fork gives a beat when all of its readers have taken the one before. A join takes a beat of each input at once. So a join gets its next
beat of one input if the branches to the other inputs can take in all that this one needs for it: they have room in the queue before the
join, in those behind their nodes, and in the beat that the fork holds; what nodes hold themselves is not counted. That holds for every
beat of a frame, whatever stalls, since what a node takes in before a beat comes out does not depend on time. Numbers count codes.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Array, Graph, Node

from .instance import Instance
from .library import runs_in_wires


@dataclass(frozen=True)
class Network:
    """A graph with its instances by node, and how many beats the queue behind a node has, and that before an input of a join."""

    graph: Graph
    instances: Mapping[str, Instance]
    behind: Callable[[str], int]
    before: Callable[[str, int], int]

    def check(self) -> dict[tuple[str, int], int]:
        """The least depth before each input of each join. Raises Unsupported that names a join which may wait for ever, and the queue that
        is too short."""
        found = {}
        for join in self.joins():
            for index in range(len(self.instances[join.name].inputs)):
                depth = self.before(join.name, index)
                least = found[join.name, index] = self.least_depth(join, index)
                if depth < least:
                    raise Unsupported(
                        f"{join.name}: may wait for ever: the queue before its input {index} ({join.inputs[index]}) has {depth} beats, and"
                        f" {least} come in before the other branch gives one; make it deeper with --fifo"
                    )
        return found

    def joins(self) -> list[Node]:
        return [n for n in self.graph.nodes if n.name in self.instances and len(self.instances[n.name].inputs) > 1]

    def least_depth(self, join: Node, index: int) -> int:
        """The beats that the queue before an input of a join needs, for all other queues as they are."""
        streams = self.instances[join.name].inputs
        counts = np.arange(0, streams[index].size, streams[index].lanes)  # codes that the join has taken of every input
        low, high = 0, streams[index].beats
        while low < high:
            depth = (low + high) // 2
            if self._suffices(join, index, counts, depth):
                high = depth
            else:
                low = depth + 1
        return low

    def _suffices(self, join: Node, index: int, counts: Array, depth: int) -> bool:
        streams = self.instances[join.name].inputs
        room = self._read(join.inputs[index], counts + depth * streams[index].lanes, True)
        for other, stream in enumerate(streams):
            if other == index:
                continue
            needed = self._read(join.inputs[other], counts * stream.size // streams[index].size + stream.lanes, False)
            for value in room.keys() & needed.keys():
                held = self._fork_lanes(value)
                if np.any(room[value] + held < np.minimum(needed[value], self._size(value) + held)):
                    return False
        return True

    def _read(self, value: str, codes: Array, queues: bool) -> dict[str, Array]:
        """How many codes of each value before `value` are read when so many of `value` have come out; with `queues` those behind nodes
        are full besides."""
        found = {value: codes}
        node = self.graph.producer(value)
        if node is None:
            return found
        if runs_in_wires(node):
            made = None
            wanted = [codes]
        else:
            made = self.instances[node.name]
            ahead = codes + self.behind(node.name) * made.output.lanes if queues else codes
            wanted = [needed(made, i, ahead) for i in range(len(made.inputs))]
        for source, read in zip(node.inputs, wanted, strict=False):
            for name, count in self._read(source, read, queues).items():
                found[name] = np.maximum(found[name], count) if name in found else count
        return found

    def _size(self, value: str) -> int:
        return self.graph.values[value].type.size

    def _fork_lanes(self, value: str) -> int:
        """Of the beat that a fork of the value holds."""
        node = self.graph.producer(value)
        return self.instances[node.name].output.lanes if node and node.name in self.instances else 1


def needed(made: Instance, index: int, codes: Array) -> Array:
    """The codes of its input `index` that a node has taken at the least when `codes` of its output, over many frames, have come out."""
    stream, output = made.inputs[index], made.output
    frames, rest = np.divmod(codes, output.size)
    lanes, p = stream.lanes, made.params
    if "K_H" in p and not p.get("WHOLE"):
        within = _window_codes(made, rest)
    elif made.module == "dense":
        within = -(-rest // p["OUTPUTS"]) * p["INPUTS"]
    elif len(made.inputs) > 1 or stream.size == output.size:  # in step
        within = -(-rest * stream.size // output.size)
    else:
        within = np.where(rest > 0, stream.size, 0)
    return np.asarray(frames * stream.size + np.minimum(-(-within // lanes) * lanes, stream.size))


def _window_codes(made: Instance, codes: Array) -> Array:
    """Whole lines, as window.sv takes them in before a row of windows begins."""
    p, images = made.params, made.params.get("IMAGES", 1)
    size, line = made.output.size // images, made.inputs[0].size // (images * p["HEIGHT"])
    done, rest = np.divmod(codes, size)
    row = (rest - 1) // (size // p["OUT_H"])  # of the last code
    last = np.clip(row * p["S_H"] + (p["K_H"] - 1) * p.get("D_H", 1) - p["TOP"], 0, p["HEIGHT"] - 1)
    return np.asarray(done * p["HEIGHT"] * line + np.where(rest > 0, (last + 1) * line, 0))
