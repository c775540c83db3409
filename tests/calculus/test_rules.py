"""Every law against what it is a law of: <G, dY> = <X_bar, dX>.

The functions are evaluated by their definitions in :mod:`tests.tensor.evaluation` and differenced
there; the laws are what :func:`derive.calculus.reverse.adjoints` sends back. Entrywise derivatives
are compared with mpmath's besides, to more digits than a float has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import mpmath
import numpy as np
import pytest
import sympy

from derive.calculus.reverse import adjoints
from derive.calculus.rules import RULES, ArrayRule, EntrywiseRule, V, X, Y, Z
from derive.errors import UnsupportedError
from derive.shapes import Shape, as_dim
from derive.tensor.algebra import add, apply, contract, invoke
from derive.tensor.nodes import Tensor, Variable
from tests.tensor.evaluation import evaluate, size

Span = tuple[float, float]

TOLERANCE: Final = 1e-8
DIGITS: Final = 30
STEP: Final = 1e-3

# One row for each entrywise law: stretches from which its arguments are drawn, each stretch inside
# the domain and on one side of every kink.
STRETCHES: Final[Mapping[str, Sequence[tuple[Span, ...]]]] = {
    "exp": [((-2, 2),)],
    "log": [((0.2, 3),)],
    "log1p": [((-0.7, 2),)],
    "abs": [((-2, -0.1),), ((0.1, 2),)],
    "sign": [((-2, -0.1),), ((0.1, 2),)],
    "heaviside": [((-2, -0.1),), ((0.1, 2),)],
    "sin": [((-3, 3),)],
    "cos": [((-3, 3),)],
    "tan": [((-1.2, 1.2),)],
    "asin": [((-0.8, 0.8),)],
    "acos": [((-0.8, 0.8),)],
    "atan": [((-3, 3),)],
    "sinh": [((-2, 2),)],
    "cosh": [((-2, 2),)],
    "tanh": [((-2, 2),)],
    "erf": [((-2, 2),)],
    "sigmoid": [((-4, 4),)],
    "softplus": [((-4, 4),)],
    "relu": [((-2, -0.1),), ((0.1, 2),)],
    "selu": [((-2, -0.1),), ((0.1, 2),)],
    "gelu": [((-3, 3),)],
    "gelu_tanh": [((-3, 3),)],
    "silu": [((-4, 4),)],
    "mish": [((-4, 4),)],
    "leaky_relu": [((-2, -0.1), (0.05, 0.3)), ((0.1, 2), (0.05, 0.3))],
    "elu": [((-2, -0.1), (0.5, 1.5)), ((0.1, 2), (0.5, 1.5))],
    "max": [((-2, -0.1), (0.1, 2)), ((0.1, 2), (-2, -0.1))],
    "min": [((-2, -0.1), (0.1, 2)), ((0.1, 2), (-2, -0.1))],
    "clip": [
        ((-0.9, 0.9), (-2, -1), (1, 2)),
        ((-3, -2.1), (-2, -1), (1, 2)),
        ((2.1, 3), (-2, -1), (1, 2)),
    ],
    "where": [((1, 1), (-2, 2), (-2, 2)), ((0, 0), (-2, 2), (-2, 2))],
    "power": [((0.2, 3), (-2, 2))],
    "huber": [((-0.9, 0.9), (1, 2)), ((2.1, 4), (1, 2)), ((-4, -2.1), (1, 2))],
    "lt": [((-2, -0.1), (0.1, 2)), ((0.1, 2), (-2, -0.1))],
    "le": [((-2, -0.1), (0.1, 2)), ((0.1, 2), (-2, -0.1))],
    "gt": [((-2, -0.1), (0.1, 2)), ((0.1, 2), (-2, -0.1))],
    "ge": [((-2, -0.1), (0.1, 2)), ((0.1, 2), (-2, -0.1))],
}

# One row for each law of a whole array: shapes of its argument, and of its value.
SHAPES: Final[Mapping[str, Sequence[tuple[tuple[int | str, ...], tuple[int | str, ...]]]]] = {
    "inverse": [((3, 3), (3, 3)), (("n", "n"), ("n", "n"))],
    "det": [((3, 3), ()), (("n", "n"), ())],
    "logdet": [((3, 3), ()), (("n", "n"), ())],
    "softmax": [((4,), (4,)), ((3, 4), (3, 4)), (("n",), ("n",)), (("m", "n"), ("m", "n"))],
    "log_softmax": [((4,), (4,)), ((3, 4), (3, 4)), (("n",), ("n",)), (("m", "n"), ("m", "n"))],
    "logsumexp": [((4,), ()), ((3, 4), (3,)), (("n",), ()), (("m", "n"), ("m",))],
    "pinv": [((3, 4), (4, 3)), ((4, 3), (3, 4)), (("m", "n"), ("n", "m"))],
    "cholesky": [((3, 3), (3, 3)), (("n", "n"), ("n", "n"))],
    "expm": [((3, 3), (3, 3)), (("n", "n"), ("n", "n"))],
    **{
        name: [((4,), ()), ((3, 4), (3,)), ((3, 4), ()), (("n",), ()), (("m", "n"), ("m",))]
        for name in ("prod", "amax", "amin", "var")
    },
    **{
        name: [((4,), (4,)), ((3, 4), (3, 4)), (("n",), ("n",)), (("m", "n"), ("m", "n"))]
        for name in ("layernorm", "rmsnorm")
    },
    "expm_frechet": [((3, 3), (3, 3))],
}

# Second arguments: where they are variables, and what they are drawn from.
SECONDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "layernorm": lambda rng: rng.uniform(0.1, 0.4),
    "rmsnorm": lambda rng: rng.uniform(0.1, 0.4),
    "expm_frechet": lambda rng: rng.normal(size=(3, 3)),
}
SYMMETRIC: Final = frozenset({"cholesky"})

SIZES: Final = ({"m": 3, "n": 4}, {"m": 1, "n": 1}, {"m": 4, "n": 1}, {"m": 1, "n": 3})


def shaped(*dims: int | str) -> Shape:
    return tuple(as_dim(dim) for dim in dims)


def invertible(rng: np.random.Generator, extent: tuple[int, ...]) -> Any:
    """A generic matrix with a positive determinant, neither symmetric nor near-singular."""
    return rng.normal(size=extent) + 3 * np.eye(*extent)


def differenced(value: Callable[[float], Any]) -> Any:
    """The derivative at 0, by central differences and one extrapolation."""
    coarse = (value(STEP) - value(-STEP)) / (2 * STEP)
    fine = (value(STEP / 2) - value(-STEP / 2)) / STEP
    return (4 * fine - coarse) / 3


def check_identity(
    formula: Tensor,
    values: Mapping[str, Any],
    rng: np.random.Generator,
    sizes: Mapping[str, int] | None = None,
    wanted: Sequence[Variable] | None = None,
) -> None:
    """<G, dY> = <X_bar, dX> for a formula Y, every variable X in it, random G and dX."""
    upstream = Variable("G", formula.shape)
    extent = tuple(size(dim, sizes or {}) for dim in formula.shape)
    above = rng.normal(size=extent)
    for variable, sent in adjoints(formula, upstream, None, wanted).items():
        if variable is upstream:
            continue
        change = rng.normal(size=np.shape(values[variable.name]))
        if "symmetric" in variable.facts:
            change = change + change.T
        back = evaluate(sent, {**values, "G": above}, sizes)

        def moved(step: float, name: str = variable.name, change: Any = change) -> Any:
            return evaluate(formula, {**values, name: values[name] + step * change}, sizes)

        forward = differenced(moved)
        left, right = np.sum(above * forward), np.sum(back * change)
        scale = max(1e-3, np.sum(np.abs(above * forward)), np.sum(np.abs(back * change)))
        assert abs(left - right) <= TOLERANCE * scale, (
            f"{formula!r} with respect to {variable.name} at {sizes}: "
            f"<G, dY> = {left:.12g}, <X_bar, dX> = {right:.12g}"
        )


def entrywise_rules() -> list[str]:
    return [name for name, rule in RULES.items() if isinstance(rule, EntrywiseRule)]


def array_rules() -> list[str]:
    return [name for name, rule in RULES.items() if isinstance(rule, ArrayRule)]


def test_every_rule_has_a_sample() -> None:
    assert set(entrywise_rules()) == set(STRETCHES)
    assert set(array_rules()) == set(SHAPES)


def test_every_rule_says_what_it_states_and_where_from() -> None:
    for name, rule in RULES.items():
        assert rule.statement and rule.source and rule.domain, name


def drawn(
    stretch: tuple[Span, ...], extent: tuple[int, ...], rng: np.random.Generator
) -> dict[str, Any]:
    return {f"x{k}": rng.uniform(*span, size=extent) for k, span in enumerate(stretch)}


def check_entrywise(name: str, rng: np.random.Generator) -> None:
    """Arguments of order 0, 1 and 2, a scalar beside arrays, and composite arguments."""
    for stretch in STRETCHES[name]:
        for dims, sizes in (
            ((), {}),
            ((3,), {}),
            (("m", "n"), SIZES[0]),
            (("m", "n"), SIZES[1]),
        ):
            shape = shaped(*dims)
            extent = tuple(size(dim, sizes) for dim in shape)
            values = drawn(stretch, extent, rng)
            axes = tuple(range(len(shape)))
            args = [(Variable(key, shape), axes) for key in values]
            check_identity(apply(name, args, shape), values, rng, sizes)
        check_mixed(name, stretch, rng)
        check_composite(name, stretch, rng)


def check_mixed(name: str, stretch: tuple[Span, ...], rng: np.random.Generator) -> None:
    """Later arguments lie along fewer axes than the first."""
    extents = [(3, 4), (), (4,)]
    axes = [(0, 1), (), (1,)]
    args, values = [], {}
    for k, span in enumerate(stretch):
        values[f"x{k}"] = rng.uniform(*span, size=extents[k])
        args.append((Variable(f"x{k}", shaped(*extents[k])), axes[k]))
    check_identity(apply(name, args, shaped(3, 4)), values, rng)


def check_composite(name: str, stretch: tuple[Span, ...], rng: np.random.Generator) -> None:
    """f(A t + c): c puts every argument back into its stretch."""
    values: dict[str, Any] = {"t": rng.normal(size=2)}
    args = []
    for k, span in enumerate(stretch):
        values[f"A{k}"] = rng.normal(size=(3, 2))
        values[f"c{k}"] = rng.uniform(*span, size=3) - values[f"A{k}"] @ values["t"]
        product = contract(
            1,
            [(Variable(f"A{k}", shaped(3, 2)), (0, 1)), (Variable("t", shaped(2)), (1,))],
            (0,),
        )
        inner = add([product, Variable(f"c{k}", shaped(3))], shaped(3))
        args.append((inner, (0,)))
    check_identity(apply(name, args, shaped(3)), values, rng)


@pytest.mark.parametrize("name", entrywise_rules())
def test_entrywise_adjoint_identity(name: str, rng: np.random.Generator) -> None:
    check_entrywise(name, rng)


def point_for(name: str, extent: tuple[int, ...], rng: np.random.Generator) -> Any:
    """A generic argument in the domain."""
    if name in SYMMETRIC:
        root = rng.normal(size=extent)
        return root @ root.T + np.eye(*extent)
    if len(extent) == 2 and name in ("inverse", "det", "logdet"):
        return invertible(rng, extent)
    return rng.normal(size=extent)


def check_array(name: str, rng: np.random.Generator) -> None:
    facts = frozenset({"symmetric"}) if name in SYMMETRIC else frozenset()
    for argument, value in SHAPES[name]:
        for sizes in SIZES if isinstance(argument[0], str) else ({},):
            extent = tuple(size(dim, sizes) for dim in shaped(*argument))
            shape = shaped(*argument)
            args = [Variable("X", shape, facts)]
            values = {"X": point_for(name, extent, rng)}
            if name in SECONDS:
                values["E"] = SECONDS[name](rng)
                args.append(Variable("E", shaped(*np.shape(values["E"]))))
            rule = RULES[name]
            assert isinstance(rule, ArrayRule)
            wanted = args if rule.adjoint else args[1:]
            check_identity(invoke(name, args, shaped(*value)), values, rng, sizes, wanted)
    if name not in SECONDS and name not in SYMMETRIC and name != "pinv":
        check_array_composite(name, rng)


def check_array_composite(name: str, rng: np.random.Generator) -> None:
    """Of X X' + t X: every variable twice, the matrix read in both directions."""
    matrix, scalar = Variable("X", shaped(3, 3)), Variable("t", ())
    square = contract(1, [(matrix, (0, 2)), (matrix, (1, 2))], (0, 1))
    inner = add([square, contract(1, [(scalar, ()), (matrix, (0, 1))], (0, 1))], shaped(3, 3))
    for _, value in SHAPES[name]:
        if all(isinstance(dim, int) for dim in value) and len(SHAPES[name][0][0]) == 2:
            formula = invoke(name, [inner], shaped(*value))
            check_identity(formula, {"X": invertible(rng, (3, 3)), "t": 0.7}, rng)
            return
    lost = any(len(value) < len(argument) for argument, value in SHAPES[name])
    reduced = shaped(3) if lost else shaped(3, 3)
    check_identity(invoke(name, [inner], reduced), {"X": rng.normal(size=(3, 3)), "t": 0.7}, rng)


@pytest.mark.parametrize("name", array_rules())
def test_array_adjoint_identity(name: str, rng: np.random.Generator) -> None:
    check_array(name, rng)


@pytest.mark.parametrize(
    "name", ["exp", "log", "tanh", "elu", "huber", "inverse", "det", "softmax"]
)
def test_a_law_off_by_a_twentieth_of_a_percent_is_caught(
    name: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = RULES[name]
    wrong = Fraction(10005, 10000)
    planted: EntrywiseRule | ArrayRule
    if isinstance(rule, EntrywiseRule):
        derivatives = tuple(f"({wrong})*({text})" for text in rule.derivatives)
        planted = EntrywiseRule(derivatives, rule.statement)
    else:
        planted = ArrayRule(rule.adjoint, rule.axes, rule.statement, rule.source)
        terms = tuple(type(t)(t.coefficient * wrong, t.factors) for t in rule.terms)
        planted.__dict__["terms"] = terms
    monkeypatch.setitem(RULES, name, planted)  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="X_bar"):
        check_entrywise(name, rng) if isinstance(rule, EntrywiseRule) else check_array(name, rng)


def test_a_law_with_its_letters_exchanged_is_caught(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = RULES["logdet"]
    assert isinstance(rule, ArrayRule)
    planted = ArrayRule(rule.adjoint.replace("[b,a]", "[a,b]"), rule.axes, "", "")
    monkeypatch.setitem(RULES, "logdet", planted)  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="X_bar"):
        check_array("logdet", rng)


def test_a_function_without_a_law_is_refused_by_name() -> None:
    formula = apply("zigzag", [(Variable("x", shaped(3)), (0,))], shaped(3))
    with pytest.raises(UnsupportedError, match="zigzag"):
        adjoints(formula, Variable("G", shaped(3)))


def spelled_out(name: str, z: Tensor, epsilon: Tensor) -> Tensor:
    """A function that has a definition, in simpler tensors, for arguments of order 1."""
    powers = apply("exp", [(z, (0,))], z.shape)
    total = contract(1, [(powers, (0,))])
    log_total = apply("log", [(total, ())], ())
    if name == "softmax":
        return contract(1, [(powers, (0,), Fraction(1)), (total, (), Fraction(-1))], (0,))
    if name == "logsumexp":
        return log_total
    if name == "log_softmax":
        return add([z, contract(-1, [(log_total, ())], (0,), {0: z.shape[0]})], z.shape)
    size_ = int(z.shape[0])
    mean = contract(Fraction(1, size_), [(z, (0,))])
    spread = add([z, contract(-1, [(mean, ())], (0,), {0: z.shape[0]})], z.shape)
    if name == "rmsnorm":
        spread = z
    square = contract(Fraction(1, size_), [(spread, (0,), Fraction(2))])
    if name == "var":
        return square
    below = add([square, epsilon], ())
    return contract(1, [(spread, (0,)), (below, (), Fraction(-1, 2))], (0,))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    "name", ["softmax", "logsumexp", "log_softmax", "var", "layernorm", "rmsnorm"]
)
def test_a_lemma_follows_from_the_definition(
    name: str, order: int, rng: np.random.Generator
) -> None:
    """Of a vector, and of each row of a matrix: the derivations say the same."""
    rows = 3
    z, epsilon = Variable("z", shaped(4)), Variable("e", ())
    formula = spelled_out(name, z, epsilon)
    upstream = Variable("G", formula.shape)
    by_definition = adjoints(formula, upstream)
    points = {
        "z": rng.normal(size=(rows, 4)),
        "G": rng.normal(size=(rows, 4) if formula.order else rows),
        "e": 0.3,
    }
    whole = Variable("z", shaped(rows, 4) if order == 2 else shaped(4))
    value = (*whole.shape[:-1], *formula.shape)
    args = [whole, epsilon] if name in SECONDS else [whole]
    by_lemma = adjoints(invoke(name, args, value), Variable("G", value))
    expected = [
        evaluate(by_definition[z], {"z": points["z"][i], "G": points["G"][i], "e": 0.3})
        for i in range(rows)
    ]
    here = {k: v if order == 2 or k == "e" else v[0] for k, v in points.items()}
    np.testing.assert_allclose(
        evaluate(by_lemma[whole], here),
        expected if order == 2 else expected[0],
        rtol=1e-12,
        atol=1e-14,
    )
    if name in SECONDS and order == 1:
        np.testing.assert_allclose(
            evaluate(by_lemma[epsilon], here),
            evaluate(by_definition[epsilon], here),
            rtol=1e-12,
        )


@pytest.mark.parametrize("name", ["amax", "amin"])
def test_tied_entries_share_the_gradient_equally(name: str) -> None:
    x = Variable("x", shaped(5))
    sent = adjoints(invoke(name, [x], ()), Variable("G", ()))[x]
    point = np.array([1.0, 3.0, 3.0, 3.0, 2.0]) * (1 if name == "amax" else -1)
    got = evaluate(sent, {"x": point, "G": 1.5})
    np.testing.assert_allclose(got, [0, 0.5, 0.5, 0.5, 0])


def test_what_has_no_law_is_refused_only_where_it_is_asked_about() -> None:
    matrix, along = Variable("A", shaped(3, 3)), Variable("E", shaped(3, 3))
    formula = invoke("expm_frechet", [matrix, along], shaped(3, 3))
    upstream = Variable("G", shaped(3, 3))
    assert set(adjoints(formula, upstream, None, [along])) == {along}
    with pytest.raises(UnsupportedError, match="expm_frechet"):
        adjoints(formula, upstream, None, [matrix])


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _softplus(x: Any) -> Any:
    return mpmath.log(1 + mpmath.exp(x))


def _gelu_tanh(x: Any) -> Any:
    inner = mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3)
    return x * (1 + mpmath.tanh(inner)) / 2


def _selu(x: Any) -> Any:
    scale = mpmath.mpf("1.0507009873554804934193349852946")
    alpha = mpmath.mpf("1.6732632423543772848170429916717")
    return scale * (x if x > 0 else alpha * mpmath.expm1(x))


# The functions once more, in mpmath's numbers.
EXACT: Final[Mapping[str, Callable[..., Any]]] = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "log1p": lambda x: mpmath.log(1 + x),
    "abs": lambda x: x if x > 0 else -x,
    "sign": mpmath.sign,
    "heaviside": lambda x: mpmath.mpf(x > 0),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "asin": mpmath.asin,
    "acos": mpmath.acos,
    "atan": mpmath.atan,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "erf": mpmath.erf,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "selu": _selu,
    "gelu": lambda x: x * mpmath.ncdf(x),
    "gelu_tanh": _gelu_tanh,
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * mpmath.tanh(_softplus(x)),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mpmath.expm1(x),
    "max": max,
    "min": min,
    "clip": lambda x, low, high: min(max(x, low), high),
    "where": lambda condition, x, y: x if condition > 0.5 else y,
    "power": lambda x, y: x**y,
    "huber": lambda r, d: r**2 / 2 if abs(r) < d else d * (abs(r) - d / 2),
    "lt": lambda x, y: mpmath.mpf(x < y),
    "le": lambda x, y: mpmath.mpf(x <= y),
    "gt": lambda x, y: mpmath.mpf(x > y),
    "ge": lambda x, y: mpmath.mpf(x >= y),
}


@pytest.mark.parametrize("name", entrywise_rules())
def test_entrywise_derivatives_to_thirty_digits(name: str, rng: np.random.Generator) -> None:
    rule, function = RULES[name], EXACT[name]
    assert isinstance(rule, EntrywiseRule)
    modules: list[Any] = [dict(EXACT), "mpmath"]
    formulas = [sympy.lambdify((X, Y, Z, V), formula, modules) for formula in rule.formulas]
    with mpmath.workdps(DIGITS):
        for stretch in STRETCHES[name]:
            assert len(formulas) == len(stretch)
            for _ in range(3):
                point = [mpmath.mpf(float(rng.uniform(*span))) for span in stretch]
                padded = (*point, *[mpmath.mpf(0)] * (3 - len(point)))
                for k, formula in enumerate(formulas):
                    order = tuple(int(k == j) for j in range(len(point)))
                    expected = mpmath.diff(function, tuple(point), order)
                    got = formula(*padded, function(*point))
                    assert abs(got - expected) <= mpmath.mpf(10) ** (12 - DIGITS), (name, k, point)


@pytest.mark.parametrize("name", entrywise_rules())
def test_where_a_derivative_jumps_its_value_is_stated(name: str) -> None:
    """At 0, and where all arguments are equal: no law raises there, and what it gives is said."""
    rule, function = RULES[name], EXACT[name]
    assert isinstance(rule, EntrywiseRule)
    if len(STRETCHES[name]) == 1 or name == "huber":
        return
    assert rule.kink, f"{name} has a kink, and its law does not say what holds there"
    modules: list[Any] = [dict(EXACT), "mpmath"]
    zeros = [mpmath.mpf(0)] * len(rule.formulas)
    padded = (*zeros, *[mpmath.mpf(0)] * (3 - len(zeros)))
    for formula in rule.formulas:
        value = sympy.lambdify((X, Y, Z, V), formula, modules)(*padded, function(*zeros))
        assert mpmath.isfinite(value)
