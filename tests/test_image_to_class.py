"""Networks of one and two bits as designs that take the bytes of an image: by the command line, against the qonnx executor."""
from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler.cli.options import parse_input_types
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import QType
from tests.test_cli import refused, tapeout
from tests.test_few_bit_zoo import executed

IMAGES = 1000
ACCURACY = {"TFC_1W1A": 0.913, "TFC_2W2A": 0.966}  # on the first 1,000 images


def compiled(zoo: Path, name: str, out: Path, *options: str) -> None:
    model = zoo / "qonnx" / f"{name}.onnx"
    done = tapeout("compile", model, "--target", "rtl", "--input-type", "uint8/255", "--fold", "1024", *options, "-o", out)
    assert done.returncode == 0, done.stderr


def cosimulated(zoo: Path, out: Path, file: Path) -> str:
    digits = zoo / "datasets" / "mnist_test10k.npz"
    done = tapeout("cosim", out, "--engines", "reference,host,rtl", "--inputs", digits, "--count", str(IMAGES), "--save", file)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
@pytest.mark.parametrize("name", ACCURACY)
def test_the_rtl_predicts_what_the_executor_does(name: str, zoo: Path, tmp_path: Path) -> None:
    """At the integer sums, from which the report's numbers make the model's outputs, and at the class."""
    compiled(zoo, name, tmp_path / "sums")
    assert "rtl: 0 / 10000 elements differ" in cosimulated(zoo, tmp_path / "sums", tmp_path / "sums.npz")
    compiled(zoo, name, tmp_path / "class", "--output-layer", "argmax")
    said = cosimulated(zoo, tmp_path / "class", tmp_path / "class.npz")
    assert f"rtl: 0 / 1000 elements differ\nquality of rtl, 1000 samples: accuracy {ACCURACY[name]}" in said
    with np.load(tmp_path / "sums.npz") as sums, np.load(tmp_path / "class.npz") as classes:
        (images,) = (sums[key] for key in sums.files if key.startswith("inputs/"))
        (found,) = (sums[key] for key in sums.files if key.startswith("rtl/"))
        (predicted,) = (classes[key] for key in classes.files if key.startswith("rtl/"))
    wanted = executed(zoo / "qonnx" / f"{name}.onnx", images.astype(np.float32)[:, None] / np.float32(255))
    assert images.dtype == np.uint8 and found.shape == (IMAGES, 10)
    assert np.array_equal(found.argmax(1), wanted.argmax(1)) and np.array_equal(predicted, wanted.argmax(1))
    (line,) = json.loads((tmp_path / "sums" / "report.json").read_text())["warnings"]
    scale, shift = map(float, re.findall(r"is (\S+) \* code \+ (\S+),", line)[0])
    assert np.abs(found * scale + shift - wanted).max() < 1e-5


@pytest.mark.long
@pytest.mark.parametrize("name", ACCURACY)
def test_it_fits_in_four_thousand_tables(name: str, zoo: Path, tmp_path: Path) -> None:
    """With the thresholds of the bytes and the class at its end, placed and routed on an ECP5-25k."""
    compiled(zoo, name, tmp_path / "class", "--output-layer", "argmax")
    done = tapeout("synth", tmp_path / "class", "--device", "ecp5-25k", "--budget", "lut=4000,dsp=0,bram=8,fmax=60M,interval=1024")
    assert done.returncode == 0 and done.stdout.count("within budget") == 5, done.stdout + done.stderr


def test_both_ends_are_said_and_refused_by_name(zoo: Path, tmp_path: Path) -> None:
    path = zoo / "qonnx" / "TFC_1W1A.onnx"
    compile = ("compile", path, "-o", tmp_path / "net")
    refused(2, "this model computes in floats; quantize it, such as with --recipe 'fixed<8,3>' --calibrate DATA.npz",
            "compile", zoo / "mlperf_tiny" / "ad_autoencoder_float.tflite", "--target", "rtl", "-o", tmp_path / "net")
    refused(2, "--output-layer as-is: the network ends with a softmax, which no design computes; say logits or argmax",
            "compile", zoo / "qonnx" / "qkeras_jettagging.onnx", "--target", "rtl", "--output-layer", "as-is", "-o", tmp_path / "net")
    refused(2, "0: rtl takes codes, and the model says no format for this input; give one, such as --input-type '0=fixed<16,6>', or "
               "--input-type '0=uint8/255' for bytes of images", *compile, "--target", "rtl")
    compiled(zoo, "TFC_1W1A", tmp_path / "net")
    report = json.loads((tmp_path / "net" / "report.json").read_text())
    assert [(port["dtype"], port["source_dtype"]) for port in report["inputs"]] == [("uint8", "uint8")]
    (line,) = report["warnings"]
    assert line.startswith("74: ends at the integers 66_sums; the model's output is 0.04115") and "equal for all classes" in line
    refused(2, "array 'x' is float32, input 0 takes uint8", "cosim", tmp_path / "net", "--inputs", floats(tmp_path))


@pytest.mark.parametrize(("texts", "said"), [
    (("uint9",), "'uint9': write NAME=fixed<W,I> or NAME=ufixed<W,I>, with 2 to 16 bits W, or NAME=uint8/255"),
    (("uint8/0",), "'uint8/0': write"),
    (("x=uint8/255", "x=fixed<8,1>"), "the type of x is given twice"),
])  # fmt: skip
def test_types_that_mean_nothing_are_refused(texts: tuple[str, ...], said: str) -> None:
    with pytest.raises(TapeoutError, match=re.escape(said)):
        parse_input_types(texts)


def test_integers_stand_for_their_quotient() -> None:
    types = parse_input_types(["image=uint8/255", "sound=int16/32768", "int8"])
    assert types.fed == {"image": QType(8, False, (1 / 255,)), "sound": QType(16, True, (2.0**-15,)), "": QType(8)} and not types.rounded


def floats(folder: Path) -> Path:
    file = folder / "floats.npz"
    np.savez(file, x=np.zeros((1, 28, 28), np.float32))
    return file
