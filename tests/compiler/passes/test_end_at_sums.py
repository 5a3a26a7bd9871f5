"""Networks end at their last integers, or at the class of the largest of them; what is left to the host is said."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tapeout.compiler.build import lower
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import Graph, QType
from tapeout.compiler.ops.add import Add
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.mul import Mul
from tapeout.compiler.passes.add_argmax import add_argmax
from tapeout.compiler.passes.end_at_sums import end_at_sums
from tapeout.compiler.passes.expose_codes import expose_codes
from tapeout.compiler.run import run
from tests.compiler.integer.nets import Net

CODES, WEIGHTS = QType(4, True, (1 / 8,)), QType(4, True, (1 / 4,))


def scaled(factor: Sequence[float], shift: Sequence[float], weights: QType = WEIGHTS, clip: bool = False) -> Graph:
    """A layer whose sums floats scale and shift."""
    net = Net((1, 12))
    y = net.dense("y", net.fq("x", CODES), 5, weights)
    y = net.op(Mul(), [y, net.constant("factor", np.array(factor))], "scaled")
    y = net.op(Add(), [y, net.constant("shift", np.array(shift))], "shifted")
    return lower(net.graph(net.op(Clip(0.0), [y], "clipped") if clip else y))


def samples() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return {"x": np.random.default_rng(3).normal(0, 1, (200, 1, 12)).astype(np.float32)}


def test_a_scaling_of_all_classes_keeps_their_order() -> None:
    graph = scaled([0.3], [-0.7])
    cut, (end,) = end_at_sums(graph, codes=True)
    assert [node.op.name() for node in cut.nodes] == ["quantize", "dense"] and cut.outputs[0].value == end.codes == "y_sums"
    sums, wanted = (run(g, samples())[g.output_names[0]] for g in (cut, graph))
    assert np.allclose(sums * end.scale + end.shift, wanted, atol=1e-6)
    assert end.ordered and np.array_equal(sums.argmax(-1), wanted.argmax(-1))
    assert end.text() == (
        "shifted: ends at the integers y_sums; the model's output is 0.00937500037 * code + -0.699999988, equal for all classes and "
        "increasing, so that the largest stays the largest"
    )


def test_the_class_is_the_place_of_the_largest_sum() -> None:
    graph = scaled([0.3], [-0.7])
    classes = add_argmax(end_at_sums(graph, codes=True)[0])
    found, wanted = (run(g, samples())[g.output_names[0]] for g in (classes, graph))
    assert classes.nodes[-1].op.name() == "argmax" and classes.outputs[0].axes == (0,)
    assert np.array_equal(found[:, 0], wanted[:, 0].argmax(-1))


def test_reals_of_codes_are_not_needed_for_a_class() -> None:
    net = Net((1, 12))
    graph = lower(net.graph(net.fq(net.dense("y", net.fq("x", CODES), 5, WEIGHTS), QType(8, True, (0.5,)))))
    classes = add_argmax(graph)
    assert [node.op.name() for node in classes.nodes] == ["quantize", "dense", "argmax"]
    assert np.array_equal(run(classes, samples())[classes.output_names[0]][:, 0], run(graph, samples())["y"][:, 0].argmax(-1))


@pytest.mark.parametrize(("factor", "shift"), [([0.1, 0.2, 0.3, 0.4, 0.5], [0.0]), ([-0.3], [1.0]), ([1.0], [0.1, 0.0, 0.0, 0.0, 0.0])])
def test_other_scalings_are_left_to_the_host(factor: list[float], shift: list[float]) -> None:
    graph = scaled(factor, shift)
    cut, (end,) = end_at_sums(graph, codes=True)
    sums, wanted = (run(g, samples())[g.output_names[0]] for g in (cut, graph))
    assert np.allclose(sums * end.scale + end.shift, wanted, atol=1e-6)
    assert not end.ordered and "which whoever looks for the largest has to apply first" in end.text()


def test_scales_of_channels_have_no_class() -> None:
    weights = QType(4, True, tuple(2.0**-i for i in range(1, 6)), (0,) * 5, axis=0)
    cut, (end,) = end_at_sums(scaled([1.0], [0.0], weights), codes=True)
    assert not end.ordered
    with pytest.raises(TapeoutError, match="argmax: the classes of shifted have scales of their own"):
        add_argmax(cut)
    floats, _ = end_at_sums(scaled([1.0], [0.0], weights), codes=False)
    with pytest.raises(TapeoutError, match="argmax: shifted is f32, and only integers are compared"):
        add_argmax(floats)


def test_reals_of_the_sums_stay_where_ports_are_floats() -> None:
    cut, _ = end_at_sums(scaled([0.3], [0.5]), codes=False)
    assert [node.op.name() for node in cut.nodes] == ["quantize", "dense", "dequantize"]


def test_a_clip_is_no_scaling() -> None:
    with pytest.raises(TapeoutError, match="behind the integers y_sums stand the floats scaled, clipped, which do more"):
        end_at_sums(scaled([0.3], [0.5], clip=True), codes=True)


def test_what_ends_in_codes_stays() -> None:
    net = Net((1, 12))
    graph = lower(net.graph(net.fq(net.dense("y", net.fq("x", CODES), 5, WEIGHTS), QType(8, True, (0.5,)))))
    cut, ends = end_at_sums(graph, codes=True)
    assert cut.outputs == graph.outputs and not ends
    assert [node.op.name() for node in add_argmax(expose_codes(cut)).nodes] == ["dense", "argmax"]
