"""The retrained networks of examples/recipes: the compiled C is right as often as benchmarks/recipes.md says, on the same test data."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples.recipes.tasks import TASKS
from tapeout.compiler import data
from tapeout.compiler.build import lower
from tapeout.compiler.frontends import read
from tapeout.cosim.host import HOST
from tapeout.targets import find_target
from tapeout.targets.compiled import Compiled

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "examples" / "recipes" / "trained").glob("*.onnx"))


def said(file: Path) -> float:
    """The accuracy in per cent that the table gives for a file: that of the first seed."""
    task, _, name = file.stem.partition("_")
    part = (ROOT / "benchmarks" / "recipes.md").read_text(encoding="utf-8").partition(f"\n## {task}\n")[2].partition("\n## ")[0]
    for row in part.splitlines():
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if len(cells) == 7 and re.sub("[^a-z0-9]+", "_", cells[0].partition(", bits")[0].lower()).strip("_") == name:
            return float(re.findall(r"[\d.]+", cells[5])[-3 if "(" in cells[5] else 0])
    raise AssertionError(f"the table has no row for {file.name}")


def accuracy(file: Path, folder: Path) -> float:
    graph = lower(read(file, {}))
    x, y = TASKS[file.stem.partition("_")[0]].splits()["test"]
    inputs = data.inputs(graph, {graph.inputs[0].name: x}, "test data")
    outputs = HOST.run(Compiled.write(folder / "c", "net", find_target("c"), graph), inputs)
    return 100 * float((outputs[graph.output_names[0]].reshape(len(y), -1).argmax(1) == y).mean())


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("file", [f for f in FILES if f.stem.startswith("fsdd")], ids=lambda file: file.stem)
def test_spoken_digits(file: Path, tmp_path: Path) -> None:
    assert accuracy(file, tmp_path) == pytest.approx(said(file), abs=0.005)


@pytest.mark.long
@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("file", [f for f in FILES if not f.stem.startswith("fsdd")], ids=lambda file: file.stem)
def test_images(file: Path, tmp_path: Path) -> None:
    assert accuracy(file, tmp_path) == pytest.approx(said(file), abs=0.005)


def test_every_trained_row_has_its_file() -> None:
    assert len(FILES) == 21 and all(said(file) > 0 for file in FILES)
