"""Layers and their gradients on random shapes: C equals the reference in every bit, the reference torch's autograd within an error."""
from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.ir import F32, Array, Type
from tapeout.compiler.ops.conv2d import Conv2D
from tapeout.compiler.ops.dense import Dense
from tapeout.targets.c.target import KERNELS
from tapeout.targets.cortexm.target import TARGETS as CORTEX_M
from tapeout.targets.riscv.target import TARGETS as RISC_V
from tests.autograd import convolved, depthwise, gradients

from .board import on_board
from .matrix import STRICT, on_host
from .random_layers import FAMILIES, FORMS, Call, Form, Layer, calls, wrong

SHAPES, MANY = 20, 200
CORES = {target.name: target for target in (*RISC_V, *CORTEX_M)}


def all_calls(families: tuple[str, ...], count: int) -> list[list[Call]]:
    """Those of all directions and forms, by the kernel that runs them."""
    groups: list[list[Call]] = []
    for family in families:
        for form in FORMS:
            groups += map(list, zip(*calls(family, form, count)[1], strict=True))
    return groups


def test_the_host_equals_the_reference(tmp_path: Path) -> None:
    groups = all_calls(FAMILIES, SHAPES)
    assert len(groups) == 4 * 5 * 3 and all(len(group) == SHAPES for group in groups)
    assert wrong(groups, KERNELS, tmp_path, on_host) == []


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("flags", [("-O2",), ("-O3", "-mfma")], ids=" ".join)
def test_the_host_equals_the_reference_on_many(flags: tuple[str, ...], family: str, tmp_path: Path) -> None:
    assert wrong(all_calls((family,), MANY), KERNELS, tmp_path, partial(on_host, flags=(*STRICT, *flags))) == []


def test_fp16_instructions_equal_the_reference(programs: Path, tmp_path: Path) -> None:
    assert wrong(all_calls(FAMILIES, SHAPES), KERNELS, tmp_path, on_board(CORES["rv32-zfh"], programs)) == []


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("core", ["rv32-zfh", "rv32imc", "cortex-m4", "cortex-m7", "cortex-m55"])
def test_cores_equal_the_reference_on_many(core: str, family: str, programs: Path, tmp_path: Path) -> None:
    """In two halves, as inputs and tables have to fit the boards."""
    for number, group in enumerate(all_calls((family,), MANY)):
        (folder := tmp_path / str(number)).mkdir()
        assert wrong([group], KERNELS, folder, on_board(CORES[core], programs)) == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.name)
def test_results_are_near_those_of_autograd(form: Form, family: str) -> None:
    for chosen, (forward, weights, inputs) in zip(*calls(family, form, SHAPES), strict=True):
        x, w, g = forward.arrays[0], forward.arrays[1], weights.arrays[1]
        exact, magnitudes = ([np.asarray(a, np.float64) for a in autograd(chosen, *(f(np.asarray(o, np.float64)) for o in (x, w, g)))]
                             for f in (np.asarray, np.abs))
        for call, wanted, size in zip((weights, inputs), exact, magnitudes, strict=True):
            off = np.abs(call.reference().astype(np.float64) - wanted)
            assert (off <= form.error * size + 2.0**-24 * (form.q.code == "f16") * (1 + chosen.y[-1])).all(), (call, (off / size).max())


def autograd(chosen: Layer, x: Array, w: Array, g: Array) -> list[Array]:
    """The gradients of the weights and of the input, in float64."""
    op = chosen.op
    if isinstance(op, Dense):
        found = gradients(lambda x, w: x @ w.T, [x, w], g)
    elif isinstance(op, Conv2D):
        window = op.window((None, Type(chosen.w, F32)))
        found = gradients(lambda x, w: convolved(x, w, window, op.groups), [x, w], g)
    else:
        window = op.window((None, Type(chosen.w, F32)))
        found = gradients(lambda x, w: depthwise(x, w, window), [x, w], g)
    return [found[1], found[0]]


MISTAKES = [  # (file, text, what stands there instead)
    ("conv2d.h", "c++) {\n                            sum = add_product", "c += 2) {\n                            sum = add_product"),
    ("dense_input_gradient.h", "o < p->outputs; o++", "o < p->outputs / 4 * 4; o++"),
    ("conv2d_weight_gradient.h", "c < inputs; c++", "c < inputs - inputs % 2; c++"),
    ("windows.h", "row * p->dilation_h - p->pad_top", "row * p->dilation_h + p->pad_top"),
    ("window.h", "at + pad - tap * dilation", "at - pad + tap * dilation"),
    ("f16.h", "sum = b ? sum + load_float", "sum = b && o ? sum + load_float"),
    ("f16.h", "return fma_f32(x, w, total);", "return total + x * w;"),
    ("f16.h", "return fma_f16(x, w, total);", "return round_to_f16(total + round_to_f16(x * w));"),
]


@pytest.mark.long
@pytest.mark.parametrize(("file", "text", "mistake"), MISTAKES, ids=lambda v: v if v.endswith(".h") else "")
def test_mistakes_are_noticed(file: str, text: str, mistake: str, tmp_path: Path) -> None:
    kernels = shutil.copytree(KERNELS, tmp_path / "kernels")
    assert text in (kernels / file).read_text()
    (kernels / file).write_text((kernels / file).read_text().replace(text, mistake))
    (folder := tmp_path / "program").mkdir()
    assert wrong(all_calls(FAMILIES, 60), kernels, folder, partial(on_host, flags=(*STRICT, "-Wno-unused-parameter")))
