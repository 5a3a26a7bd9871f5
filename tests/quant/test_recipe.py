"""Recipes as text: what is read, what is refused, and that a written recipe is the same."""
from __future__ import annotations

from pathlib import Path

import pytest

from tapeout.compiler.errors import TapeoutError
from tapeout.quant.recipe import Encoding, Recipe, as_toml, load, parse, ready_made

RULES = """
[weights]
bits = 4
granularity = "channel"

[[rules]]
layers = ["@first", "head*"]
weights = { bits = 8 }

[[rules]]
types = ["dense"]
activations = { bits = 6, symmetric = true }
rounding = "half_even"
"""


@pytest.mark.parametrize("name", [n for n in ready_made() if n != "fixed<W,I>"] + ["fixed<16,6>"])
def test_a_written_recipe_is_read_back_as_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{load(name).name}.toml".replace("<", "_")
    path.write_text(as_toml(load(name)))
    assert load(str(path)) == load(name)


def test_later_rules_win(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(RULES)
    recipe = load(str(path))
    bits = {(n, t, p): recipe.layer(n, t, p).weights.bits for n, t, p in (
        ("a", "conv2d", ("@first",)), ("b", "conv2d", ()), ("head1", "dense", ()), ("c", "dense", ("@last",)),
    )}  # fmt: skip
    assert list(bits.values()) == [8, 4, 8, 4]
    assert recipe.layer("c", "dense").activations.bits == 6 and recipe.layer("c", "dense").rounding == "half_even"
    assert recipe.layer("b", "conv2d").activations.bits == 8 and recipe.name == "mine"


@pytest.mark.parametrize(("text", "words"), [
    ("bits = 4", "there is no key 'bits'"),
    ("[weights]\nbits = 1", "weights: bits = 1: integers have 2 to 16 bits"),
    ("[weights]\nbits = true", "weights: bits = True is no number"),
    ("[weights]\nsymmetric = 1", "weights: symmetric = 1 is no true or false"),
    ("[activations]\nencoding = \"one\"", "encoding = 'one': choose from integer, ternary"),
    ("[weights]\ngroup = 0", "a group has at least one input channel"),
    ("rounding = \"up\"", "rounding = 'up': choose from half_up, half_away, half_even, floor"),
    ("rounding = \"tflite\"", "rounding = 'tflite': choose from half_up, half_away, half_even, floor"),
    ("rounding = []", "rounding = []: choose from half_up"),
    ("rules = 3", "write each as"),
    ("[[rules]]\nlayers = \"a\"", "layers = 'a': write a list of texts"),
    ("[[rules]]\nweights = { bitz = 3 }", "there is no key 'bitz'"),
    ("searched = 1", "searched = 1: write true or false"),
    ("weights = 3", "weights = 3: write a table"),
    ("[weights", "Expected"),
])  # fmt: skip
def test_mistakes_are_one_line_that_names_file_and_key(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(TapeoutError) as error:
        load(str(path))
    assert str(error.value).startswith(f"{path}: ") and words in str(error.value) and "\n" not in str(error.value)


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(TapeoutError, match=r"there is no recipe 'int7'; give a .toml file or one of .*int8.*fixed<W,I>"):
        load("int7")


@pytest.mark.parametrize(("name", "words"), [
    ("fixed<40,3>", "^fixed<40,3>: weights: bits = 40: integers have 2 to 16 bits"), ("fixed<8,x>", "there is no recipe 'fixed<8,x>'"),
])
def test_a_wrong_width_names_the_recipe(name: str, words: str) -> None:
    with pytest.raises(TapeoutError, match=words):
        load(name)


def test_fixed_states_its_scale() -> None:
    tensor = load("fixed<8,3>").default.weights
    assert (tensor.bits, tensor.integer_bits, tensor.encoding) == (8, 3, Encoding.INTEGER)
    assert parse({}, "plain") == Recipe("plain")
