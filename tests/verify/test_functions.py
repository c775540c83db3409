"""Every function of the language, beside a formula written out entry by entry in mpmath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import mpmath
import numpy as np
import pytest
import sympy

from derive.verify.evaluation import evaluate
from derive.verify.functions import EVALUATIONS, SCALAR_EVALUATIONS
from derive.vocabulary import FUNCTIONS, call, extent_of

STEP: Final = 1e-30
CANONICAL: Final = sorted({function.name for function in FUNCTIONS.values()})


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def softplus(x: Any) -> Any:
    return mpmath.log(1 + mpmath.exp(x))


# One row each: the formula of one entry, from single entries.
ENTRYWISE: Final[dict[str, Callable[..., Any]]] = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "log1p": lambda x: mpmath.log(1 + x),
    "sqrt": mpmath.sqrt,
    "abs": lambda x: x if x > 0 else -x,
    "sign": mpmath.sign,
    "square": lambda x: x**2,
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
    "sigmoid": sigmoid,
    "softplus": softplus,
    "relu": lambda x: max(0, x),
    "selu": lambda x: (
        mpmath.mpf("1.0507009873554804934")
        * (x if x > 0 else mpmath.mpf("1.6732632423543772848") * mpmath.expm1(x))
    ),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "gelu_tanh": lambda x: (
        x * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3))) / 2
    ),
    "silu": lambda x: x * sigmoid(x),
    "mish": lambda x: x * mpmath.tanh(softplus(x)),
    "heaviside": lambda x: 1 if x > 0 else 0,
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * (mpmath.exp(x) - 1),
    "max": max,
    "min": min,
    "clip": lambda x, lo, hi: max(lo, min(hi, x)),
    "where": lambda cond, x, y: x if cond > 0 else y,
    "lt": lambda x, y: int(x < y),
    "le": lambda x, y: int(x <= y),
    "gt": lambda x, y: int(x > y),
    "ge": lambda x, y: int(x >= y),
}


def entries(a: Any) -> list[Any]:
    return [mpmath.mpf(float(x)) for x in np.ravel(a)]


def rows(a: Any) -> list[list[Any]]:
    return [entries(row) for row in a]


def columns(a: Any) -> list[list[Any]]:
    return rows(a.T)


def lse(values: list[Any]) -> Any:
    return mpmath.log(sum(mpmath.exp(value) for value in values))


def paired(function: Callable[..., Any], *arrays: Any) -> Any:
    return sum(function(*values) for values in zip(*map(entries, arrays), strict=True))


def meanwise(function: Callable[..., Any], *arrays: Any) -> Any:
    return paired(function, *arrays) / arrays[0].size


def bce(p: Any, y: Any) -> Any:
    return -(y * mpmath.log(p) + (1 - y) * mpmath.log(1 - p))


# One row each: the formula of the value, a nested list for a matrix.
ARRAYS: Final[dict[str, Callable[..., Any]]] = {
    "sum": lambda a: sum(entries(a)),
    "mean": lambda a: sum(entries(a)) / a.size,
    "rowsum": lambda a: [[sum(row)] for row in rows(a)],
    "colsum": lambda a: [[sum(column) for column in columns(a)]],
    "rowmean": lambda a: [[sum(row) / len(row)] for row in rows(a)],
    "colmean": lambda a: [[sum(column) / len(column) for column in columns(a)]],
    "tr": lambda a: sum(rows(a)[k][k] for k in range(len(a))),
    "det": lambda a: mpmath.det(mpmath.matrix(rows(a))),
    "logdet": lambda a: mpmath.log(mpmath.det(mpmath.matrix(rows(a)))),
    "dot": lambda a, b: paired(lambda x, y: x * y, a, b),
    "norm2": lambda a: mpmath.sqrt(paired(lambda x: x * x, a)),
    "norm1": lambda a: paired(abs, a),
    "logsumexp": lambda v: lse(entries(v)),
    "rowlogsumexp": lambda a: [[lse(row)] for row in rows(a)],
    "transpose": lambda a: columns(a),
    "inv": lambda a: (mpmath.matrix(rows(a)) ** -1).tolist(),
    "diag": lambda v: [
        [x if i == j else 0 for j in range(len(v))] for i, x in enumerate(entries(v))
    ],
    "diagonal": lambda a: [[rows(a)[k][k]] for k in range(len(a))],
    "outer": lambda a, b: [[x * y for y in entries(b)] for x in entries(a)],
    "softmax": lambda v: [[mpmath.exp(x - lse(entries(v)))] for x in entries(v)],
    "log_softmax": lambda v: [[x - lse(entries(v))] for x in entries(v)],
    "rowsoftmax": lambda a: [[mpmath.exp(x - lse(row)) for x in row] for row in rows(a)],
    "rowlog_softmax": lambda a: [[x - lse(row) for x in row] for row in rows(a)],
    "affine": lambda w, x, b: [
        [sum(p * q for p, q in zip(row, column, strict=True)) + shift for column in columns(x)]
        for row, shift in zip(rows(w), entries(b), strict=True)
    ],
    "sse": lambda r: paired(lambda x: x * x, r),
    "huber": lambda r, delta: sum(
        x * x / 2 if abs(x) < float(delta) else float(delta) * (abs(x) - float(delta) / 2)
        for x in entries(r)
    ),
    "cross_entropy": lambda p, y: paired(lambda a, b: -b * mpmath.log(a), p, y),
    "softmax_cross_entropy": lambda z, y: paired(lambda a, b: -b * (a - lse(entries(z))), z, y),
    "rowsoftmax_cross_entropy": lambda z, y: sum(
        -b * (a - lse(row))
        for row, targets in zip(rows(z), rows(y), strict=True)
        for a, b in zip(row, targets, strict=True)
    ),
    "nll": lambda logp, y: paired(lambda a, b: -b * a, logp, y),
    "kl": lambda p, q: paired(lambda a, b: a * mpmath.log(a / b), p, q),
    "mse": lambda a, y: meanwise(lambda p, q: (p - q) ** 2, a, y),
    "mae": lambda a, y: meanwise(lambda p, q: abs(p - q), a, y),
    "bce": lambda p, y: meanwise(bce, p, y),
    "bce_with_logits": lambda z, y: meanwise(lambda p, q: bce(sigmoid(p), q), z, y),
    "hinge": lambda z, y: meanwise(lambda p, q: max(0, 1 - q * p), z, y),
}

EXTENTS: Final = {"m": 3, "n": 4, "k": 2, "1": 1}
UNIT_INTERVAL: Final = {"log", "sqrt", "asin", "acos", "cross_entropy", "kl", "bce"}


def sample_arguments(name: str, rng: np.random.Generator) -> list[Any]:
    """Arrays that a function takes, inside its domain; scalars for what is 1 x 1."""
    function = FUNCTIONS[name]
    if function.signature is None:
        extents = [(3, 4)] * len(function.parameters)
    else:
        extents = [(EXTENTS[a], EXTENTS[b]) for a, b in function.pattern[0]]
    arrays = []
    for extent in extents:
        value = rng.standard_normal(extent)
        if name in UNIT_INTERVAL:
            value = rng.uniform(0.05, 0.95, extent)
        if name == "log1p":
            value = rng.uniform(-0.9, 2.0, extent)
        if name == "logdet":
            value = value @ value.T + np.triu(value)
            value = value if np.linalg.det(value) > 0 else value[[1, 0, *range(2, len(value))]]
        arrays.append(np.abs(value[0, 0]) if extent == (1, 1) else value)
    if name == "clip":
        arrays[1:] = np.minimum(*arrays[1:]), np.maximum(*arrays[1:])
    return arrays


def apply(name: str, arrays: list[Any]) -> tuple[Any, dict[str, Any]]:
    """The function applied to symbols, and their values."""
    symbols, environment = [], {}
    for letter, array in zip("ABC", arrays, strict=False):
        environment[letter] = array
        symbols.append(
            sympy.MatrixSymbol(letter, *array.shape)
            if np.ndim(array)
            else sympy.Symbol(letter, real=True)
        )
    return call(name, *symbols), environment


def expected_value(name: str, arrays: list[Any]) -> Any:
    if name in ENTRYWISE:
        places = np.ndindex(arrays[0].shape)
        value = [ENTRYWISE[name](*(mpmath.mpf(a[place]) for a in arrays)) for place in places]
        return np.array(value, dtype=float).reshape(arrays[0].shape)
    return np.array(ARRAYS[name](*arrays), dtype=float)


def test_every_function_has_a_row() -> None:
    assert sorted(EVALUATIONS) == CANONICAL


def test_every_function_has_a_formula_here() -> None:
    assert sorted({*ENTRYWISE, *ARRAYS}) == CANONICAL


@pytest.mark.parametrize("name", CANONICAL)
def test_value_is_that_of_the_formula(name: str, rng: np.random.Generator) -> None:
    arrays = sample_arguments(name, rng)
    expression, environment = apply(name, arrays)
    got = evaluate(expression, environment)
    np.testing.assert_allclose(got, expected_value(name, arrays), rtol=1e-12, atol=1e-14)
    assert got.ndim == (2 if isinstance(expression, sympy.MatrixExpr) else 0)


@pytest.mark.parametrize("name", CANONICAL)
def test_complex_step_agrees_with_central_differences(name: str, rng: np.random.Generator) -> None:
    arrays = sample_arguments(name, rng)
    expression, environment = apply(name, arrays)
    for letter, array in environment.items():
        change = rng.standard_normal(np.shape(array))
        stepped = evaluate(expression, environment | {letter: array + 1j * STEP * change})
        slopes = []
        for width in (1e-4, 5e-5):
            above = evaluate(expression, environment | {letter: array + width * change})
            below = evaluate(expression, environment | {letter: array - width * change})
            slopes.append((above - below) / (2 * width))
        central = (4 * slopes[1] - slopes[0]) / 3
        np.testing.assert_allclose(np.imag(stepped) / STEP, central, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", CANONICAL)
def test_a_batch_is_each_of_its_members(name: str, rng: np.random.Generator) -> None:
    members = [sample_arguments(name, rng) for _ in range(3)]
    expression, _ = apply(name, members[0])
    stacked = dict(
        zip("ABC", (np.stack(arrays) for arrays in zip(*members, strict=True)), strict=False)
    )
    got = evaluate(expression, stacked)
    for place, arrays in enumerate(members):
        alone = evaluate(expression, dict(zip("ABC", arrays, strict=False)))
        np.testing.assert_allclose(got[place], alone, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", CANONICAL)
def test_nan_stays_nan(name: str, rng: np.random.Generator) -> None:
    arrays = sample_arguments(name, rng)
    expression, environment = apply(name, arrays)
    for letter, array in environment.items():
        if name in ("where", "elu", "leaky_relu") and letter != "A":
            continue  # Used where the first argument asks for it, and nowhere else.
        value = evaluate(expression, environment | {letter: np.full_like(array, np.nan)})
        entries_of_value = value[np.eye(len(value)) > 0] if name == "diag" else value
        assert np.all(np.isnan(entries_of_value)), letter


@pytest.mark.parametrize(
    ("name", "outside"),
    [
        ("log", -1.0),
        ("sqrt", -1.0),
        ("log1p", -2.0),
        ("asin", 1.5),
        ("acos", -1.5),
    ],
)
def test_outside_the_domain_is_nan(name: str, outside: float) -> None:
    expression, _ = apply(name, [np.float64(0)])
    assert np.isnan(evaluate(expression, {"A": outside}))
    assert np.isnan(evaluate(expression, {"A": outside + 1j * STEP}))


def test_logdet_of_a_negative_determinant_is_nan() -> None:
    expression, _ = apply("logdet", [np.eye(2)])
    assert np.isnan(evaluate(expression, {"A": np.array([[0.0, 1.0], [1.0, 0.0]])}))


@pytest.mark.parametrize(
    ("name", "slope"),
    [
        ("relu", 0.0),
        ("abs", 0.0),
        ("sign", 0.0),
        ("heaviside", 0.0),
        ("softplus", 0.5),
        ("sigmoid", 0.25),
        ("silu", 0.5),
        ("gelu", 0.5),
    ],
)
def test_slope_at_zero(name: str, slope: float) -> None:
    expression, _ = apply(name, [np.float64(0)])
    stepped = evaluate(expression, {"A": 1j * STEP})
    assert stepped.imag / STEP == pytest.approx(slope, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "large"), [("softplus", 800.0), ("sigmoid", -800.0), ("logsumexp", 800.0)]
)
def test_large_arguments_do_not_overflow(name: str, large: float) -> None:
    shape = (2, 1)
    expression, _ = apply(name, [np.zeros(shape)])
    value = evaluate(expression, {"A": np.full(shape, large)})
    assert np.all(np.isfinite(value))


@pytest.mark.parametrize("name", sorted(set(SCALAR_EVALUATIONS) - {"Heaviside"}))
def test_scalar_functions_of_sympy(name: str, rng: np.random.Generator) -> None:
    x, y = sympy.symbols("x y", real=True)
    function = getattr(sympy, name)
    expression = function(x, y) if name in ("Max", "Min") else function(x)
    low, high = (1.2, 3.0) if name == "acosh" else (0.1, 0.9)
    values = {"x": rng.uniform(low, high), "y": rng.uniform(low, high)}
    expected = expression.subs({x: sympy.Float(values["x"], 30), y: sympy.Float(values["y"], 30)})
    assert evaluate(expression, values) == pytest.approx(float(expected), rel=1e-12)


def test_extents_are_those_of_the_vocabulary(rng: np.random.Generator) -> None:
    for name in CANONICAL:
        expression, environment = apply(name, sample_arguments(name, rng))
        value = evaluate(expression, environment)
        assert (value.shape or (1, 1)) == tuple(int(dim) for dim in extent_of(expression)), name
