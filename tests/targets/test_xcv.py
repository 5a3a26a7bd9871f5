"""Kernels of cv32e40p-xcv: on random shapes and all cases of the matrix they equal the reference, in plain C on the host and on the core's
RTL; mistakes are noticed by both; QEMU, which lacks the instructions, is refused."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.fixed import Int, Rounding, requantize
from tapeout.compiler.run import run
from tapeout.cosim.compare import compare
from tapeout.cosim.engine import EngineFailed
from tapeout.cosim.qemu import QEMU
from tapeout.cosim.rtl.machine import RtlCore
from tapeout.targets import find_target
from tapeout.targets.c.target import KERNELS as KERNELS_OF_C
from tapeout.targets.compiled import Compiled
from tapeout.targets.microcontroller.family import Microcontroller
from tapeout.targets.riscv.kernels.xcv import layer as layers
from tapeout.targets.riscv.kernels.xcv.layer import Layer, layer
from tapeout.targets.riscv.target import XCV
from tapeout.targets.target import Target
from tests.cases import Case, cases_of, samples
from tests.cosim.nets import plainly
from tests.small import CODES, feed, network
from tests.test_cli import CALIBRATION, MODEL, refused, tapeout

from .board import RTL, on_board, outputs_or_fault
from .matrix import Net, Runner, difference, nets, on_host, run_cases
from .mutation import Mutation
from .test_high_word import CHANNELS, around_thresholds, multipliers
from .test_high_word import layer as dense_layer
from .xcv_shapes import COUNT, KERNELS, shapes

CORE = find_target("cv32e40p-xcv")
assert isinstance(CORE, Microcontroller)
PLAIN = Target("xcv-on-the-host", (XCV, KERNELS_OF_C))  # which takes the plain C of xcv.h
FEW = 6  # random shapes in a short run
OPS = ("conv2d", "dense", "depthwise_conv2d", "add")


def by_xcv(net: Net) -> bool:
    return "_xcv" in net.name.partition("_by_")[2]


def apart(net: Net) -> bool:
    """Those whose output lies apart from their input."""
    return by_xcv(net) and net.name.endswith(("_xcv", "_direct"))


def assert_equal(cases: Sequence[Case], target: Target, folder: Path, runner: Runner, which: object = by_xcv) -> int:
    """That the kernels give what the reference does; returns how many nets there were."""
    assert callable(which)
    found = run_cases(cases, target, folder, runner, which)
    for case in cases:
        wanted = [net for net in nets([case], target) if which(net)]
        expected = run(case.graph, samples(case)) if wanted else {}
        for net in wanted:
            for name, array in expected.items():
                assert difference(found[net.name][name], array) is None, f"{net.name}: {difference(found[net.name][name], array)}"
    return len(found)


@pytest.mark.parametrize("count", [FEW, pytest.param(COUNT, marks=pytest.mark.long)])
@pytest.mark.parametrize("kernel", KERNELS)
def test_random_shapes_on_the_rtl(kernel: str, count: int, tmp_path: Path, programs: Path) -> None:
    assert isinstance(CORE, Microcontroller)

    def by_this(net: Net) -> bool:
        return net.name.endswith(f"_by_{kernel}")

    assert assert_equal(shapes(kernel)[:count], CORE, tmp_path, on_board(CORE, programs, machine=RTL), by_this) == count


@pytest.mark.long
@pytest.mark.parametrize("op", OPS)
def test_all_cases_on_the_rtl(op: str, tmp_path: Path, programs: Path) -> None:
    assert isinstance(CORE, Microcontroller)
    assert assert_equal(cases_of(op), CORE, tmp_path, on_board(CORE, programs, machine=RTL)) > 20


@pytest.mark.parametrize("op", [pytest.param(op, marks=[] if op == "add" else [pytest.mark.long]) for op in OPS])
def test_all_cases_in_plain_c(op: str, tmp_path: Path) -> None:
    assert assert_equal(cases_of(op), PLAIN, tmp_path, on_host) > 20


@pytest.fixture
def by_high_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes by high words of products, also where they begin on lines."""
    monkeypatch.setattr(layers, "_slopes", lambda *_: None)


@pytest.mark.long
@pytest.mark.usefixtures("by_high_words")
@pytest.mark.parametrize("op", ["conv2d", "dense", "depthwise_conv2d"])
def test_all_cases_by_high_words(op: str, tmp_path: Path) -> None:
    assert assert_equal(cases_of(op), PLAIN, tmp_path, on_host) > 20


@pytest.mark.usefixtures("by_high_words")
def test_high_words_on_the_rtl(tmp_path: Path, programs: Path) -> None:
    cases = [case for op in ("conv2d", "depthwise_conv2d") for case in cases_of(op) if case.name in HIGH_WORDS]
    assert isinstance(CORE, Microcontroller) and len(cases) == len(HIGH_WORDS)
    assert assert_equal(cases, CORE, tmp_path, on_board(CORE, programs, machine=RTL), apart) > len(cases)


HIGH_WORDS = ("conv2d_s8_ties_half_up", "conv2d_s8_ties_tflite", "conv2d_s8_odd", "depthwise_conv2d_s8_ties_tflite")
STRAIGHT, BENT, LEAST = 5, 7, -128  # numbers of a channel; the least code


@pytest.mark.parametrize("rounding", [Rounding.HALF_UP, Rounding.TFLITE, Rounding.FLOOR])
@pytest.mark.parametrize("zero", [LEAST, 5])
def test_codes_of_lines_are_those_of_the_rounding(rounding: Rounding, zero: int) -> None:
    mul, shift = multipliers(7)
    found, sums = assert_codes(rounding, zero, mul, np.minimum(shift, 41), _codes_of_lines)
    assert found.table.shape[1] == (BENT if zero > LEAST and rounding is Rounding.TFLITE else STRAIGHT)
    for column, off in ((0, 1), (1, -1), (2, 1), (3, -found.table[:, 3]), (4, 1 << 20)):
        wrong = found.table.copy()
        wrong[:, column] += off
        assert not np.array_equal(_codes_of_lines(replace(found, table=wrong), sums), _codes_of_lines(found, sums)), f"number {column}"


@pytest.mark.usefixtures("by_high_words")
@pytest.mark.parametrize("rounding", [Rounding.HALF_UP, Rounding.TFLITE, Rounding.FLOOR])
@pytest.mark.parametrize("zero", [LEAST, 5])
def test_codes_of_high_words_are_those_of_the_rounding(rounding: Rounding, zero: int) -> None:
    assert_codes(rounding, zero, *multipliers(7), _codes_of_high_words)


def test_sums_with_no_line_take_high_words() -> None:
    graph, node, _ = dense_layer(Rounding.TFLITE, 5, multipliers(7)[0], np.full(CHANNELS, 45))
    found = layer(graph, node, 0)
    assert isinstance(found, Layer) and found.table.shape[1] == 4


def assert_codes(rounding: Rounding, zero: int, mul: Int, shift: Int, codes: Callable[[Layer, Int], Int]) -> tuple[Layer, Int]:
    """That a layer's codes are those of the rounding, by a function of the layer and sums (C, N); returns both."""
    graph, node, _ = dense_layer(rounding, zero, mul, shift)
    found = layer(graph, node, 0)
    assert isinstance(found, Layer) and len(found.table) == CHANNELS
    sums = around_thresholds(mul, shift)
    expected = requantize(sums, mul[:, None], shift[:, None], rounding) + zero
    assert (codes(found, sums) == np.clip(expected, -128, 127)).all()
    return found, sums


def _codes_of_lines(found: Layer, sums: Int) -> Int:
    """What codes.h computes, in words of 32 bits."""
    start, most, whole, fraction, add, *bent = (column[:, None].astype(np.int64) for column in found.table.T)
    u = np.clip(sums + start, 0, most)
    line = u * whole + ((u >> 4) * fraction >> 12) + add
    if bent:
        line += np.where(u < bent[0], bent[1], 0)
    return np.asarray((line >> 24 & 0xff).astype(np.uint8).view(np.int8))


def _codes_of_high_words(found: Layer, sums: Int) -> Int:
    """What codes.h computes."""
    _, mul, add, shift = (column[:, None].astype(np.int64) for column in found.table.T)
    taken = sums << found.left
    assert np.abs(taken).max() < 1 << 31
    scaled = (taken * mul >> 32) + add + (2 * (sums >> 31) if found.params["codes.signs"] else 0)
    assert np.abs(scaled).max() < 1 << 31
    return np.asarray(np.clip(scaled >> shift, found.requant.lo, found.requant.hi))


MUTATIONS = [
    Mutation("lost_leftover", "conv2d_xcv_direct.h", "channels_row(g->out_w,", "channels_row(g->out_w - 1,", "conv2d_s8_pixels"),
    Mutation("lost_last_word", "channels.h", "if (v->rest >= 0)", "if (v->rest > 99)", "dense_s8_per_tensor"),
    Mutation("flipped_padding", "conv2d_xcv.h", "g->stride_h - g->pad_top", "g->stride_h + g->pad_top", "conv2d_s8_even"),
    Mutation("padding_of_code_zero", "conv2d_xcv.h", "memset(scratch, p->x_zero,", "memset(scratch, 0,", "conv2d_s8_even"),
    Mutation("skipped_bias", "channels.h", "s0 = c[START],", "s0 = 0,", "conv2d_s8_even"),
    Mutation("column_of_the_next_window", "conv2d_xcv.h", "strip + g->pad_left * column", "strip", "conv2d_s8_even"),
    Mutation("rows_in_other_order", "conv2d_xcv.h", "top + i * g->dilation_h", "top + (g->k_h - 1 - i) * g->dilation_h", "conv2d_s8_valid"),
    Mutation("bend_forgotten", "codes.h", "if (p->numbers == BENT_SLOPE)", "if (0)", "conv2d_s8_ties_tflite"),
    Mutation("never_clipped", "codes.h", "xcv_clip_to(sum, c[MOST])", "sum", "conv2d_s8_even"),
    Mutation("channel_behind_the_row", "channels.h", "if (count >= CHANNELS)", "if (count > 0)", "conv2d_s8_odd"),
    Mutation("first_image_again", "conv2d_xcv.h", "row / g->out_h * g->in_h * g->in_row", "0", "conv2d_s8_images"),
    Mutation("column_of_the_padding", "depthwise_conv2d_xcv.h", "(uint32_t)column < (uint32_t)g->in_w", "column < g->in_w",
             "depthwise_conv2d_s8_three_much_padding"),
    Mutation("columns_in_other_order", "depthwise_conv2d_xcv.h", "k0 = k1;", "k0 = k2;", "depthwise_conv2d_s8_same"),
    Mutation("one_operand", "add_xcv.h", "xcv_mac(xcv_mac(p->add, *x, x_mul), *y, y_mul)", "xcv_mac(p->add, *x, x_mul)", "add_s8_clipped"),
]  # fmt: skip
OF_HIGH_WORDS = [
    Mutation("lost_rounding", "codes.h", "c[MUL]) + c[HALF];", "c[MUL]);", "conv2d_s8_even"),
    Mutation("sign_forgotten", "codes.h", "if (p->signs)", "if (0)", "conv2d_s8_ties_tflite"),
    Mutation("least_code_forgotten", "codes.h", "code = p->lo > -128 && code < p->lo ? p->lo : code;", "", "conv2d_s8_even"),
    Mutation("sums_taken_once", "codes.h", "(uint32_t)sum << p->left", "(uint32_t)sum", "conv2d_s8_even"),
]
IN_ASSEMBLY = [
    Mutation("swapped_lanes", "channels.h", "cv.sdotsp.b %[c1], %[x2], %[w1]", "cv.sdotsp.b %[c1], %[x2], %[w0]", "conv2d_s8_even"),
    Mutation("window_for_the_other", "channels.h", '"cv.sdotsp.b %[b1], %[x1], %[w1]\\n"\n                   "cv.sdotsp.b %[a2]',
             '"cv.sdotsp.b %[b1], %[x0], %[w1]\\n"\n                   "cv.sdotsp.b %[a2]', "conv2d_s8_odd"),
    Mutation("unsigned_codes", "channels.h", '"cv.sdotsp.b %[d3], %[x3], %[w1]\\n"', '"cv.sdotusp.b %[d3], %[x3], %[w1]\\n"',
             "conv2d_s8_even"),
    Mutation("loop_of_an_instruction_less", "channels.h", 'XCV_LOOP("%[words]", "9")', 'XCV_LOOP("%[words]", "8")', "dense_s8_whole"),
    Mutation("window_that_goes_on", "channels.h", '"cv.lw %[x3], (%[x]), %[back]\\n"', '"cv.lw %[x3], (%[x]), %[apart]\\n"',
             "conv2d_s8_even"),
    Mutation("third_byte_for_the_second", "conv2d_xcv.h", '"cv.lhu %[two], (%[from]), 2\\n"', '"cv.lhu %[two], (%[from]), 1\\n"',
             "conv2d_s8_image"),
    Mutation("words_swapped", "conv2d_xcv.h", '"cv.sw %[second], (%[to]), 4\\n"', '"cv.sw %[first], (%[to]), 4\\n"', "conv2d_s8_loops"),
    Mutation("clipped_to_7_bits", "xcv.h", "cv.clip %0, %0, 8", "cv.clip %0, %0, 7", "add_s8_few_3"),
    Mutation("clipped_on_both_sides", "xcv.h", "cv.clipur", "cv.clipr", "conv2d_s8_valid"),
    Mutation("a_bit_more_of_the_product", "xcv.h", "cv.mulun %0, %1, %2, 12", "cv.mulun %0, %1, %2, 8", "conv2d_s8_valid"),
    Mutation("halves_swapped", "xcv.h", '"cv.pack %0, %1, %2" : "=r"(word) : "r"(high), "r"(low)',
             '"cv.pack %0, %2, %1" : "=r"(word) : "r"(high), "r"(low)', "depthwise_conv2d_s8_three_two_channels"),
    Mutation("bytes_of_the_other_word", "xcv.h", '"+r"(low) : "r"(high)', '"+r"(high) : "r"(low)',
             "depthwise_conv2d_s8_three_two_channels"),
    Mutation("difference_for_sum", "xcv.h", '"cv.mac ', '"cv.msu ', "add_s8_few_3"),
]  # fmt: skip


def mutated(mutation: Mutation, folder: Path) -> tuple[Case, tuple[Path, ...]]:
    """The mutation's case, and kernel folders with the mistake before the others."""
    (folder / "work").mkdir()
    return mutation.subject(), (mutation.apply(XCV.glob("*.h"), folder / "kernels"), XCV, KERNELS_OF_C)


@pytest.mark.parametrize("mutation", [pytest.param(m, marks=[] if i < 5 else [pytest.mark.long]) for i, m in enumerate(MUTATIONS)],
                         ids=lambda m: m.name)  # fmt: skip
def test_a_mistake_is_noticed_on_the_host(mutation: Mutation, tmp_path: Path) -> None:
    case, kernels = mutated(mutation, tmp_path)
    with pytest.raises(AssertionError):
        assert_equal([case], replace(PLAIN, kernels=kernels), tmp_path / "work", on_host)


@pytest.mark.usefixtures("by_high_words")
@pytest.mark.parametrize("mutation", [pytest.param(m, marks=[] if i < 1 else [pytest.mark.long]) for i, m in enumerate(OF_HIGH_WORDS)],
                         ids=lambda m: m.name)  # fmt: skip
def test_a_mistake_in_high_words_is_noticed_on_the_host(mutation: Mutation, tmp_path: Path) -> None:
    case, kernels = mutated(mutation, tmp_path)
    with pytest.raises(AssertionError):
        assert_equal([case], replace(PLAIN, kernels=kernels), tmp_path / "work", on_host)


@pytest.mark.parametrize("mutation", [pytest.param(m, marks=[] if i < 1 else [pytest.mark.long]) for i, m in enumerate(IN_ASSEMBLY)],
                         ids=lambda m: m.name)  # fmt: skip
def test_a_mistake_in_assembly_is_noticed_on_the_rtl(mutation: Mutation, tmp_path: Path, programs: Path) -> None:
    assert isinstance(CORE, Microcontroller)
    case, kernels = mutated(mutation, tmp_path)
    target = replace(CORE, kernels=kernels)
    machine = replace(RTL, most_cycles=5_000_000)
    found = outputs_or_fault([case], target, tmp_path / "work", programs, machine, apart)
    if found is not None:
        (expected,) = run(case.graph, samples(case)).values()
        assert any(difference(next(iter(outputs.values())), expected) for outputs in found.values())


def test_a_network_on_the_rtl_takes_fewer_cycles(tmp_path: Path) -> None:
    engine, found = RtlCore(machine=replace(RTL, most_cycles=2_000_000)), {}
    for name in ("cv32e40p", "cv32e40p-xcv"):
        (tmp_path / name).mkdir()
        compiled = Compiled.write(tmp_path / name, "small", find_target(name), network(CODES))
        inputs = feed(compiled.graph, 3)
        assert compare(run(compiled.graph, inputs), engine.run(compiled, inputs), compiled.graph).differ == 0
        found[name] = engine.cycles(compiled, inputs).run
    assert 2 * found["cv32e40p-xcv"] < found["cv32e40p"]


def test_qemu_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    compiled = tapeout("compile", MODEL, "--target", "cv32e40p-xcv", "--calibrate", CALIBRATION, "-o", out)
    assert compiled.returncode == 0, compiled.stderr
    said = "instructions, stack and arena are not measured: QEMU's core has no XCV; tapeout cosim counts cycles on the RTL"
    assert said in compiled.stdout + compiled.stderr
    refused(2, "--engines qemu: its core has no XCV, which target cv32e40p-xcv needs; name rtl-core", "cosim", out, "--engines", "qemu")
    refused(2, "--autotune: kernels are counted in QEMU, which does not run target cv32e40p-xcv; leave it out", "compile", MODEL,
            "--target", "cv32e40p-xcv", "--calibrate", CALIBRATION, "--autotune", tmp_path / "counts", "-o", tmp_path / "x")  # fmt: skip
    (tmp_path / "net").mkdir()
    model = plainly(tmp_path / "net", "small", CORE, network(CODES))
    with pytest.raises(EngineFailed, match=r"^qemu: its core has no XCV, which target cv32e40p-xcv needs$"):
        QEMU.run(model, feed(model.graph, 1))
