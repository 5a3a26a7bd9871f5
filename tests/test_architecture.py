"""The rules of the layout: which part may import which, what the wheel holds, how quickly the command starts."""
from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("compiler", "targets", "quant", "cosim")
MAY_IMPORT: dict[str, set[str]] = {"compiler": set(), "targets": {"compiler"}, "quant": {"compiler"}, "cosim": {"compiler", "targets"}}
# Packages of the extras, and the only files that may import each: `quant/*` is every file of that folder.
EXTRAS: dict[str, set[str]] = {
    "brevitas": {"quant/layers.py"},
    "ortools": {"compiler/cp_sat.py"},
    "torch": {"quant/*", "compiler/frontends/torch.py"},
    "lightning": {"quant/train.py"},
    "tensorflow": {"compiler/frontends/keras.py"},
    "keras": {"compiler/frontends/keras.py"},
    "tf_keras": {"compiler/frontends/keras.py"},
    "matplotlib": {"quant/*"},
    "hls4ml": {"targets/hls/project.py"},
    "da4ml": {"targets/rtl/adder_graph.py"},
    "qonnx": set(),
    "sklearn": set(),
}


def imported(path: Path) -> set[str]:
    """The modules that a file imports, absolute ones only."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return names


def parts_of(names: set[str]) -> set[str]:
    return {n.split(".")[1] for n in names if n.startswith("tapeout.")} & set(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_imports_go_one_way(part: str) -> None:
    files = [f for f in (ROOT / part).rglob("*.py") if (ROOT / "compiler" / "cli") not in f.parents]
    assert files
    found = {str(f.relative_to(ROOT)): parts_of(imported(f)) - MAY_IMPORT[part] for f in files}
    assert {f: names for f, names in found.items() if names} == {}


def test_the_import_rule_bites(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text("from tapeout.targets import find_target\nimport tapeout.cosim.host\n")
    assert parts_of(imported(file)) == {"targets", "cosim"}


def test_nobody_imports_the_command_line() -> None:
    users = [
        str(f.relative_to(ROOT)) for part in PARTS for f in (ROOT / part).rglob("*.py")
        if (ROOT / "compiler" / "cli") not in f.parents and any(n.startswith("tapeout.compiler.cli") for n in imported(f))
    ]
    assert users == []


def misplaced(file: str, names: set[str]) -> set[str]:
    """The packages of extras among the modules that a file imports, less those that it may import."""
    packages = {n.split(".")[0] for n in names} & set(EXTRAS)
    return {p for p in packages if not any(fnmatchcase(file, allowed) for allowed in EXTRAS[p])}


@pytest.mark.parametrize("part", PARTS)
def test_extras_are_imported_in_their_files_alone(part: str) -> None:
    found = {str(f.relative_to(ROOT)): misplaced(str(f.relative_to(ROOT)), imported(f)) for f in (ROOT / part).rglob("*.py")}
    assert {f: names for f, names in found.items() if names} == {}


def test_the_rule_of_extras_bites() -> None:
    assert misplaced("quant/train.py", {"brevitas.nn", "torch.nn"}) == {"brevitas"}
    assert misplaced("compiler/ir.py", {"torch", "numpy"}) == {"torch"}


def modules_after(statement: str) -> set[str]:
    """The packages that a fresh interpreter has imported after a statement."""
    code = f"import sys; {statement}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_starting_the_command_imports_nothing_heavy() -> None:
    assert modules_after("import tapeout.compiler.cli") & {"numpy", "onnx", "onnxruntime", "rich", "tflite", *EXTRAS} == set()


def test_a_command_imports_no_extra_before_it_runs() -> None:
    files = [f.stem for f in (ROOT / "compiler" / "cli").glob("*.py") if f.stem != "__init__"]
    statement = f"import {', '.join(f'tapeout.compiler.cli.{name}' for name in sorted(files))}; import tapeout.quant.quantize"
    assert modules_after(statement) & set(EXTRAS) == set()


def test_wheel_holds_what_git_holds(tmp_path: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", *PARTS], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    wanted = {f"tapeout/{name}" for name in tracked if name and (ROOT / name).is_file()}
    source = tmp_path / "source"
    for name in (*tracked, "pyproject.toml", "setup.py", "README.md", "LICENSE"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("tapeout-*.whl"))) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == wanted
