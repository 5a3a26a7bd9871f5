"""Networks whose activations are quantized by each sample's own extremes, from a recipe to every engine."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.build import lower
from tapeout.compiler.errors import Unsupported
from tapeout.compiler.ir import Graph
from tapeout.compiler.run import run
from tapeout.cosim.engine import Harnessed
from tapeout.cosim.host import HOST_ASAN
from tapeout.cosim.qemu import QEMU
from tapeout.cosim.touched import touched
from tapeout.quant.options import QuantizeOptions
from tapeout.quant.quantize import quantize
from tapeout.quant.recipe import parse
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled
from tests.quant.float_nets import network, samples


def annotated(rules: list[dict[str, object]], **options: bool) -> Graph:
    """The network in 8 bits, dynamic but where `rules` say otherwise, with weights in groups in its pointwise layer."""
    grouped = {"layers": ["point"], "weights": {"granularity": "group", "group": 4, "bits": 4}}
    said = {"weights": {"bits": 8}, "activations": {"bits": 8, "symmetric": False, "dynamic": True}, "rules": [grouped, *rules]}
    return quantize(network(**options), {"x": samples(64)}, parse(said, "dynamic"), QuantizeOptions())


STATIC = {"activations": {"dynamic": False}}
CASES = {
    "everywhere": annotated([], residual=True),
    "static_input": annotated([{"types": ["input"], **STATIC}, {"layers": ["first"], **STATIC}]),
    "static_end": annotated([{"layers": ["point", "pooled"], **STATIC}]),
}


@pytest.mark.parametrize("case", CASES)
def test_engines_equal_the_reference(case: str, tmp_path: Path) -> None:
    lowered = lower(CASES[case])
    assert "dynamic_quantize" in {n.op.name() for n in lowered.nodes}
    layers = [n for n in lowered.nodes if n.op.name() in ("conv2d", "depthwise_conv2d", "dense")]
    assert len(layers) == 4 and not any("f32" in n.op.symbol(lowered.types(n)) for n in layers)
    compiled, firmware = (Compiled.write(tmp_path / name, "net", find_target(name), lowered) for name in ("c", "cortex-m4"))
    x = samples(24, 5)
    expected = run(lowered, {"x": x})
    for found in (HOST_ASAN.run(compiled, {"x": x}), QEMU.run(firmware, {"x": x})):
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array)
    assert isinstance(HOST_ASAN, Harnessed)
    assert touched(HOST_ASAN.machine, compiled, {"x": x}).holds
    (wanted,) = run(CASES[case], {"x": x}).values()
    (result,) = expected.values()
    assert np.abs(result - wanted.reshape(result.shape)).max() < 1e-2 * np.abs(wanted).max()


def test_a_fixed_scale_beside_one_of_each_sample_is_refused() -> None:
    with pytest.raises(Unsupported, match="sum: reads .*, whose scale follows from each sample, together with codes whose scale is fixed"):
        lower(annotated([{"layers": ["first", "sum"], **STATIC}], residual=True))
