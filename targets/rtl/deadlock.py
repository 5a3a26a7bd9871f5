"""A proof that streams which fork and join never wait for each other for ever, from what each node has to take in before it gives out.

A fork gives a beat when all of its readers have taken the one before. A join takes a beat of each input at once. So a join gets its next
beat of one input if the branches to the other inputs can take in all that this one needs for it: they have room in the queue before the
join, in those behind their nodes, in rings of lines of windows, in changes of lanes, and in the beat that the fork holds. That holds for
every beat of a frame, whatever stalls, since what a node takes in before a beat comes out does not depend on time. Numbers count codes.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Array, Graph, Node

from .instance import Instance

_IN_STEP = ("requant", "threshold", "clip", "lut", "add", "mul", "pair_table")  # modules that give a code for each code of an input

SHALLOW = 32  # a deeper queue of fifo.sv has a register at its output


@dataclass(frozen=True)
class Network:
    """A graph with its instances by node, the lanes of its inputs by value, and how many beats the queue behind a node has, and that
    before an input of a join."""

    graph: Graph
    instances: Mapping[str, Instance]
    lanes: Mapping[str, int]
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
        made = self.instances[join.name]
        given = np.arange(0, made.output.size, made.output.lanes)  # codes that the join has given
        low, high = 0, made.inputs[index].beats
        while low < high:
            depth = (low + high) // 2
            if self._suffices(join, index, given, depth):
                high = depth
            else:
                low = depth + 1
        return low

    def _suffices(self, join: Node, index: int, given: Array, depth: int) -> bool:
        """Whether such a queue has room for all that comes before the next beat of each other input."""
        made = self.instances[join.name]
        own = made.inputs[index].lanes
        room = self._read(join.inputs[index], needed(made, index, given) + room_of(depth) * own, own, True)
        for other, stream in enumerate(made.inputs):
            if other == index:
                continue
            wanted = self._read(join.inputs[other], needed(made, other, given + made.output.lanes), stream.lanes, False)
            for value in room.keys() & wanted.keys():
                beat = self._lanes(value)
                if np.any((room[value] // beat + 1) * beat < wanted[value]):
                    return False
        return True

    def _read(self, value: str, codes: Array, lanes: int, room: bool) -> dict[str, Array]:
        """How many codes of each value before `value` have to be read before so many of `value` come out to a reader of `lanes`; with
        `room` how many are read at the least when it takes no more of `value`, and what is on the way fills up."""
        found = {value: self._passed(value, codes, lanes, room)}
        for node in reversed(self.graph.nodes):
            if node.name not in found:
                continue
            made, codes = self.instances.get(node.name), found[node.name]
            if made is None:
                read = [(node.inputs[0], codes)]
            else:
                codes = codes + room_of(self.behind(node.name)) * made.output.lanes if room else codes
                rule = taken if room else needed
                read = [(source, self._passed(source, rule(made, i, codes), stream.lanes, room))
                        for i, (source, stream) in enumerate(zip(node.inputs, made.inputs, strict=False))]  # fmt: skip
            for source, count in read:
                found[source] = np.maximum(found[source], count) if source in found else count
        return found

    def _passed(self, value: str, codes: Array, lanes: int, room: bool) -> Array:
        """The codes of a value in whole beats of its stream, for so many behind a change to other lanes."""
        beat = self._lanes(value)
        if not room:
            return np.asarray(-(-codes // beat) * beat)
        if lanes % beat:
            return np.asarray((codes // beat + 1) * beat)  # the beat that narrow.sv takes apart
        return codes + lanes if lanes > beat else codes  # what widen.sv puts together

    def _lanes(self, value: str) -> int:
        """Of the stream of a value, a beat of which a fork holds."""
        node = self.graph.producer(value)
        if node is None:
            return self.lanes[value]
        made = self.instances.get(node.name)
        return made.output.lanes if made else self._lanes(node.inputs[0])


def room_of(depth: int) -> int:
    """The beats that a queue of this depth takes in."""
    return depth + (depth > SHALLOW)


def needed(made: Instance, index: int, codes: Array) -> Array:
    """The codes of its input `index` that a node has to take before `codes` of its output, counted over many frames, can come out."""
    stream, output, p = made.inputs[index], made.output, made.params
    frames, rest = np.divmod(codes, output.size)
    if made.module == "concat":
        within = _turn_codes(made, index, rest)
    elif "K_H" in p and not p.get("WHOLE"):
        within = _window_codes(made, rest)
    elif made.module == "dense":
        within = -(-rest // p["OUTPUTS"]) * p["INPUTS"]
    elif made.module in _IN_STEP:
        within = rest
    else:
        within = np.where(rest > 0, stream.size, 0)
    return np.asarray(frames * stream.size + np.minimum(-(-within // stream.lanes) * stream.lanes, stream.size))


def taken(made: Instance, index: int, codes: Array) -> Array:
    """The codes of its input that a node takes at the least when `codes` of its output have found room: all that these need, and of
    windows as many lines as their ring has."""
    if "K_H" in made.params and not made.params.get("WHOLE"):
        return _ring_codes(made, codes)
    if made.module in ("concat", "dense", *_IN_STEP) or made.params.get("WHOLE"):
        return needed(made, index, codes)
    return np.asarray(codes // made.output.size * made.inputs[index].size)


def _window_codes(made: Instance, codes: Array) -> Array:
    """Whole lines, as window.sv takes them in before a row of windows begins."""
    p, size, line = made.params, *_image(made)
    images, rest = np.divmod(codes, size)
    row = (rest - 1) // (size // p["OUT_H"])  # of the last code
    last = np.clip(row * p["S_H"] + (p["K_H"] - 1) * p["D_H"] - p["TOP"], 0, p["HEIGHT"] - 1)
    return np.asarray(images * p["HEIGHT"] * line + np.where(rest > 0, (last + 1) * line, 0))


def _ring_codes(made: Instance, codes: Array) -> Array:
    """The lines from the first on that windows still read, as many as the ring of window.sv has."""
    p, size, line = made.params, *_image(made)
    images, rest = np.divmod(codes, size)
    first = np.clip(rest // (size // p["OUT_H"]) * p["S_H"] - p["TOP"], 0, p["HEIGHT"] - 1)
    return np.asarray((images * p["HEIGHT"] + first + (p["K_H"] - 1) * p["D_H"] + 1 + p["S_H"]) * line)


def _image(made: Instance) -> tuple[int, int]:
    """The codes of an image that comes out, and of a line that comes in."""
    images = made.params["IMAGES"]
    return made.output.size // images, made.inputs[0].size // (images * made.params["HEIGHT"])


def _turn_codes(made: Instance, index: int, codes: Array) -> Array:
    """Those of one input of concat.sv, which takes rows of its inputs in turn."""
    rows = [beats * made.output.lanes for beats in made.tables["BEATS"].words]
    whole, rest = np.divmod(codes, sum(rows))
    return np.asarray(whole * rows[index] + np.clip(rest - sum(rows[:index]), 0, rows[index]))
