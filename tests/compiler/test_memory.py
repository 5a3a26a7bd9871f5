"""Memory plans: valid for any lifetimes, never below the lower bound, and refused once tampered with."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeout.compiler import place as placing
from tapeout.compiler.buffers import Buffer, Inputs, lower_bound
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Array, Builder, Graph, Op, Port, QType, Type, Types
from tapeout.compiler.memory import Demands, Plan, check, plan
from tapeout.compiler.ops.reshape import Reshape
from tapeout.compiler.place import Block, peak, place, place_greedily


@dataclass(frozen=True)
class Make(Op):
    """A node of which only sizes, sharing and aliasing matter."""

    bytes: tuple[int, ...]
    over: tuple[int, ...] = ()
    viewing: bool = False

    def infer(self, types: Types) -> tuple[Type, ...]:
        return tuple(Type((n,), QType()) for n in self.bytes)

    def ref(self, types: Types, *arrays: Array) -> tuple[Array, ...]:
        raise AssertionError("only planned, never run")

    def inplace(self, types: Types) -> tuple[int, ...]:
        return self.over

    def view(self, types: Types) -> int | None:
        return 0 if self.viewing else None


Step = tuple[str, Op, Sequence[str]]


def graph(inputs: dict[str, int], steps: Sequence[Step], outputs: Sequence[str]) -> Graph:
    """Nodes (output, op, inputs) over inputs by size; the names of a node's outputs are separated by spaces."""
    build = Builder()
    for name, size in inputs.items():
        build.input(name, Type((size,), QType()))
    for names, op, reads in steps:
        build.add(op, reads, *names.split())

    def port(name: str) -> Port:
        return Port(name, name, "int8", (0,))

    return Graph("net", tuple(map(port, inputs)), tuple(map(port, outputs)), tuple(build.nodes), build.values)


def planned(g: Graph, scratch: dict[str, int] | None = None, keep_inputs: bool = False, guard: int = 0) -> Plan:
    found = plan(g, Demands(scratch or {}, inputs=Inputs.KEPT if keep_inputs else Inputs.ARENA), guard)
    check(found, g)
    return found


def chain(*sizes: int) -> Graph:
    steps = [(f"t{i}", Make((n,)), [f"t{i - 1}" if i > 1 else "x"]) for i, n in enumerate(sizes[1:], 1)]
    return graph({"x": sizes[0]}, steps, [f"t{len(sizes) - 1}"])


# The activations of the MLPerf Tiny int8 models, in bytes, node by node.
KWS = chain(490, *[8000] * 9, 64, 12, 12)
VWW = chain(27648, 18432, 18432, 36864, 9216, 18432, *[18432] * 2, 4608, *[9216] * 3, 2304, *[4608] * 11, 1152, *[2304] * 3, 256, 2)
AD = chain(640, *[128] * 4, 8, *[128] * 4, 640)


def resnet8() -> Graph:
    add = Make((0,), (0, 1))
    steps: list[Step] = [("stem", Make((16384,)), ["x"])]
    last = "stem"
    for i, size in enumerate((16384, 8192, 4096)):
        steps += [(f"a{i}", Make((size,)), [last]), (f"b{i}", Make((size,)), [f"a{i}"])]
        skip = last if i == 0 else f"s{i}"
        if i:
            steps.append((skip, Make((size,)), [last]))
        last = f"y{i}"
        steps.append((last, replace(add, bytes=(size,)), [skip, f"b{i}"]))
    steps += [("pool", Make((64,)), [last]), ("flat", Make((64,), viewing=True), ["pool"]), ("fc", Make((10,)), ["flat"])]
    return graph({"x": 3072}, [*steps, ("prob", Make((10,)), ["fc"])], ["prob"])


@pytest.mark.parametrize(
    ("g", "arena"), [(resnet8(), 49152), (KWS, 16000), (VWW, 55296), (AD, 768)], ids=["ic", "kws", "vww", "ad"]
)
def test_the_arena_of_the_mlperf_models_is_their_lower_bound(g: Graph, arena: int) -> None:
    found = planned(g)
    assert (found.arena_bytes, found.lower_bound_bytes, found.optimal) == (arena, arena, True)


def test_scratch_lives_at_its_node_only() -> None:
    found = planned(chain(100, 100, 100), {"t1": 37})
    assert found.find("t1.scratch") == Buffer("t1.scratch", (), 37, 0, 0, found.find("t1.scratch").offset)
    assert found.lower_bound_bytes == 240
    assert found.find("t1.scratch") in found.live(0)
    assert found.find("t1.scratch") not in found.live(1)


def test_an_output_takes_over_a_dying_input_of_its_size() -> None:
    g = graph({"x": 64}, [("a", Make((64,)), ["x"]), ("y", Make((64,), (0,)), ["a"])], ["y"])
    assert planned(g).find("a").values == ("a", "y")


@pytest.mark.parametrize("why", ["read later", "viewed later", "too small", "graph output", "read elsewhere by the node"])
def test_an_output_never_takes_over(why: str) -> None:
    over = Make((64 if why != "too small" else 65,), (0,))
    steps: list[Step] = [("a", Make((64,)), ["x"]), ("v", Make((64,), viewing=True), ["a"])]
    steps.append(("y", over, ["a", "v"] if why == "read elsewhere by the node" else ["a"]))
    steps.append(("z", Make((8,)), ["y", {"read later": "a", "viewed later": "v"}.get(why, "y")]))
    found = planned(graph({"x": 64}, steps, ["z", "a"] if why == "graph output" else ["z"]))
    assert found.find("a") != found.find("y")


def test_inputs_are_overwritten_only_when_allowed() -> None:
    g = graph({"x": 64}, [("y", Make((64,), (0,)), ["x"])], ["y"])
    assert planned(g).arena_bytes == 64
    kept = planned(g, keep_inputs=True)
    assert kept.arena_bytes == 128
    assert kept.find("x").last == 1


def test_a_large_buffer_is_not_taken_over_when_that_costs_memory() -> None:
    steps: list[Step] = [("a", Make((1000,)), ["x"]), ("b", Make((10,), (0,)), ["a"]), ("c", Make((1000,)), ["b"])]
    steps.append(("d", Make((8,)), ["c", "b"]))
    assert planned(graph({"x": 8}, steps, ["d"])).arena_bytes == 1020


def test_views_share_bytes_and_unused_outputs_have_a_place() -> None:
    g = graph({"x": 64}, [("a b", Make((64, 32)), ["x"]), ("v", Make((64,), viewing=True), ["a"]), ("y", Make((4,)), ["v"])], ["y"])
    found = planned(g)
    assert found.find("v") is found.find("a")
    assert (found.find("b").first, found.find("b").last) == (0, 0)


def test_a_view_of_a_constant_is_refused() -> None:
    build = Builder()
    constant = build.constant("c", np.zeros(4, np.int8))
    build.add(Reshape((4,)), [constant], "y")
    port = Port("y", "y", "int8", (0,))
    with pytest.raises(TapeoutError, match="y: reshape of the constant c has no memory; fold it first"):
        plan(Graph("net", (), (port,), tuple(build.nodes), build.values))


def test_guards_surround_every_buffer() -> None:
    found = planned(chain(10, 20, 30), guard=6)
    assert found.lower_bound_bytes == 52
    assert min(b.offset for b in found.buffers) >= 8
    assert found.arena_bytes >= max(b.offset + b.bytes for b in found.buffers) + 8
    for at in range(-1, 3):
        live = sorted(found.live(at), key=lambda b: b.offset)
        for below, above in pairwise(live):
            assert above.offset - below.offset - below.bytes >= 6


def test_a_plan_survives_json() -> None:
    found = planned(resnet8(), {"a1": 12})
    assert Plan.from_json(found.to_json()) == found
    assert '    {"name": "x", "values": ["x"], "bytes": 3072, "first": -1, "last": 0, "offset": ' in found.to_json()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"buffers": [{"name": "a"}]}', '{"buffers": [], "arena": 3}'])
def test_a_corrupt_plan_is_one_error(text: str) -> None:
    with pytest.raises(TapeoutError, match="not a memory plan"):
        Plan.from_json(text)


def tampered(found: Plan, name: str, **changes: Any) -> Plan:
    return replace(found, buffers=tuple(replace(b, **changes) if b.name == name else b for b in found.buffers))


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("stem", {"last": 2}, "y0 uses stem outside of the life"),
        ("stem", {"first": 1}, "stem uses stem outside of the life"),
        ("x", {"first": 0}, "the caller uses x outside"),
        ("a0", {"offset": 2}, "do not fit"),
        ("a0", {"offset": 49152}, "a0: bytes 49152..65535 do not fit the arena of 49152 bytes"),
        ("a0", {"bytes": 16000}, "a0 uses a0 outside"),
    ],
)
def test_a_tampered_plan_is_refused(name: str, changes: dict[str, int], message: str) -> None:
    with pytest.raises(TapeoutError, match=message):
        check(tampered(planned(resnet8()), name, **changes), resnet8())


def test_overlapping_buffers_are_both_named() -> None:
    found = planned(resnet8())
    with pytest.raises(TapeoutError, match=r"(a0|stem) at .* overlaps (a0|stem) at .* while both are live"):
        check(tampered(found, "a0", offset=found.find("stem").offset), resnet8())


@pytest.mark.parametrize("order", [1, -1])
def test_an_output_over_the_input_that_its_node_reads_is_refused(order: int) -> None:
    buffers = (Buffer("x", ("x",), 8, -1, 0, 4), Buffer("t1", ("t1",), 8, 0, 1, 0))
    with pytest.raises(TapeoutError, match=r"overlaps (x|t1) at"):
        check(Plan(buffers[::order], 12, 16), chain(8, 8))


@pytest.mark.parametrize("at", range(-1, 11))
def test_a_lifetime_shortened_at_either_end_is_refused(at: int) -> None:
    found = planned(resnet8())
    for buffer in found.live(at):
        for changes in ({"first": buffer.first + 1}, {"last": buffer.last - 1}):
            with pytest.raises(TapeoutError, match="outside of the life"):
                check(tampered(found, buffer.name, **changes), resnet8())


def test_values_that_overwrite_each_other_are_refused() -> None:
    g = graph({"x": 8}, [("a", Make((8,)), ["x"]), ("b", Make((8,)), ["x"]), ("y", Make((8,)), ["a", "b"])], ["y"])
    shared = (Buffer("x", ("x",), 8, -1, 1, 0), Buffer("a", ("a", "b"), 8, 0, 2, 8), Buffer("y", ("y",), 8, 2, 3, 16))
    with pytest.raises(TapeoutError, match="y reads a, which b has overwritten"):
        check(Plan(shared, 24, 24), g)
    shared = (Buffer("x", ("x", "a"), 8, -1, 2, 0), Buffer("b", ("b",), 8, 1, 2, 8), Buffer("y", ("y",), 8, 2, 3, 16))
    with pytest.raises(TapeoutError, match="a overwrites its input x, which make does not allow"):
        check(Plan(shared, 24, 24), g)
    with pytest.raises(TapeoutError, match="a has no buffer"):
        check(Plan((Buffer("x", ("x",), 8, -1, 1, 0),), 24, 24), g)


blocks = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(1, 12)).map(lambda t: (t[0], t[0] + t[1], t[2] * 4)), max_size=12
)


def assert_apart(given: Sequence[Block], offsets: Sequence[int], height: int) -> None:
    for i, (first, last, size) in enumerate(given):
        assert offsets[i] % 4 == 0
        assert 0 <= offsets[i] <= height - size
        for j in range(i):
            f, t, other = given[j]
            assert last < f or t < first or offsets[i] + size <= offsets[j] or offsets[j] + other <= offsets[i]


@settings(max_examples=60, deadline=None)
@given(blocks)
def test_any_lifetimes_are_placed(given: list[Block]) -> None:
    greedy, best = place_greedily(given), place(given, 4)
    assert_apart(given, greedy.offsets, greedy.height)
    assert_apart(given, best.offsets, best.height)
    assert peak(given) <= best.height <= greedy.height
    assert best == place(given, 4)
    assert best.optimal


def test_the_solver_reaches_what_greedy_placement_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    hard = next(b for b in _random_blocks() if place_greedily(b).height > peak(b) and place(b, 4).height < place_greedily(b).height)
    monkeypatch.setattr(placing, "_solve", lambda *_: None)
    assert place(hard, 4) == place_greedily(hard)
    assert not place(hard, 4).optimal


def _random_blocks() -> list[list[Block]]:
    random = np.random.default_rng(1)
    found = []
    for _ in range(300):
        first = random.integers(0, 12, 14)
        last = first + random.integers(0, 5, 14)
        sizes = random.integers(1, 12, 14) * 4
        found.append([(int(a), int(b), int(s)) for a, b, s in zip(first, last, sizes, strict=True)])
    return found


sizes = st.integers(1, 40)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    values = ["x"]
    bytes = {"x": draw(sizes)}
    steps: list[Step] = []
    for i in range(draw(st.integers(1, 8))):
        reads = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
        view = draw(st.integers(0, 4)) == 0
        size = bytes[reads[0]] if view or draw(st.booleans()) else draw(sizes)
        over = tuple(sorted(draw(st.sets(st.integers(0, len(reads) - 1)))))
        steps.append((f"t{i}", Make((size,), over, view), reads))
        values.append(f"t{i}")
        bytes[f"t{i}"] = size
    outputs = draw(st.sets(st.sampled_from(values[1:]), min_size=1, max_size=2))
    return graph({"x": bytes["x"]}, steps, sorted(outputs))


@settings(max_examples=100, deadline=None)
@given(graphs(), st.booleans(), st.integers(0, 30))
def test_any_graph_has_a_valid_plan(g: Graph, keep: bool, scratch: int) -> None:
    found = planned(g, {g.nodes[0].name: scratch}, keep_inputs=keep)
    assert found.arena_bytes >= found.lower_bound_bytes == lower_bound(found.buffers)
    assert found.optimal


@settings(max_examples=100, deadline=None)
@given(graphs(), st.lists(st.integers(-30, 30), min_size=8, max_size=8), st.booleans())
def test_any_graph_has_a_valid_plan_with_trails(g: Graph, leads: list[int], keep: bool) -> None:
    """Buffers meet only where an output trails, far enough; and never does that make the arena larger."""
    trails = {node.name: lead for node, lead in zip(g.nodes, leads, strict=False)}
    demands = Demands(trails=trails, inputs=Inputs.KEPT if keep else Inputs.ARENA)
    found = plan(g, demands)
    check(found, g, demands)
    assert found.optimal and found.lower_bound_bytes <= found.arena_bytes <= planned(g, keep_inputs=keep).arena_bytes
    for number, one in enumerate(found.buffers):
        for other in found.buffers[:number]:
            both = one.first <= other.last and other.first <= one.last
            if both and one.offset < other.offset + other.bytes and other.offset < one.offset + one.bytes:
                output, input = (one, other) if one.first > other.first else (other, one)
                node = g.nodes[output.first]
                assert output.first == input.last and node.inputs[0] in input.values and node.name in output.values
                assert output.offset + trails[node.name] <= input.offset


def test_an_output_lies_over_what_was_read() -> None:
    """In a chain of equal sizes each output begins a lead before its input: 3 leads, one tensor."""
    leads = {"t1": 8, "t2": 8, "t3": 8}
    found = plan(chain(*[100] * 4), Demands(trails=leads))
    assert [found.find(n).offset for n in ("x", "t1", "t2", "t3")] == [24, 16, 8, 0]
    assert (found.arena_bytes, found.lower_bound_bytes, found.optimal) == (124, 108, True)
    assert found.live_bytes(0) == 108
    with pytest.raises(TapeoutError, match="t1 at .* overlaps x at"):
        check(found, chain(*[100] * 4))
    with pytest.raises(TapeoutError, match="t1 at .* overlaps x at"):
        check(tampered(found, "t1", offset=20), chain(*[100] * 4), Demands(trails=leads))


def test_what_is_read_again_is_not_written_over() -> None:
    """By a later node, by the caller, and by a node to which inputs are kept."""
    again = graph({"x": 40}, [("a", Make((40,)), ["x"]), ("b", Make((40,)), ["a", "x"])], ["b"])
    assert plan(again, Demands(trails={"a": 4})).arena_bytes == 120
    assert plan(chain(40, 40), Demands(trails={"t1": 4}, inputs=Inputs.KEPT)).arena_bytes == 80
    assert plan(chain(40, 40), Demands(trails={"t1": 4})).arena_bytes == 44
    assert plan(chain(40, 40), Demands(trails={"t1": -4})).arena_bytes == 40


def test_kernels_write_over_what_their_ops_keep() -> None:
    """And are checked as if the op allowed it; where an output apart serves better, it is apart."""
    found = plan(chain(40, 40, 40), Demands(over={"t1", "t2"}))
    assert found.arena_bytes == 40 and found.find("x") == found.find("t2")
    check(found, chain(40, 40, 40), Demands(over={"t1", "t2"}))
    with pytest.raises(TapeoutError, match="t1 overwrites its input x, which make does not allow"):
        check(found, chain(40, 40, 40), Demands(over={"t2"}))
    again = graph({"x": 40}, [("a", Make((40,)), ["x"]), ("b", Make((40,)), ["a", "x"])], ["b"])
    assert plan(again, Demands(over={"a"})).arena_bytes == 120, "x is read again"


def test_an_output_in_place_that_keeps_its_neighbours_from_trailing_is_apart() -> None:
    """t2 has to begin as far before t1 as t1 is long: where t1 lies over x, nothing is before it."""
    g, trails = chain(60, 40, 80), {"t1": -20, "t2": 40}
    assert plan(g, Demands(trails=trails)).arena_bytes == 80
    assert plan(g, Demands(trails=trails, over={"t1"})).arena_bytes == 80, "not the 100 of t1 over x"


def test_sums_of_64_bits_lie_at_multiples_of_8() -> None:
    build = Builder()
    for name in ("a", "b"):
        build.input(name, Type((5,), QType(8 if name == "a" else 64)))
    ports = tuple(Port(name, name, "int8", (0,)) for name in ("a", "b"))
    graph = Graph("net", ports, ports, (), build.values)
    found = plan(graph)
    assert all(b.offset % 8 == 0 for b in found.buffers)
    shifted = tuple(replace(b, offset=b.offset + 4) for b in found.buffers)
    with pytest.raises(TapeoutError, match="do not fit the arena"):
        check(replace(found, buffers=shifted, arena_bytes=found.arena_bytes + 8), graph)
