"""The rules of the layout: which part may import which, what the wheel holds, how quickly the command starts."""
from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("compiler", "targets", "quant", "cosim")
MAY_IMPORT: dict[str, set[str]] = {"compiler": set(), "targets": {"compiler"}, "quant": {"compiler"}, "cosim": {"compiler", "targets"}}
EXTRAS = {"torch", "tensorflow", "brevitas", "hls4ml", "keras", "sklearn"}


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


@pytest.mark.parametrize("part", PARTS)
def test_extras_are_not_imported(part: str) -> None:
    found = {str(f): imported(f) & EXTRAS for f in (ROOT / part).rglob("*.py")}
    assert {f: names for f, names in found.items() if names} == {}


def test_starting_the_command_imports_nothing_heavy() -> None:
    code = "import sys, tapeout.compiler.cli; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    modules = set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())
    assert modules & {"numpy", "onnx", "onnxruntime", "ortools", "rich", "tflite"} == set()


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
