"""Arrays of the user: what fits is brought to the value's layout, what does not is one clear line."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tapeout.compiler import data
from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ir import F32, FType, Graph, Port, QType, Type, Value

NCHW = Port("x", "image", "float32", (0, 2, 3, 1))


def graph(q: QType | FType = F32, port: Port = NCHW) -> Graph:
    return Graph("net", (port,), (port,), (), {"x": Value("x", Type((1, 4, 5, 3), q))})


def image(count: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.arange(count * 60, dtype=np.float32).reshape(count, 3, 4, 5)


@pytest.mark.parametrize("key", ["image", "other"])
def test_a_batch_is_brought_to_the_layout_of_the_value(key: str) -> None:
    found = data.inputs(graph(), {key: image(), "y": np.zeros(2, np.int64)}, "f.npz")["x"]
    assert found.shape == (2, 1, 4, 5, 3)
    assert np.array_equal(found[:, 0], image().transpose(0, 2, 3, 1))


def test_the_sole_array_of_the_right_shape_serves_a_sole_input() -> None:
    found = data.inputs(graph(), {"pixels": image(), "names": np.array(["a", "b"]), "y": np.zeros(2, np.int64)}, "f.npz")["x"]
    assert np.array_equal(found[:, 0], image().transpose(0, 2, 3, 1))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 1, 3, 4, 5), (2, 3, 1, 4, 5, 1)])
def test_axes_of_size_one_may_be_there_or_not(shape: tuple[int, ...]) -> None:
    found = data.inputs(graph(), {"pixels": image().reshape(shape)}, "f.npz")["x"]
    assert np.array_equal(found, data.inputs(graph(), {"image": image()}, "f.npz")["x"])


def test_to_source_is_the_inverse() -> None:
    found = data.inputs(graph(), {"image": image()}, "f.npz")["x"]
    assert np.array_equal(data.to_source(found, NCHW), image())


def test_small_integers_serve_a_float_input() -> None:
    found = data.inputs(graph(), {"image": image().astype(np.uint8)}, "f.npz")["x"]
    assert found.dtype == np.float32 and found.max() == 119


def test_floats_become_codes_where_the_value_holds_codes() -> None:
    q = QType(8, True, (0.5,), (-3,))
    array = np.zeros((1, 3, 4, 5), np.float32)
    array[0, 0, 0, :5] = (0.25, -0.25, 1000.0, -1000.0, 0.7)
    found = data.inputs(graph(q), {"image": array}, "f.npz")["x"]
    assert found[0, 0, 0, :, 0].tolist() == [-2, -4, 127, -128, -2]


@pytest.mark.parametrize(("arrays", "message"), [
    ({"image": np.zeros((2, 4, 5, 3), np.float32)}, r"f.npz: array 'image' is 2x4x5x3, input image takes Nx3x4x5"),
    ({"image": np.zeros((2, 3, 4, 5), np.float64)}, r"f.npz: array 'image' is float64, input image takes float32"),
    ({"image": np.full((2, 3, 4, 5), np.nan, np.float32)}, r"f.npz: array 'image' holds NaN or infinity, in sample 0"),
    ({"image": np.zeros((0, 3, 4, 5), np.float32)}, r"f.npz: holds no samples"),
    ({"a": image(), "b": image()}, r"f.npz: has no array 'image', only 'a', 'b'"),
    ({"a": image()[0], "b": np.zeros(2)}, r"f.npz: has no array 'image', only 'a', 'b'"),
    ({}, r"f.npz: has no array 'image', only nothing"),
])
def test_what_does_not_fit_is_named(arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]], message: str) -> None:
    with pytest.raises(TapeoutError, match=message):
        data.inputs(graph(), arrays, "f.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY\x01\x00v\x00{'descr': '|O'"])
def test_a_file_that_is_no_npz_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(TapeoutError, match=r"bad\.npz"):
        data.load(path)


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "objects.npz"
    np.savez(path, x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(TapeoutError, match="objects.npz"):
        data.load(path)
