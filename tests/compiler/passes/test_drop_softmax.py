"""A network ends at its logits on demand."""
from __future__ import annotations

import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.ops.softmax import Softmax
from tapeout.compiler.passes.drop_softmax import drop_softmax
from tests.compiler.integer.nets import Net


def test_the_port_keeps_its_name() -> None:
    net = Net((1, 5))
    logits = net.dense("y", "x", 3, None)
    graph = net.graph(net.op(Softmax(), [logits], "p"))
    ended = drop_softmax(graph)
    assert [node.name for node in ended.nodes] == ["y"]
    assert [(port.name, port.value) for port in ended.outputs] == [("p", "y")]


def test_a_network_without_softmax_is_refused() -> None:
    net = Net((1, 5))
    graph = net.graph(net.dense("y", "x", 3, None))
    with pytest.raises(TapeoutError, match="--output-layer logits: the network does not end with a softmax"):
        drop_softmax(graph)
