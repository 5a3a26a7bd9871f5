"""Recipes: which format each tensor of a network gets. Written as TOML; the ready-made ones lie in `recipes/`."""
from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from tapeout.compiler.errors import TapeoutError
from tapeout.compiler.fixed import Rounding

E = TypeVar("E", bound=StrEnum)


class Encoding(StrEnum):
    """What kind of numbers a tensor holds.

    INTEGER  integer codes of `bits` bits
    TERNARY  -scale, 0, +scale: integer codes of two bits without the least
    BINARY   -scale and +scale by the sign, sign(0) = +1; trained straight through
    BIPER    -scale and +scale by the sign of sin(w0 * w) (arXiv 2404.01278); weights only
    F32, F16, BF16  floats
    """

    INTEGER = "integer"
    TERNARY = "ternary"
    BINARY = "binary"
    BIPER = "biper"
    F32 = "f32"
    F16 = "f16"
    BF16 = "bf16"


class Granularity(StrEnum):
    """How many scales a tensor has: one, one per output channel, or one per `group` input channels of each output channel."""

    TENSOR = "tensor"
    CHANNEL = "channel"
    GROUP = "group"


class ScaleKind(StrEnum):
    """FLOAT: any float32. POWER_OF_TWO. DYADIC: in each layer input times weights by output is m / 2**s, m < 2**15."""

    FLOAT = "float"
    POWER_OF_TWO = "power_of_two"
    DYADIC = "dyadic"


@dataclass(frozen=True)
class TensorRecipe:
    """The format of weights or of an activation.

    `symmetric` formats have zero point 0; symmetric activations that are never negative are unsigned when `signed` is false.
    `integer_bits`, of `fixed<W,I>`, fixes the scale at 2**(I - W) whatever the data, sign included as in ap_fixed.
    `dynamic` activations take their scale from each sample when it runs.
    """

    encoding: Encoding = Encoding.INTEGER
    bits: int = 8
    signed: bool = True
    symmetric: bool = True
    granularity: Granularity = Granularity.TENSOR
    group: int = 32
    scale: ScaleKind = ScaleKind.FLOAT
    integer_bits: int | None = None
    dynamic: bool = False

    def __post_init__(self) -> None:
        if self.encoding is Encoding.INTEGER and not 2 <= self.bits <= 16:
            raise TapeoutError(f"bits = {self.bits}: integers have 2 to 16 bits; one bit is encoding = \"binary\"")
        if self.group < 1:
            raise TapeoutError(f"group = {self.group}: a group has at least one input channel")


@dataclass(frozen=True)
class LayerRecipe:
    """What a layer's weights and its result become, and how its codes are rounded; `accumulator` is the format of sums of f16,
    and sums of f32 are `fused` multiply-adds or have their products rounded."""

    weights: TensorRecipe = field(default_factory=lambda: TensorRecipe(granularity=Granularity.CHANNEL))
    activations: TensorRecipe = field(default_factory=lambda: TensorRecipe(symmetric=False))
    rounding: Rounding = Rounding.HALF_UP
    accumulator: Encoding = Encoding.F32
    fused: bool = False


@dataclass(frozen=True)
class Rule:
    """Changes for the layers whose name (shell pattern) or op matches. `@first` and `@last` are the first and last layer with weights,
    which may be the same one.

    A rule without `layers` matches every name, one without `types` every op; the graph's inputs have the type `input`.
    """

    layers: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    weights: Mapping[str, Any] = field(default_factory=dict)
    activations: Mapping[str, Any] = field(default_factory=dict)
    rounding: Rounding | None = None
    accumulator: Encoding | None = None
    fused: bool | None = None

    def matches(self, name: str, type: str, positions: tuple[str, ...]) -> bool:
        named = not self.layers or any(fnmatchcase(name, p) or p in positions for p in self.layers)
        return named and (not self.types or type in self.types)


@dataclass(frozen=True)
class Recipe:
    """A format for every tensor of a network. Later rules win over earlier ones, all over the default."""

    name: str
    default: LayerRecipe = field(default_factory=LayerRecipe)
    rules: tuple[Rule, ...] = ()
    searched: bool = False  # bits per layer are found by search; see mixed.py

    @property
    def floats(self) -> bool:
        """Whether it gives floats alone, so that formats follow without any data."""
        tables = [(rule.weights, rule.activations) for rule in self.rules]
        said = {self.default.weights.encoding, self.default.activations.encoding}
        said |= {Encoding(table["encoding"]) for pair in tables for table in pair if "encoding" in table}
        return said <= {Encoding.F32, Encoding.F16, Encoding.BF16}

    def layer(self, name: str, type: str, positions: tuple[str, ...] = ()) -> LayerRecipe:
        """The recipe of a layer by its name, its op's name and which of `@first` and `@last` it is. Raises TapeoutError."""
        found = self.default
        for rule in self.rules:
            if rule.matches(name, type, positions):
                weights = _changed(found.weights, rule.weights, f"{self.name}: weights")
                activations = _changed(found.activations, rule.activations, f"{self.name}: activations")
                fused = found.fused if rule.fused is None else rule.fused
                found = LayerRecipe(weights, activations, rule.rounding or found.rounding, rule.accumulator or found.accumulator, fused)
        return found


def ready_made() -> tuple[str, ...]:
    """The names of the recipes that come with tapeout."""
    return (*sorted(p.stem for p in _FOLDER.glob("*.toml")), "fixed<W,I>")


@cache
def load(name: str) -> Recipe:
    """A ready-made recipe by name, `fixed<16,6>`, or the recipe of a .toml file. Raises TapeoutError that names file and key."""
    if match := re.fullmatch(r"fixed<(\d+),(-?\d+)>", name):
        return _fixed(int(match[1]), int(match[2]))
    path = Path(name)
    if path.suffix != ".toml":
        path = _FOLDER / f"{name}.toml"
        if not path.is_file():
            raise TapeoutError(f"there is no recipe {name!r}; give a .toml file or one of {', '.join(ready_made())}")
    try:
        text = path.read_text(encoding="utf-8")
        return parse(tomllib.loads(text), path.stem)
    except OSError as error:
        raise TapeoutError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TapeoutError) as error:
        raise TapeoutError(f"{path}: {error}") from None


def parse(table: Mapping[str, Any], name: str) -> Recipe:
    """The recipe of a TOML table. Raises TapeoutError that names the key."""
    _known(table, {"name", "rounding", "accumulator", "fused", "weights", "activations", "rules", "searched"}, "recipe")
    base = LayerRecipe()
    default = LayerRecipe(
        _changed(base.weights, _table(table, "weights"), "weights"),
        _changed(base.activations, _table(table, "activations"), "activations"),
        _rounding(table) or base.rounding,
        _accumulator(table) or base.accumulator,
        _flag(table, "fused") or base.fused,
    )
    rules = table.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(r, dict) for r in rules):
        raise TapeoutError("rules: write each as [[rules]]")
    recipe = Recipe(str(table.get("name", name)), default, tuple(map(_rule, rules)), _flag(table, "searched") or False)
    for rule in recipe.rules:  # so that a wrong rule is refused even when it matches nothing
        _changed(default.weights, rule.weights, "rules: weights")
        _changed(default.activations, rule.activations, "rules: activations")
    return recipe


def as_toml(recipe: Recipe) -> str:
    """The text of a recipe, which `parse` reads back as the same."""
    plain = LayerRecipe()
    lines = [f"name = {_toml(recipe.name)}", f"rounding = {_toml(recipe.default.rounding.value)}"]
    if recipe.default.accumulator is not plain.accumulator:
        lines.append(f"accumulator = {_toml(recipe.default.accumulator.value)}")
    if recipe.default.fused:
        lines.append("fused = true")
    if recipe.searched:
        lines.append("searched = true")
    for key, tensor, base in (
        ("weights", recipe.default.weights, plain.weights), ("activations", recipe.default.activations, plain.activations),
    ):
        changed = {f.name: getattr(tensor, f.name) for f in fields(tensor) if getattr(tensor, f.name) != getattr(base, f.name)}
        lines += ["", f"[{key}]", *(f"{name} = {_toml(value)}" for name, value in changed.items())]
    for rule in recipe.rules:
        lines += ["", "[[rules]]"]
        lines += [f"{key} = {_toml(list(value))}" for key, value in (("layers", rule.layers), ("types", rule.types)) if value]
        lines += [f"{key} = {_toml(value)}" for key, value in (("weights", rule.weights), ("activations", rule.activations)) if value]
        if rule.rounding is not None:
            lines.append(f"rounding = {_toml(rule.rounding.value)}")
        if rule.accumulator is not None:
            lines.append(f"accumulator = {_toml(rule.accumulator.value)}")
        if rule.fused is not None:
            lines.append(f"fused = {_toml(rule.fused)}")
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(str(value)) if isinstance(value, str) else str(value)


_FLAGS = ("signed", "symmetric", "dynamic")
_FOLDER = Path(__file__).parent / "recipes"


def _fixed(width: int, integer: int) -> Recipe:
    tensor = {"bits": width, "integer_bits": integer, "scale": "power_of_two", "granularity": "tensor", "symmetric": True, "signed": True}
    name = f"fixed<{width},{integer}>"
    try:
        return parse({"weights": tensor, "activations": tensor, "rounding": "half_even"}, name)
    except TapeoutError as error:
        raise TapeoutError(f"{name}: {error}") from None


def _rule(table: Mapping[str, Any]) -> Rule:
    _known(table, {"layers", "types", "weights", "activations", "rounding", "accumulator", "fused"}, "rules")
    names = {key: table.get(key, []) for key in ("layers", "types")}
    for key, value in names.items():
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise TapeoutError(f"rules: {key} = {value!r}: write a list of texts")
    weights, activations = _table(table, "weights"), _table(table, "activations")
    sums = _accumulator(table), _flag(table, "fused")
    return Rule(tuple(names["layers"]), tuple(names["types"]), weights, activations, _rounding(table), *sums)


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = table.get(key, {})
    if not isinstance(found, dict):
        raise TapeoutError(f"{key} = {found!r}: write a table")
    return found


def _rounding(table: Mapping[str, Any]) -> Rounding | None:
    if "rounding" not in table:
        return None
    chosen = [r for r in Rounding if r is not Rounding.TFLITE]  # which is for products of imported .tflite files alone
    if table["rounding"] not in chosen:
        raise TapeoutError(f"rounding = {table['rounding']!r}: choose from {', '.join(chosen)}")
    return Rounding(table["rounding"])


def _accumulator(table: Mapping[str, Any]) -> Encoding | None:
    if "accumulator" not in table:
        return None
    if table["accumulator"] not in (Encoding.F32, Encoding.F16):
        raise TapeoutError(f"accumulator = {table['accumulator']!r}: choose from f32, f16")
    return Encoding(table["accumulator"])


def _flag(table: Mapping[str, Any], key: str) -> bool | None:
    value = table.get(key)
    if value is not None and not isinstance(value, bool):
        raise TapeoutError(f"{key} = {value!r}: write true or false")
    return value


def _changed(base: TensorRecipe, changes: Mapping[str, Any], where: str) -> TensorRecipe:
    known = {f.name: f for f in fields(TensorRecipe)}
    _known(changes, set(known), where)
    values: dict[str, Any] = {}
    for key, value in changes.items():
        kind = {"encoding": Encoding, "granularity": Granularity, "scale": ScaleKind}.get(key)
        if kind is not None:
            values[key] = _enum(kind, value, f"{where}: {key}")
        elif isinstance(value, bool) is not (key in _FLAGS) or not isinstance(value, int):
            raise TapeoutError(f"{where}: {key} = {value!r} is no {'true or false' if key in _FLAGS else 'number'}")
        else:
            values[key] = value
    try:
        return replace(base, **values)
    except TapeoutError as error:
        raise TapeoutError(f"{where}: {error}") from None


def _enum(kind: type[E], value: Any, where: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise TapeoutError(f"{where} = {value!r}: choose from {', '.join(kind)}") from None


def _known(table: Mapping[str, Any], keys: set[str], where: str) -> None:
    for key in table:
        if key not in keys:
            raise TapeoutError(f"{where}: there is no key {key!r}; the keys are {', '.join(sorted(keys))}")
