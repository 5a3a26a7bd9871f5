"""A Graph as readable text and back, exactly; the data of constants lies in an .npz file beside the text.

One line per input, constant, node and output. A node's line reads like a call, and a constant stands before
the first node that takes it:

    graph('net')
    input('x', (1, 7, 6, 3), s8(scale=0.1, zero=3), source='x', dtype='int8', axes=(0, 1, 2, 3))
    constant('w', (4, 3, 3, 3), s8())
    'y' = conv2d('x', 'w', stride=(2, 1))  # s32 1x3x4x4
    output('y', source='y', dtype='int8', axes=(0, 1, 2, 3))

A state stands like a constant: `state('w', (4, 9), f32(), next='w_next')`.
Fields of an op that have their default are left out. The types of computed values are those that the ops infer.
"""
from __future__ import annotations

import ast
import dataclasses
import importlib
import io
import re
import typing
import zipfile
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .errors import TapeoutError
from .ir import BF16, Array, Builder, FType, Graph, Node, Op, Port, QType, Type, Value, verify

_LONG = 5  # entries of a tuple that a person still reads
GRAPH_FILE, CONSTANTS_FILE = "graph.txt", "constants.npz"
_STRING = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_NODE = re.compile(rf"((?:{_STRING})(?:, (?:{_STRING}))*) = (.*)", re.DOTALL)
_CODE = re.compile(r"([sub])(\d+)")


class _Malformed(Exception):
    """What is wrong with a line."""


def save(graph: Graph, folder: Path) -> None:
    """Writes `graph.txt` and `constants.npz` into a folder; the same graph gives the same bytes."""
    (folder / GRAPH_FILE).write_text(format(graph), encoding="utf-8")
    with zipfile.ZipFile(folder / CONSTANTS_FILE, "w") as file:
        for value in (v for v in graph.values.values() if v.data is not None):
            data = io.BytesIO()
            np.lib.format.write_array(data, np.asarray(value.data), allow_pickle=False)
            file.writestr(zipfile.ZipInfo(f"{value.name}.npy"), data.getvalue())  # ZipInfo's date is fixed


def load(folder: Path) -> Graph:
    """The graph that `save` wrote. Raises TapeoutError with file and line when it is corrupt or incomplete."""
    path = folder / CONSTANTS_FILE
    try:
        with np.load(path, allow_pickle=False) as file:
            constants = {key: file[key] for key in file.files}
        text = (folder / GRAPH_FILE).read_text(encoding="utf-8")
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise TapeoutError(f"{folder}: cannot read the compiled graph ({error})") from None
    return parse(text, constants, str(folder / GRAPH_FILE))


def ordered(graph: Graph) -> Graph:
    """The same graph with its values in the order of its text."""
    names = [*graph.input_names, *(n for node in graph.nodes for n in (*_new_constants(graph, node), *node.outputs))]
    return graph.replace(graph.nodes, {n: graph.values[n] for n in dict.fromkeys([*names, *graph.values])})


def format(graph: Graph, elide: bool = False) -> str:
    """The text of a graph. With `elide`, for reading only, long tuples are cut short and floats to six digits."""
    lines = [f"graph({graph.name!r})"]
    for port in graph.inputs:
        lines.append(f"input({port.value!r}, {_typed(graph.values[port.value], elide)}, {_port(port)})")
    written: set[str] = set()
    for node in graph.nodes:
        lines += [_constant(graph, name, elide) for name in _new_constants(graph, node) if name not in written]
        written.update(_new_constants(graph, node))
        types = ", ".join(f"{t.q.code} {t.dims}" for t in graph.output_types(node))
        inputs = ", ".join(map(repr, node.inputs))
        lines.append(f"{', '.join(map(repr, node.outputs))} = {_encode(node.op, elide, inputs)}  # {types}")
    lines += [_constant(graph, v.name, elide) for v in graph.constants() if v.name not in written]
    lines += [f"output({port.value!r}, {_port(port)})" for port in graph.outputs]
    return "\n".join(lines) + "\n"


def _new_constants(graph: Graph, node: Node) -> list[str]:
    return [name for name in dict.fromkeys(node.inputs) if name and graph.values[name].data is not None]


def _constant(graph: Graph, name: str, elide: bool) -> str:
    value = graph.values[name]
    kind, more = ("state", f", next={value.next!r}") if value.next else ("constant", "")
    return f"{kind}({name!r}, {_typed(value, elide)}{more})"


def _typed(value: Value, elide: bool) -> str:
    return f"{value.type.shape!r}, {_encode(value.type.q, elide)}"


def _port(port: Port) -> str:
    return f"source={port.name!r}, dtype={port.dtype!r}, axes={port.axes!r}"


def _encode(item: object, elide: bool, before: str = "") -> str:
    """The text of a field; `before` are arguments that stand before those of a dataclass."""
    if isinstance(item, np.generic):
        item = item.item()
    if isinstance(item, tuple):
        cut = elide and len(item) > _LONG
        texts = [_encode(i, elide) for i in (item[:2] if cut else item)]
        return f"({', '.join(texts)}, ... {len(item)} in all)" if cut else f"({', '.join(texts)}{',' * (len(texts) == 1)})"
    if isinstance(item, Enum):
        return repr(item.value)
    if not dataclasses.is_dataclass(item):
        return f"{item:.6g}" if elide and isinstance(item, float) else repr(item)
    fields = []
    for field in dataclasses.fields(item):
        value = getattr(item, field.name)
        if isinstance(item, QType | FType) and field.name in ("bits", "signed", "bipolar", "code"):
            continue  # in the name
        if repr(value) != repr(field.default):
            short = isinstance(item, QType) and isinstance(value, tuple) and len(value) == 1
            fields.append(f"{field.name}={_encode(value[0] if short else value, elide)}")
    name = item.code if isinstance(item, QType | FType) else item.name() if isinstance(item, Op) else type(item).__name__
    return f"{name}({', '.join([before] * bool(before) + fields)})"


def parse(text: str, constants: Mapping[str, Array], where: str) -> Graph:
    """The graph of a text and the data of its constants; `where` names the text in errors.

    Raises TapeoutError with the line when the text is no graph, or when its ops do not fit their inputs.
    """
    reader = _Reader(constants)
    number = 0
    try:
        for line in text.splitlines():
            number += 1
            reader.read(line)
        return reader.graph()
    except (_Malformed, TapeoutError) as error:
        raise TapeoutError(f"{where}:{number}: {error}") from None


class _Reader:
    """Collects a graph line by line."""

    def __init__(self, constants: Mapping[str, Array]) -> None:
        self.constants = constants
        self.build = Builder()
        self.name: str | None = None
        self.inputs: list[Port] = []
        self.outputs: list[Port] = []

    def read(self, line: str) -> None:
        match = _NODE.fullmatch(line)
        call = _call(match[2] if match else line)
        if match:
            names = ast.literal_eval(f"({match[1]},)")
            inputs = tuple(_text(argument) for argument in call.args)
            for name in inputs:
                if name and name not in self.build.values:
                    raise _Malformed(f"{names[0]} reads {name!r}, which no line above defines")
            self._new(*names)
            op = _decode_dataclass(op_class(_callee(call)), call.keywords)
            try:
                self.build.add(op, inputs, *names)
            except (ValueError, AssertionError, IndexError, TypeError):
                raise _Malformed(f"{names[0]}: {op.name()} does not fit its inputs and outputs") from None
        elif (kind := _callee(call)) in ("graph", "input", "constant", "state", "output"):
            getattr(self, f"_{kind}")(call)
        else:
            raise _Malformed(f"{kind!r} is no kind of line")

    def graph(self) -> Graph:
        if self.name is None:
            raise _Malformed("has no line graph(...)")
        return verify(Graph(self.name, tuple(self.inputs), tuple(self.outputs), tuple(self.build.nodes), self.build.values))

    def _new(self, *names: str) -> None:
        for name in names:
            if name in self.build.values:
                raise _Malformed(f"defines {name!r} a second time")

    def _graph(self, call: ast.Call) -> None:
        (name,) = _arguments(call, str)
        self.name = str(name)

    def _input(self, call: ast.Call) -> None:
        name, shape, q = _arguments(call, str, tuple[int, ...], QType | FType)
        self._new(name)
        self.build.values[name] = Value(name, _type(shape, q))
        self.inputs.append(_read_port(name, call))

    def _state(self, call: ast.Call) -> None:
        if [k.arg for k in call.keywords] != ["next"]:
            raise _Malformed("state takes next")
        self._constant(call)
        name = _text(call.args[0])
        self.build.values[name] = dataclasses.replace(self.build.values[name], next=_text(call.keywords[0].value))

    def _constant(self, call: ast.Call) -> None:
        name, shape, q = _arguments(call, str, tuple[int, ...], QType | FType)
        self._new(name)
        if name not in self.constants:
            raise _Malformed(f"{CONSTANTS_FILE} has no data for {name!r}")
        data = self.constants[name]
        type = _type(shape, q)
        if type.q == BF16 and data.dtype == np.dtype("V2"):  # what .npz files make of bfloat16
            data = data.view(type.q.dtype)
        if data.shape != type.shape or data.dtype != type.q.dtype:
            raise _Malformed(f"{CONSTANTS_FILE} has {data.dtype}{list(data.shape)} for {name!r}")
        data.setflags(write=False)
        self.build.values[name] = Value(name, type, data)

    def _output(self, call: ast.Call) -> None:
        (name,) = _arguments(call, str)
        if name not in self.build.values:
            raise _Malformed(f"output {name!r} is not defined above")
        self.outputs.append(_read_port(name, call))


def _call(text: str) -> ast.Call:
    try:
        found = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _Malformed(f"is no line of a graph: {text[:60]!r}") from None
    if not isinstance(found, ast.Call):
        raise _Malformed(f"is no line of a graph: {text[:60]!r}")
    return found


def _callee(call: ast.Call) -> str:
    if not isinstance(call.func, ast.Name):
        raise _Malformed(f"{ast.unparse(call.func)} is no name")
    return call.func.id


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise _Malformed(f"{ast.unparse(node)[:60]} is no name in quotes")


def _arguments(call: ast.Call, *hints: Any) -> list[Any]:
    """The positional arguments of a line, as many as hints."""
    if len(call.args) != len(hints):
        raise _Malformed(f"{_callee(call)} takes {len(hints)} arguments, got {len(call.args)}")
    return [_text(a) if hint is str else _decode(a, hint) for a, hint in zip(call.args, hints, strict=True)]


def _type(shape: Any, q: Any) -> Type:
    if not isinstance(shape, tuple) or not all(isinstance(n, int) for n in shape) or not isinstance(q, QType | FType):
        raise _Malformed("has a malformed type")
    return Type(shape, q)


def _read_port(value: str, call: ast.Call) -> Port:
    fields = {k.arg: _decode(k.value, Any) for k in call.keywords}
    if set(fields) != {"source", "dtype", "axes"} or not isinstance(fields["axes"], tuple):
        raise _Malformed(f"{_callee(call)} {value!r} takes source, dtype and axes")
    return Port(value, str(fields["source"]), str(fields["dtype"]), fields["axes"])


def _decode(node: ast.expr, hint: Any) -> Any:
    """The value of a field from its expression; `hint` is the field's annotation."""
    if isinstance(node, ast.Call):
        name = _callee(node)
        if code := _CODE.fullmatch(name):
            fields = {str(k.arg): _decode(k.value, Any) for k in node.keywords}
            fields |= {key: (fields[key],) for key in ("scale", "zero") if key in fields and not isinstance(fields[key], tuple)}
            return _construct(QType, bits=int(code[2]), signed=code[1] != "u", bipolar=code[1] == "b", **fields)
        if name in ("f32", "f16", "bf16"):
            return FType(name)
        known = {c.__name__: c for c in _classes(hint) if dataclasses.is_dataclass(c)}
        return _decode_dataclass(known[name] if name in known else op_class(name), node.keywords)
    if isinstance(node, ast.Tuple):
        return tuple(_decode(e, Any) for e in node.elts)
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    operand = node.operand if isinstance(node, ast.UnaryOp) else node
    if isinstance(operand, ast.Name) and operand.id in ("inf", "nan"):
        return -float(operand.id) if negative else float(operand.id)
    try:
        value = ast.literal_eval(node)
    except ValueError:
        raise _Malformed(f"{ast.unparse(node)[:60]} is no value") from None
    kind = next((c for c in _classes(hint) if issubclass(c, Enum)), None)
    return _construct(kind, value) if kind and isinstance(value, str) else value


def _decode_dataclass(known: type[Any], keywords: list[ast.keyword]) -> Any:
    hints = typing.get_type_hints(known)
    return _construct(known, **{str(k.arg): _decode(k.value, hints.get(str(k.arg), Any)) for k in keywords})


def _construct(known: type[Any], *arguments: Any, **fields: Any) -> Any:
    try:
        return known(*arguments, **fields)
    except (TypeError, ValueError, TapeoutError) as error:
        raise _Malformed(str(error)) from None


def _classes(hint: Any) -> Iterator[type[Any]]:
    """The classes that an annotation like `Requant | None` names."""
    for part in (hint, *typing.get_args(hint)):
        if isinstance(part, type):
            yield part


@cache
def op_class(name: str) -> type[Op]:
    """The class of an op by its name: the file `ops/<name>.py` holds it. Raises TapeoutError when there is none."""
    try:
        module = importlib.import_module(f".ops.{name}", __package__)
    except ModuleNotFoundError:
        raise TapeoutError(f"there is no op {name}") from None
    found = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Op) and c.name() == name]
    if not found:
        raise TapeoutError(f"there is no op {name}")
    return found[0]
