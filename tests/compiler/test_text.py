"""Graphs as text: readable, exact both ways, and one clear error for anything else."""
from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler import text
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding
from tapeout.compiler.ir import F32, Builder, Graph, Port, QType, Type, verify
from tapeout.compiler.ops.clip import Clip
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.requant import Requant
from tests.models import MODELS


def assert_equal(a: Graph, b: Graph) -> None:
    assert (a.name, a.inputs, a.outputs, a.nodes) == (b.name, b.inputs, b.outputs, b.nodes)
    assert a.values.keys() == b.values.keys()
    for name, value in a.values.items():
        other = b.values[name]
        assert value.type == other.type
        if value.data is not None:
            assert other.data is not None
            np.testing.assert_array_equal(value.data, other.data, strict=True)


@pytest.mark.parametrize("name", MODELS)
def test_saved_graphs_come_back_equal(name: str, tmp_path: Path) -> None:
    graph = MODELS[name]()
    text.save(graph, tmp_path)
    loaded = text.load(tmp_path)
    assert_equal(graph, loaded)
    assert list(loaded.values) == list(text.ordered(graph).values)


def test_saving_is_deterministic(tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        text.save(MODELS["separable_s8"](), folder)
    for file in (text.GRAPH_FILE, text.CONSTANTS_FILE):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def tiny(name: str = "y", bounds: tuple[float, float] = (-5.0, math.inf)) -> Graph:
    build = Builder()
    build.input("x", Type((1, 4, 4, 2), QType(8, True, (0.1,), (3,))))
    w = build.constant("w", np.ones((2, 3, 3, 2), np.int8), QType(8, True, (0.25, 1 / 3), (0, 0), 0))
    mul, shift = build.constant("mul", np.full(1, 1 << 30, np.int32)), build.constant("shift", np.full(1, 38, np.int8))
    requant = Requant(QType(8, True, (0.2,), (-5,)), Rounding.TFLITE, lo=-5)
    build.add(Conv2D(requant=requant), ["x", w, "", mul, shift], "conv/1")
    build.add(Clip(*bounds), ["conv/1"], name)
    ports = (Port("x", "image", "int8", (0, 1, 2, 3)),), (Port(name, "out", "int8", (0, 2, 3, 1)),)
    return verify(Graph("tiny", *ports, tuple(build.nodes), build.values))


EXPECTED = """\
graph('tiny')
input('x', (1, 4, 4, 2), s8(scale=0.1, zero=3), source='image', dtype='int8', axes=(0, 1, 2, 3))
constant('w', (2, 3, 3, 2), s8(scale=(0.25, 0.3333333333333333), zero=(0, 0), axis=0))
constant('mul', (1,), s32())
constant('shift', (1,), s8())
'conv/1' = conv2d('x', 'w', '', 'mul', 'shift', requant=requant(output=s8(scale=0.2, zero=-5), rounding='tflite', lo=-5))  # s8 1x2x2x2
'y' = clip('conv/1', lo=-5.0)  # s8 1x2x2x2
output('y', source='out', dtype='int8', axes=(0, 2, 3, 1))
"""


def test_the_text_people_read() -> None:
    assert text.format(tiny()) == EXPECTED


def test_long_tuples_are_cut_short_for_reading() -> None:
    long = text.format(MODELS["dense_chain_s8"](), elide=True)
    assert re.search(r"s8\(scale=\(0\.\d+, 0\.\d+, \.\.\. 9 in all\), zero=\(0, 0, \.\.\. 9 in all\), axis=0\)", long)


@pytest.mark.parametrize("name", ["a'b\"c\\d", "a\n# b", "it's = odd, 'y'", "µ\u2028\x85", "model/conv;model/bn", "#"])
def test_any_name_survives(name: str, tmp_path: Path) -> None:
    text.save(tiny(name), tmp_path)
    assert_equal(text.load(tmp_path), tiny(name))


@pytest.mark.parametrize("bounds", [(-math.inf, math.inf), (-math.inf, -0.0), (-3, 0.1 + 0.2), (math.inf, math.inf)])
def test_any_number_survives(bounds: tuple[float, float]) -> None:
    build = Builder()
    build.input("x", Type((2,), F32))
    build.add(Clip(*bounds), ["x"], "y")
    graph = Graph("net", (Port("x", "x", "float32", (0,)),), (Port("y", "y", "float32", (0,)),), tuple(build.nodes), build.values)
    assert repr(text.parse(text.format(graph), {}, "graph.txt").nodes) == repr(graph.nodes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("graph('tiny')", "", r"graph.txt:1: is no line of a graph: ''"),
        ("graph('tiny')\n", "", r"has no line graph"),
        ("graph('tiny')", "grph('tiny')", r"graph.txt:1: 'grph' is no kind of line"),
        ("graph('tiny')", "graph(tiny)", r"graph.txt:1: tiny is no name in quotes"),
        ("graph('tiny')", "graph()", r"graph.txt:1: graph takes 1 arguments, got 0"),
        ("conv2d(", "conv3d(", r"graph.txt:6: there is no op conv3d"),
        ("conv2d(", "__init__(", r"graph.txt:6: there is no op __init__"),
        ("conv2d(", "os.system(", r"graph.txt:6: os.system is no name"),
        ("clip('conv/1'", "clip('conv/2'", r"graph.txt:7: y reads 'conv/2', which no line above defines"),
        ("lo=-5.0", "low=-5.0", r"graph.txt:7: .*unexpected keyword argument 'low'"),
        ("lo=-5.0", "lo=open('f')", r"graph.txt:7: there is no op open"),
        ("lo=-5.0", "lo=5+5", r"graph.txt:7: 5 \+ 5 is no value"),
        ("lo=-5.0", "lo=math", r"graph.txt:7: math is no value"),
        ("'tflite'", "'odd'", r"graph.txt:6: 'odd' is not a valid Rounding"),
        ("'y' = ", "'x' = ", r"graph.txt:7: defines 'x' a second time"),
        ("(1, 4, 4, 2)", "(1, 4, 'a', 2)", r"graph.txt:2: has a malformed type"),
        ("(1, 4, 4, 2)", "(1, 4, 4, 3)", r"graph.txt:6: conv/1: conv2d of 1x4x4x3 with weights 2x3x3x2 does not fit"),
        ("(1, 4, 4, 2)", "(1, 1, 1, 2)", r"graph.txt:6: conv/1: a window of 3 does not fit"),
        ("constant('mul', (1,)", "constant('mul', (2,)", r"graph.txt:4: constants.npz has int32\[1\] for 'mul'"),
        ("constant('mul'", "constant('mull'", r"graph.txt:4: constants.npz has no data for 'mull'"),
        ("dtype='int8', axes=(0, 1, 2, 3)", "axes=(0, 1, 2, 3)", r"graph.txt:2: input 'x' takes source, dtype and axes"),
        ("output('y'", "output('z'", r"graph.txt:8: output 'z' is not defined above"),
        ("axes=(0, 2, 3, 1)", "axes=(0, 2, 3)", r"graph.txt:8: out: axes"),
        ("lo=-5.0)", "lo=-5.0", r"graph.txt:7: is no line of a graph"),
        ("lo=-5.0", "lo=" + "(" * 3000, r"graph.txt:7: is no line of a graph"),
    ],
)
def test_a_corrupt_text_is_one_line_with_file_and_line(old: str, new: str, message: str, tmp_path: Path) -> None:
    text.save(tiny(), tmp_path)
    assert old in EXPECTED
    (tmp_path / text.GRAPH_FILE).write_text(EXPECTED.replace(old, new, 1))
    with pytest.raises(TapeoutError, match=message) as caught:
        text.load(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", [text.GRAPH_FILE, text.CONSTANTS_FILE])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "noise"])
def test_a_damaged_folder_is_one_error(file: str, damage: str, tmp_path: Path) -> None:
    text.save(tiny(), tmp_path)
    whole = (tmp_path / file).read_bytes()
    if damage == "missing":
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes({"empty": b"", "cut": whole[: len(whole) // 2], "noise": b"\xff\x00" * 40}[damage])
    with pytest.raises(TapeoutError) as caught:
        text.load(tmp_path)
    assert str(tmp_path) in str(caught.value)
