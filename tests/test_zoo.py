"""Real networks all the way, by the commands: 0 differing elements in every engine, and the reference equal to TensorFlow Lite Micro."""
from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tapeout.compiler.ir import Array
from tapeout.targets.bundle import Bundle
from tests.compiler.frontends.micro import interpret
from tests.test_cli import tapeout

COUNT = 100
ENGINES = ("reference", "host", "host-asan", "qemu")
# Lower bounds by lifetimes, and what TensorFlow Lite Micro with CMSIS-NN takes on the same models.
ARENA_BYTES = {
    "ic_resnet8": {"cortex-m4": 40_320, "cortex-m55": 34_096}, "kws_dscnn": {"cortex-m4": 8_492, "cortex-m55": 10_944},
    "vww_mobilenet96": {"cortex-m4": 47_648, "cortex-m55": 40_064}, "ad_autoencoder": {"cortex-m4": 1_920, "cortex-m55": 768},
}  # fmt: skip
INSTRUCTIONS = {  # at most, a network and a core
    "ic_resnet8": {"cortex-m4": 11_900_000, "cortex-m55": 2_250_000}, "kws_dscnn": {"cortex-m4": 3_060_000, "cortex-m55": 750_000},
    "vww_mobilenet96": {"cortex-m4": 5_800_000, "cortex-m55": 1_550_000}, "ad_autoencoder": {"cortex-m4": 277_000, "cortex-m55": 46_300},
}  # fmt: skip
PER_MAC = {  # at most, instructions of a multiply-accumulate that is executed on a core without the DSP extension
    "time": {"ad_autoencoder": 1.95, "ic_resnet8": 2.4, "kws_dscnn": 3.2, "vww_mobilenet96": 4.45},
    "size": {"ad_autoencoder": 3.75, "ic_resnet8": 4.1, "kws_dscnn": 4.8, "vww_mobilenet96": 5.9},
}  # fmt: skip
MICRO_ARENA_BYTES = {"ic_resnet8": 54996, "kws_dscnn": 22820, "vww_mobilenet96": 100708, "ad_autoencoder": 2580}
MACS = {"ic_resnet8": 12_501_632, "kws_dscnn": 2_656_768, "vww_mobilenet96": 7_489_664, "ad_autoencoder": 264_192}


def compiled(zoo: Path, model: str, folder: Path, *options: object) -> dict[str, object]:
    """Compiles a model of the zoo; returns its report."""
    done = tapeout("compile", zoo / model, *options, "-o", folder)
    assert done.returncode == 0, done.stderr
    report: dict[str, object] = json.loads((folder / "report.json").read_text())
    return report


def cifar_images(zoo: Path, count: int) -> Array:
    """The first test images as int8 (count, 32, 32, 3), pixels less 128."""
    with np.load(zoo / "datasets" / "cifar10_test_jpeg.npz") as file:
        blob, offsets = file["blob"], file["offsets"]
    images = [np.asarray(Image.open(io.BytesIO(blob[offsets[i] : offsets[i + 1]].tobytes())).convert("RGB")) for i in range(count)]
    return (np.stack(images).astype(np.int16) - 128).astype(np.int8)


def inputs(zoo: Path, name: str, bundle: Bundle) -> dict[str, Array]:
    """COUNT samples in the source's layout: corner ones, random ones over all codes, and data where there is some."""
    from tapeout.compiler.data import to_source
    from tapeout.cosim.vectors import random_inputs

    port = bundle.graph.inputs[0]
    found = to_source(random_inputs(bundle.graph, COUNT, seed=1)[port.value], port)
    data = None
    if name == "kws_dscnn":
        with np.load(zoo / "datasets" / "kws01_test_mfcc_int8.npz") as file:
            data = file["x"][: COUNT // 2]
    elif name == "ic_resnet8":
        data = cifar_images(zoo, COUNT // 2)
    return {port.name: found if data is None else np.concatenate([found[: COUNT - len(data)], data])}


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("name", ARENA_BYTES)
def test_mlperf_tiny(name: str, target: str, zoo: Path, tmp_path: Path) -> None:
    model = f"mlperf_tiny/{name}_int8.tflite"
    report = compiled(zoo, model, tmp_path / "out", "--target", target)
    memory, totals = report["memory"], report["totals"]
    assert isinstance(memory, dict) and isinstance(totals, dict)
    assert memory["arena_bytes"] == ARENA_BYTES[name][target]
    assert 0 <= memory["arena_bytes"] - memory["arena_touched_bytes"] < 16, "alignment alone"
    assert totals["instructions"] <= INSTRUCTIONS[name][target]
    assert memory["arena_bytes"] < MICRO_ARENA_BYTES[name]
    assert totals["macs"] == MACS[name]
    assert (totals["macs_executed"] < totals["macs"]) == (name == "vww_mobilenet96")

    bundle = Bundle.load(tmp_path / "out")
    samples = inputs(zoo, name, bundle)
    np.savez(tmp_path / "inputs.npz", **samples)  # type: ignore[arg-type]  # numpy's stub takes the keywords for its flags
    done = tapeout("cosim", tmp_path / "out", "--inputs", tmp_path / "inputs.npz", "--save", tmp_path / "saved.npz")
    assert done.returncode == 0, done.stderr
    elements = COUNT * bundle.graph.values[bundle.graph.outputs[0].value].type.size
    for engine in ENGINES[1:]:
        assert f"{engine}: 0 / {elements} elements differ" in done.stdout
    (array,) = samples.values()
    (wanted,) = interpret((zoo / model).read_bytes(), {"x": array[:, None]})
    with np.load(tmp_path / "saved.npz") as saved:
        found = saved[f"qemu/{bundle.graph.outputs[0].name}"]
    assert np.array_equal(found.reshape(wanted.shape), wanted)


@pytest.mark.parametrize("objective", PER_MAC)
@pytest.mark.parametrize("name", MACS)
def test_mlperf_tiny_on_the_smallest_core(name: str, objective: str, zoo: Path, tmp_path: Path) -> None:
    report = compiled(zoo, f"mlperf_tiny/{name}_int8.tflite", tmp_path / "out", "--target", "cortex-m0", "--optimize", objective)
    totals = report["totals"]
    assert isinstance(totals, dict)
    assert totals["instructions"] <= PER_MAC[objective][name] * totals["macs_executed"]
    bundle = Bundle.load(tmp_path / "out")
    np.savez(tmp_path / "inputs.npz", **inputs(zoo, name, bundle))  # type: ignore[arg-type]  # as above
    done = tapeout("cosim", tmp_path / "out", "--inputs", tmp_path / "inputs.npz", "--engines", "reference,qemu", "--count", 25)
    assert done.returncode == 0, done.stderr
    assert f"qemu: 0 / {25 * bundle.graph.values[bundle.graph.outputs[0].value].type.size} elements differ" in done.stdout


@pytest.mark.parametrize("engines", ["host", pytest.param("host,host-asan,qemu", marks=pytest.mark.long)])
def test_keyword_spotting_on_the_whole_test_set(engines: str, zoo: Path, tmp_path: Path) -> None:
    """90.1 % right, as TensorFlow Lite Micro, and the same in every byte of the 1,000 outputs."""
    model, data = "mlperf_tiny/kws_dscnn_int8.tflite", zoo / "datasets" / "kws01_test_mfcc_int8.npz"
    compiled(zoo, model, tmp_path / "out", "--target", "cortex-m4")
    done = tapeout(
        "cosim", tmp_path / "out", "--inputs", data, "--engines", engines, "--json", tmp_path / "j", "--save", tmp_path / "saved.npz",
    )
    assert done.returncode == 0, done.stderr
    for engine in engines.split(","):
        assert f"{engine}: 0 / 12000 elements differ" in done.stdout
    quality = json.loads((tmp_path / "j").read_text())["quality"]
    assert (quality["engine"], quality["samples"], quality["accuracy"]) == (engines.split(",")[-1], 1000, 0.901)
    with np.load(data) as file, np.load(tmp_path / "saved.npz") as saved:
        (wanted,) = interpret((zoo / model).read_bytes(), {"x": file["x"][:, None]})
        assert np.array_equal(saved[f"{quality['engine']}/Identity"].reshape(wanted.shape), wanted)


@pytest.fixture(scope="module")
def mnist(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`calibration.npz` and `test.npz` for mnist-8: float pixels of 0 to 255, NCHW."""
    folder = tmp_path_factory.mktemp("mnist")
    with np.load(zoo / "datasets" / "mnist_train60k.npz") as file:
        np.savez(folder / "calibration.npz", Input3=file["x"][:500, None].astype(np.float32))
    with np.load(zoo / "datasets" / "mnist_test10k.npz") as file:
        np.savez(folder / "test.npz", Input3=file["x"][:, None].astype(np.float32), y=file["y"])
    return folder


@pytest.mark.parametrize("calibration", ["minmax", "percentile", "mse"])
def test_mnist_in_int8(calibration: str, zoo: Path, mnist: Path, tmp_path: Path) -> None:
    options = ("--target", "c", "--calibrate", mnist / "calibration.npz", "--calibration", calibration)
    compiled(zoo, "onnx/mnist-8/model.onnx", tmp_path / "out", *options)
    done = tapeout("cosim", tmp_path / "out", "--inputs", mnist / "test.npz", "--engines", "host", "--json", tmp_path / "j")
    assert done.returncode == 0, done.stderr
    quality = json.loads((tmp_path / "j").read_text())["quality"]
    assert (quality["engine"], quality["samples"]) == ("host", 10000)
    assert quality["accuracy"] >= 0.988 and quality["float_accuracy"] == 0.9891


@pytest.mark.parametrize("target", ["cortex-m0", "cortex-m4", "cortex-m7", "cortex-m55"])
def test_mnist_in_float32(target: str, zoo: Path, mnist: Path, tmp_path: Path) -> None:
    compiled(zoo, "onnx/mnist-8/model.onnx", tmp_path / "out", "--target", target)
    done = tapeout(
        "cosim", tmp_path / "out", "--inputs", mnist / "test.npz", "--count", 5, "--json", tmp_path / "j",
        "--threshold", "max_relative=1e-5",
    )
    assert done.returncode == 0, done.stderr
    assert {e: r["differ"] for e, r in json.loads((tmp_path / "j").read_text())["engines"].items()} == dict.fromkeys(ENGINES, 0)
