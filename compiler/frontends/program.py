"""Whether an archive of `torch.export.save` holds a network alone. Its loader runs what a crafted one says: it unpickles weights that
are marked so, evaluates the expressions of sizes, calls any function of torch by name and loads shared objects."""
from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from ..errors import TapeoutError, Unsupported

_TARGET = re.compile(
    r"torch\.ops\.(aten|prims)\.\w+(\.\w+)?|torch\.ops\.higher_order\.wrap_with_(set_grad_enabled|autocast)"
    r"|_operator\.(getitem|add|sub|mul|truediv|floordiv|mod|pow|neg|eq|ne|lt|le|gt|ge)|torch\.sym_\w+"
)
_ATOM = re.compile(r"Symbol\('\w+'(, \w+=(True|False))*\)|L(\['\w+'\]|\[\d+\])+(\.size\(\)\[\d+\])?")
_ARITHMETIC = re.compile(r"(Max|Min|Mod|PythonMod|FloorDiv|CeilDiv|Integer|Eq|Ne|Lt|Le|Gt|Ge|and|or|not|[\d\s+\-*/%(),<>=!])*")


def refuse_code(content: bytes, path: Path) -> list[bytes]:
    """Raises Unsupported that names the part of the archive that would be run, TapeoutError for a damaged one.

    Returns the members that are pickles still: sample inputs, which hold nothing but tensors if they are good.
    """
    samples = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.namelist()
            inner = [name.partition("/")[2] for name in members]
            if len(set(members)) != len(members):
                raise TapeoutError(f"{path}: damaged (two members of one name)")
            if "archive_format" not in inner:
                raise Unsupported(f"{path}: written by an old PyTorch; load it there and save it with a newer one")
            for member, name in zip(members, inner, strict=True):
                _refuse_member(path, name)
                if name.endswith(".json"):
                    _refuse_entries(path, name, json.loads(archive.read(member)))
                elif name.startswith("data/sample_inputs/"):
                    samples.append(archive.read(member))
    except (OSError, KeyError, ValueError, RecursionError, zipfile.BadZipFile) as error:
        raise TapeoutError(f"{path}: damaged ({error})") from None
    return samples


def _refuse_member(path: Path, name: str) -> None:
    folder, _, file = name.rpartition("/")
    if name.startswith("data/aotinductor/"):
        raise Unsupported(f"{path}: holds compiled code ({name}); save the program with torch.export.save alone")
    if folder in ("data/weights", "data/constants") and file.endswith(".pt"):
        raise _pickled(path, name)


def _refuse_entries(path: Path, name: str, entry: Any) -> None:
    """Looks through a member of text."""
    if isinstance(entry, list):
        for value in entry:
            _refuse_entries(path, name, value)
    if not isinstance(entry, dict):
        return
    stored = str(entry.get("path_name", ""))
    if entry.get("use_pickle") or (stored and not re.fullmatch(r"(weight|tensor)_\d+", stored)):
        raise _pickled(path, stored or name)
    if {"target", "inputs", "outputs"} <= entry.keys() and not _TARGET.fullmatch(str(entry["target"])):
        raise Unsupported(f"{path}: calls {entry['target']}, which is no op of a network; write the model with ops of PyTorch alone")
    for text in (entry.get("expr_str", ""), *(entry.get("guards_code") or ())):
        if not _ARITHMETIC.fullmatch(_ATOM.sub("", str(text))):
            raise Unsupported(f"{path}: a size is computed by {str(text)[:60]!r}; export the model with fixed shapes")
    for value in entry.values():
        _refuse_entries(path, name, value)


def _pickled(path: Path, what: str) -> Unsupported:
    return Unsupported(f"{path}: {what} is pickled, which can run any code when it is loaded; save a program of plain tensors alone")
