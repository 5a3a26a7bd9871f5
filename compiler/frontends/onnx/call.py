"""One node of an ONNX graph as the readers of its op see it."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import onnx

from ...errors import TapeoutError, Unsupported

Attribute = int | float | bytes | list[int] | list[float] | list[bytes] | onnx.TensorProto


@dataclass(frozen=True)
class Call:
    """An ONNX op applied to named tensors; an absent optional input has the name ''."""

    name: str
    op: str
    domain: str
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    proto: onnx.NodeProto

    @classmethod
    def of(cls, proto: onnx.NodeProto, opset: int) -> Call:
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        name = proto.name or next((o for o in proto.output if o), proto.op_type)
        attributes = {}
        for attribute in proto.attribute:
            if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
                raise Unsupported(f"{name}: {proto.op_type} holds a graph of its own, and control flow is not supported")
            attributes[attribute.name] = onnx.helper.get_attribute_value(attribute)
        return cls(name, proto.op_type, domain, opset, tuple(proto.input), tuple(proto.output), attributes, proto)

    def input(self, index: int) -> str:
        """The name of an input, '' when it is absent."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def required(self, index: int) -> str:
        """The name of an input. Raises TapeoutError when it is absent."""
        if not self.input(index):
            raise TapeoutError(f"{self.name}: {self.op} lacks its input {index}")
        return self.inputs[index]

    @property
    def output(self) -> str:
        """The name of the sole output that is used."""
        if not self.outputs or not self.outputs[0]:
            self.refuse("its first output has no name")
        for index, name in enumerate(self.outputs[1:], 1):
            if name:
                self.refuse(f"output {index} ({name}) is not supported")
        return self.outputs[0]

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front. Raises TapeoutError when a tensor of this rank does not have it."""
        if not -rank <= axis < rank:
            raise TapeoutError(f"{self.name}: {self.op} has axis {axis} for a tensor of rank {rank}")
        return axis % rank

    def refuse(self, reason: str) -> NoReturn:
        """Raises Unsupported with a line that names this node and its op."""
        raise Unsupported(f"{self.name}: {self.op} (opset {self.opset}): {reason}")

    def integers(self, name: str) -> tuple[int, ...] | None:
        value = self.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(v, int) for v in value):
            raise TapeoutError(f"{self.name}: attribute {name} of {self.op} is no list of integers")
        return tuple(v for v in value if isinstance(v, int))

    def integer(self, name: str, default: int) -> int:
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise TapeoutError(f"{self.name}: attribute {name} of {self.op} is no integer")
        return value

    def number(self, name: str, default: float) -> float:
        value = self.attributes.get(name, default)
        if not isinstance(value, int | float):
            raise TapeoutError(f"{self.name}: attribute {name} of {self.op} is no number")
        return float(value)

    def text(self, name: str, default: str) -> str:
        value = self.attributes.get(name, default.encode())
        if not isinstance(value, bytes):
            raise TapeoutError(f"{self.name}: attribute {name} of {self.op} is no text")
        return value.decode(errors="replace")
