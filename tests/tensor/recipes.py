"""Random tensors, drawn as recipes, so that one can be built twice in different orders.

A recipe is nested data; :func:`build` makes the tensor. With a generator of random numbers it
shuffles factors and terms and renames letters at every level, which must not change the node.
Values of the variables obey the facts that these declare.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np
import sympy
from hypothesis import strategies as st

from derive.shapes import Shape, as_dim
from derive.tensor.algebra import add, apply, contract, invoke, number, ones
from derive.tensor.incidence import lower
from derive.tensor.nodes import Constant, Delta, Tensor, Variable

__all__ = ["NAMES", "SIZES", "build", "random_recipe", "recipes", "shape_of", "values_at"]

Dims = tuple[int | str, ...]
Recipe = tuple[Any, ...]

SIZES: Final = ({"n": 3, "m": 4}, {"n": 1, "m": 1}, {"n": 4, "m": 1}, {"n": 1, "m": 2})


def shape_of(dims: Dims) -> Shape:
    return tuple(as_dim(dim) for dim in dims)


def _given(name: str, dims: Dims, *facts: str, row: bool = False) -> Variable:
    return Variable(name, shape_of(dims), frozenset(facts), row=row)


def _named(name: str, value: Tensor, role: str = "defined") -> Variable:
    return Variable(name, value.shape, frozenset(), value, role)


GIVEN: Final[Mapping[Variable, Dims]] = {
    _given("c", ()): (),
    _given("t", (), "positive"): (),
    _given("x", ("n",)): ("n",),
    _given("p", ("n",), "positive"): ("n",),
    _given("q", ("n",), "probability"): ("n",),
    _given("o", ("n",), "onehot"): ("n",),
    _given("s", ("n",), "signs"): ("n",),
    _given("r", ("n",), row=True): ("n",),
    _given("w", ("m",)): ("m",),
    _given("k", (2,)): (2,),
    _given("A", ("m", "n")): ("m", "n"),
    _given("F", ("m", "n"), "nonnegative"): ("m", "n"),
    _given("Y", ("m", "n"), "probability"): ("m", "n"),
    _given("O", ("m", "n"), "onehot"): ("m", "n"),
    _given("B", ("n", "n")): ("n", "n"),
    _given("S", ("n", "n"), "symmetric"): ("n", "n"),
    _given("P", ("n", "n"), "positive_definite"): ("n", "n"),
    _given("Q", ("n", "n"), "orthogonal"): ("n", "n"),
    _given("D", ("n", "n"), "diagonal"): ("n", "n"),
    _given("L", ("n", "n"), "lower_triangular"): ("n", "n"),
    _given("C", (2, "n")): (2, "n"),
    _given("E", (2, 2)): (2, 2),
}
"""The variables that are given, with their dimensions."""

_BY_NAME: Final = {variable.name: variable for variable in GIVEN}
_B, _x, _A = _BY_NAME["B"], _BY_NAME["x"], _BY_NAME["A"]

DEFINED: Final[Mapping[Variable, Dims]] = {
    _named("u", contract(1, [(_B, (0, 1)), (_x, (1,))], (0,))): ("n",),
    _named("v", invoke("softmax", [_x], _x.shape), "introduced"): ("n",),
    _named("h", apply("tanh", [(_A, (0, 1))], _A.shape)): ("m", "n"),
    _named("M", contract(1, [(_A, (2, 0)), (_A, (2, 1))], (0, 1))): ("n", "n"),
    _named("K", invoke("inverse", [_BY_NAME["P"]], _B.shape), "introduced"): ("n", "n"),
    _named("j", contract(1, [(_x, (0,), Fraction(2))]), "adjoint"): (),
}
"""Variables that stand for a value."""

NAMES: Final[Mapping[str, Variable]] = {v.name: v for v in (*GIVEN, *DEFINED)}

_DIMS: Final = {v.name: dims for table in (GIVEN, DEFINED) for v, dims in table.items()}

SMOOTH: Final = ("tanh", "sigmoid", "sin", "softplus", "abs", "relu", "silu", "atan")
POSITIVE: Final = ("sigmoid", "softplus", "cosh")
REDUCTIONS: Final = ("amax", "amin", "var", "prod")
EPSILON: Final = Fraction(1, 100000)
INDICATORS: Final = ("gt", "lt", "sign", "heaviside")


@st.composite
def recipes(draw: Any, dims: Dims | None = None, depth: int = 3) -> Recipe:
    """A recipe for a tensor of these dimensions."""
    if dims is None:
        dims = tuple(draw(st.lists(st.sampled_from(["n", "m", 2]), max_size=2)))
    return _recipe(draw, dims, depth)


def random_recipe(rng: random.Random, depth: int = 3) -> Recipe:
    """A recipe drawn from a generator, without hypothesis: thousands in little time."""
    dims = tuple(rng.choice(["n", "m", 2]) for _ in range(rng.choice([0, 0, 1, 1, 1, 2, 2])))
    return _recipe(rng, dims, depth)


def _choice(draw: Any, options: Sequence[Any]) -> Any:
    if isinstance(draw, random.Random):
        return draw.choice(options)
    return draw(st.sampled_from(options))


def _count(draw: Any, least: int, most: int) -> int:
    if isinstance(draw, random.Random):
        return draw.randint(least, most)
    return int(draw(st.integers(least, most)))


def _recipe(draw: Any, dims: Dims, depth: int) -> Recipe:
    if depth <= 0:
        return _leaf(draw, dims)
    kind = _choice(draw, ["leaf", "contract", "contract", "add", "apply", "known"])
    if kind == "contract":
        return _contraction(draw, dims, depth)
    if kind == "add":
        count = _count(draw, 2, 3)
        return ("add", [_recipe(draw, dims, depth - 1) for _ in range(count)], dims)
    if kind == "apply":
        return _entrywise(draw, dims, depth)
    return _known(draw, dims, depth) if kind == "known" else _leaf(draw, dims)


def _leaf(draw: Any, dims: Dims) -> Recipe:
    options: list[Recipe] = [("variable", name) for name, own in _DIMS.items() if own == dims]
    if len(dims) == 2:
        options += [
            ("contract", 1, [(("variable", name), (1, 0), 1)], dims)
            for name, own in _DIMS.items()
            if own == dims[::-1]
        ]
        if dims[0] == dims[1]:
            delta = ("delta", dims[0])
            scaled = ("contract", 1, [(("variable", "x"), (0,), 1), (("delta", "n"), (1, 0), 1)])
            options += [delta, delta, ("contract", 1, [(delta, (1, 0), 1)], dims)]
            options += [(*scaled, dims)] * 2 if dims[0] == "n" else []
    options.append(("number", _choice(draw, [1, 1, 2, -1, Fraction(1, 2)]), dims))
    if not dims:
        options += [("constant", "pi"), ("constant", "n")]
    return _choice(draw, options)


def _positive(draw: Any, dims: Dims, depth: int) -> Recipe:
    """Something whose entries are all greater than 0."""
    name = {(): "t", ("n",): "p"}.get(dims)
    if name and _choice(draw, (False, True)):
        return ("variable", name)
    if not dims and _choice(draw, (False, True)):
        return _total(draw, depth)
    inner = _recipe(draw, dims, depth - 1)
    return ("apply", _choice(draw, POSITIVE), [(inner, tuple(range(len(dims))))], dims)


def _total(draw: Any, depth: int) -> Recipe:
    """A sum of positive entries, as norms and softmax have below."""
    dim = _choice(draw, ["n", "m", 2])
    if depth <= 1:
        return ("variable", "t")
    return ("contract", 1, [(_positive(draw, (dim,), depth - 1), (0,), 1)], ())


def _contraction(draw: Any, dims: Dims, depth: int) -> Recipe:
    """Factors on free and summed letters, letters repeated on a factor or carried by none."""
    letters = dict(enumerate(dims))
    for _ in range(_count(draw, 0, 2)):
        letters[len(letters)] = _choice(draw, ["n", "m", 2])
    factors = []
    for _ in range(_count(draw, 1, 3)):
        order = _count(draw, 0, min(2, len(letters)))
        along = tuple(_choice(draw, sorted(letters)) for _ in range(order))
        own = tuple(letters[x] for x in along)
        power = _choice(draw, [1, 1, 1, 1, 2, 3, -1, -2, Fraction(1, 2), Fraction(-1, 2)])
        whole = power in (1, 2, 3)
        inner = _recipe(draw, own, depth - 1) if whole else _positive(draw, own, depth - 1)
        factors.append((inner, along, power))
    coefficient = _choice(draw, [1, 1, 2, -1, Fraction(1, 3)])
    return ("contract", coefficient, factors, dims)


def _entrywise(draw: Any, dims: Dims, depth: int) -> Recipe:
    axes = tuple(range(len(dims)))
    kind = _choice(draw, ["smooth", "smooth", "max", "indicator", "log", "exp"])
    if kind == "max":
        name = _choice(draw, ["max", "min"])
        args = [(_recipe(draw, dims, depth - 1), axes) for _ in range(2)]
        if _choice(draw, (False, True)):
            args[1] = (("number", 0, ()), ())
        return ("apply", name, args, dims)
    if kind == "indicator":
        return _indicator(draw, dims)
    if kind == "log":
        return ("apply", "log", [(_positive(draw, dims, depth), axes)], dims)
    inner = (_recipe(draw, dims, depth - 1), axes)
    if kind == "exp":
        return ("apply", "exp", [(("apply", "tanh", [inner], dims), axes)], dims)
    return ("apply", _choice(draw, SMOOTH), [inner], dims)


def _indicator(draw: Any, dims: Dims) -> Recipe:
    """Jumps only where no two expressions can be equal."""
    name = {(): "c", ("n",): "x", ("m",): "w", ("m", "n"): "A", ("n", "n"): "B"}.get(dims)
    if name is None:
        return _leaf(draw, dims)
    axes = tuple(range(len(dims)))
    function = _choice(draw, INDICATORS)
    args = [(("variable", name), axes)]
    if function in ("gt", "lt"):
        args.append((("number", 0, ()), ()))
    return ("apply", function, args, dims)


def _known(draw: Any, dims: Dims, depth: int) -> Recipe:
    """Named functions of whole arrays, and their spelled-out forms."""
    axes = tuple(range(len(dims)))
    if not dims:
        options = [
            ("invoke", "logdet", ("variable", "P"), ()),
            ("invoke", "det", ("variable", "B"), ()),
        ]
        inner = _recipe(draw, ("n",), depth - 1)
        options.append(("invoke", "logsumexp", inner, ()))
        options.append(("invoke", _choice(draw, REDUCTIONS), inner, ()))
        return _choice(draw, options)
    inner = _recipe(draw, dims, depth - 1)
    bounded = ("apply", "tanh", [(inner, axes)], dims)
    powers = ("apply", "exp", [(bounded, axes)], dims)
    options = [
        ("invoke", "softmax", inner, dims),
        ("invoke", "log_softmax", inner, dims),
        ("normalise", _choice(draw, ("layernorm", "rmsnorm")), inner, dims),
        (
            "contract",
            1,
            [(powers, axes, 1), (("add", [powers, ("number", 1, dims)], dims), axes, -1)],
            dims,
        ),
        ("apply", "log", [(("add", [powers, ("number", 1, dims)], dims), axes)], dims),
    ]
    for axis in axes:
        kept = tuple(x for x in axes if x != axis)
        sums = ("contract", 1, [(powers, _moved(axes, axis), 1)], tuple(dims[x] for x in kept))
        options.append(("contract", 1, [(powers, axes, 1), (sums, kept, -1)], dims))
    if dims == ("n", "n"):
        options.append(("invoke", "inverse", ("variable", _choice(draw, ["P", "B"])), dims))
        bordered = ("add", [("variable", "P"), ("variable", "M")], dims)
        options.append(("invoke", "inverse", bordered, dims))
        options.append(("invoke", "cholesky", bordered, dims))
        options.append(("invoke", "pinv", ("variable", "B"), dims))
        options.append(("contract", 1, [(inner, axes, 1), (("lower", "n"), axes, 1)], dims))
    return _choice(draw, options)


def _moved(axes: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """Letters of an array when one axis is summed and the others are the result's."""
    kept = [x for x in axes if x != axis]
    return tuple(len(kept) if x == axis else kept.index(x) for x in axes)


def build(recipe: Recipe, shuffle: random.Random | None = None) -> Tensor:
    """The tensor; with a generator, everything that has no order is given a random one."""
    kind, *rest = recipe
    if kind == "variable":
        return NAMES[rest[0]]
    if kind == "delta":
        return Delta(as_dim(rest[0]))
    if kind == "number":
        return number(rest[0], shape_of(rest[1])) if rest[0] != 1 else ones(shape_of(rest[1]))
    if kind == "constant":
        return Constant(sympy.pi if rest[0] == "pi" else as_dim(rest[0]))
    if kind == "add":
        parts = [build(part, shuffle) for part in rest[0]]
        if shuffle:
            shuffle.shuffle(parts)
        return add(parts, shape_of(rest[1]))
    if kind == "apply":
        args = [(build(part, shuffle), letters) for part, letters in rest[1]]
        return apply(rest[0], args, shape_of(rest[2]))
    if kind == "lower":
        return lower(as_dim(rest[0]), as_dim(rest[0]))
    if kind == "normalise":
        inner = build(rest[1], shuffle)
        return invoke(rest[0], [inner, number(EPSILON)], shape_of(rest[2]))
    if kind == "invoke":
        return invoke(rest[0], [build(rest[1], shuffle)], shape_of(rest[2]))
    return _contracted(*rest, shuffle=shuffle)


def _contracted(
    coefficient: Fraction, parts: Any, dims: Dims, shuffle: random.Random | None
) -> Tensor:
    factors = [(build(part, shuffle), ls, Fraction(power)) for part, ls, power in parts]
    free = tuple(range(len(dims)))
    if shuffle:
        shuffle.shuffle(factors)
        letters = sorted({*free, *(x for _, ls, _ in factors for x in ls)})
        names = dict(zip(letters, shuffle.sample(range(50), len(letters)), strict=True))
        factors = [(t, tuple(names[x] for x in ls), p) for t, ls, p in factors]
        free = tuple(names[x] for x in free)
    return contract(coefficient, factors, free, dict(zip(free, shape_of(dims), strict=True)))


def values_at(
    sizes: Mapping[str, int], rng: np.random.Generator, facts: bool = True
) -> dict[str, Any]:
    """Values for all given variables, obeying their facts; without ``facts`` only their domain."""
    found = {}
    for variable, dims in GIVEN.items():
        extent = tuple(sizes[dim] if isinstance(dim, str) else dim for dim in dims)
        kept = variable.facts if facts else variable.facts & DOMAINS
        found[variable.name] = _obeying(kept, extent, rng)
    return found


DOMAINS: Final = frozenset({"positive", "nonnegative", "positive_definite"})
"""Facts without which a recipe may have no value: log(p), logdet(P)."""


def _obeying(facts: frozenset[str], extent: tuple[int, ...], rng: np.random.Generator) -> Any:
    raw = rng.normal(size=extent)
    if facts & {"positive", "nonnegative"}:
        return np.abs(raw) + 0.2
    if "probability" in facts:
        weights = np.abs(raw) + 0.2
        return weights / weights.sum(axis=-1, keepdims=True)
    if "onehot" in facts:
        return np.eye(extent[-1])[rng.integers(extent[-1], size=extent[:-1])]
    if "signs" in facts:
        return np.where(raw > 0, 1.0, -1.0)
    if "symmetric" in facts:
        return raw + raw.T
    if "positive_definite" in facts:
        return raw @ raw.T + np.eye(len(raw))
    if "orthogonal" in facts:
        return np.linalg.qr(raw)[0]
    if "diagonal" in facts:
        return np.diag(np.diagonal(raw))
    if "lower_triangular" in facts:
        return np.tril(raw)
    square = len(extent) == 2 and extent[0] == extent[1]
    return raw + 2 * np.eye(*extent) if square else raw
