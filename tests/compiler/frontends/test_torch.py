"""PyTorch checkpoints: the same network as the module computes, and nothing in a file is run."""
from __future__ import annotations

import io
import json
import logging
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tapeout.compiler.build import simplify
from tapeout.compiler.errors import TapeoutError, Unsupported
from tapeout.compiler.frontends import kind, read, readable

from . import same_network
from .same_network import assert_same_graph, outputs

FACTORY = Path("tests.compiler.frontends.same_network:of_torch")
UNTRAINED = Path("tests.compiler.frontends.same_network:Net")
IMAGE = {"image": (1, 3, 10, 10)}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("torch") / "net.pt2"
    torch.export.save(torch.export.export(same_network.of_torch(), (torch.zeros(IMAGE["image"]),)), path)
    return path


def expected() -> Any:
    images = np.random.default_rng(1).normal(0, 1, (4, *same_network.SHAPE)).astype(np.float32)[:, 0]
    with torch.no_grad():
        return same_network.of_torch()(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()[:, None]


def test_program(program: Path) -> None:
    graph = read(program, {})
    names = [n.op.name() for n in graph.nodes]
    assert names[:4] == ["conv2d", "mul", "add", "clip"], "the batch norm is there, to be folded or trained"
    assert ([p.name for p in graph.inputs], graph.name) == (["image"], "net")
    folded = simplify(graph)
    assert [n.op.name() for n in folded.nodes] == ["conv2d", "depthwise_conv2d", "average_pool2d", "reshape", "dense", "softmax"]
    np.testing.assert_allclose(outputs(folded), expected(), atol=1e-6)


def test_what_the_file_holds_decides(program: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "model.onnx"
    renamed.write_bytes(program.read_bytes())
    assert kind(renamed) == "pt2"
    with readable(renamed, {}) as (form, file):
        assert (form, kind(file)) == ("onnx", "onnx")
    assert not file.exists()


def test_open_batch_is_one(program: Path, tmp_path: Path) -> None:
    batch = torch.export.Dim("batch")
    path = tmp_path / "open.pt2"
    torch.export.save(torch.export.export(same_network.of_torch(), (torch.zeros(2, 3, 10, 10),), dynamic_shapes=({0: batch},)), path)
    assert_same_graph(simplify(read(path, {})), simplify(read(program, {})))


def test_factory_with_state_dict(program: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    torch.save(same_network.of_torch().state_dict(), weights)
    graph = read(UNTRAINED, IMAGE, weights)
    assert graph.name == "Net"
    assert_same_graph(simplify(graph), simplify(read(program, {})))
    assert_same_graph(simplify(read(FACTORY, IMAGE)), simplify(read(program, {})))
    with pytest.raises(AssertionError):
        assert_same_graph(simplify(read(UNTRAINED, IMAGE)), simplify(read(program, {})))


def test_factory_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "user_net.py").write_text("import torch\ndef make():\n    return torch.nn.Linear(4, 2)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert [n.op.name() for n in read(Path("user_net:make"), {"input": (1, 4)}).nodes] == ["dense"]


@pytest.mark.parametrize(
    ("name", "shapes", "message"),
    [
        (FACTORY, {}, "forward takes image; give the shape of each: --shape image=1x..."),
        (FACTORY, {"x": (1, 3, 10, 10)}, "forward takes image; give"),
        (FACTORY, {"image": (1, 4, 10, 10)}, "cannot be exported to ONNX for these shapes"),
        (Path("tests.compiler.frontends.same_network:nothing"), IMAGE, "gives no module: module .* has no attribute 'nothing'"),
        (Path("no_such_package:net"), IMAGE, "gives no module: No module named 'no_such_package'"),
        (Path("collections:OrderedDict"), IMAGE, "gives OrderedDict, expected a torch.nn.Module"),
    ],
)
def test_factories_refused(name: Path, shapes: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(TapeoutError, match=message) as error:
        read(name, shapes)
    assert "\n" not in str(error.value)


class Payload:
    """Unpickling it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def pickled(what: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(what, buffer)
    return buffer.getvalue()


def test_pickles_are_not_loaded(program: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    whole, old = tmp_path / "whole.pt", tmp_path / "old.pth"
    whole.write_bytes(pickled({"x": Payload(mark)}))
    torch.save({"x": Payload(mark)}, old, _use_new_zipfile_serialization=False)
    for path in (whole, old):
        with pytest.raises(TapeoutError, match="a pickle of PyTorch, which can run any code .* --weights"):
            read(path, {})
        with pytest.raises(TapeoutError, match="is no state dict of tensors"):
            read(FACTORY, IMAGE, path)
    assert not mark.exists()
    torch.load(whole, weights_only=False)
    assert mark.exists(), "the payload is none"
    with pytest.raises(TapeoutError, match="does not fit .* Missing key"):
        torch.save({}, whole)
        read(FACTORY, IMAGE, whole)
    with pytest.raises(TapeoutError, match="holds its weights"):
        read(program, {}, whole)


Change = Callable[[dict[str, bytes], Path], object]


def _sample_inputs(members: dict[str, bytes], mark: Path) -> None:
    members["data/sample_inputs/model.pt"] = pickled((Payload(mark),))


def _edited(name: str, edit: Callable[[Any], None]) -> Change:
    def change(members: dict[str, bytes], mark: Path) -> None:
        found = json.loads(members[name])
        edit(found)
        members[name] = json.dumps(found).encode()

    return change


def _node(target: str) -> Change:
    return _edited("models/model.json", lambda model: model["graph_module"]["graph"]["nodes"][0].update(target=target))


def _size(text: str) -> Change:
    def edit(model: Any) -> None:
        next(iter(model["graph_module"]["graph"]["tensor_values"].values()))["sizes"][0] = {"as_expr": {"expr_str": text, "hint": None}}

    return _edited("models/model.json", edit)


def _weight(**changes: object) -> Change:
    return _edited("data/weights/model_weights_config.json", lambda found: next(iter(found["config"].values())).update(changes))


CHANGES: dict[str, tuple[Change, str]] = {
    "pickled sample inputs": (_sample_inputs, "its sample inputs are more than tensors"),
    "pickled weight": (_weight(use_pickle=True), "weight_0 is pickled"),
    "object among weights": (_weight(path_name="opaque_obj_0"), "opaque_obj_0 is pickled"),
    "old weights": (lambda members, _: members.update({"data/weights/model.pt": b""}), "data/weights/model.pt is pickled"),
    "compiled code": (lambda members, _: members.update({"data/aotinductor/model/x.so": b""}), "holds compiled code"),
    "any function": (_node("torch.hub.load"), "calls torch.hub.load, which is no op"),
    "any attribute": (_node("torch.ops.aten.__class__.__init__.__globals__"), "is no op"),
    "call of any function": (_node("_operator.methodcaller"), "is no op"),
    "size in Python": (_size("__import__('os').system('true')"), "a size is computed by"),
    "size without quotes": (_size("eval(chr(49))"), "a size is computed by"),
    "guard in Python": (_edited("models/model.json", lambda m: m.update(guards_code=["print(1) == None"])), "a size is computed by"),
    "old archive": (lambda members, _: members.pop("archive_format"), "written by an old PyTorch"),
    "broken text": (lambda members, _: members.update({"models/model.json": b"{"}), "damaged"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_programs_that_carry_code_are_refused(program: Path, tmp_path: Path, change: str) -> None:
    edit, message = CHANGES[change]
    mark, path = tmp_path / "ran", tmp_path / "bad.pt2"
    with zipfile.ZipFile(program) as archive:
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    edit(members, mark)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"bad/{name}", content)
    with pytest.raises(TapeoutError, match=message) as error:
        read(path, {})
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    assert not mark.exists()


def test_torch_alone_would_run_sample_inputs(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    mark, path = tmp_path / "ran", tmp_path / "bad.pt2"
    with zipfile.ZipFile(program) as archive, zipfile.ZipFile(path, "w") as written:
        for name in archive.namelist():
            written.writestr(name, pickled((Payload(mark),)) if "sample_inputs" in name else archive.read(name))
    torch.export.load(path)
    assert mark.exists()


def test_an_op_without_a_reader_is_named(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(torch.nn.LSTM(3, 4), (torch.zeros(2, 1, 3),)), path)
    with pytest.raises(Unsupported, match="LSTM"):
        read(path, {})
