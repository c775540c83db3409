"""Every function of the language, beside a formula written out entry by entry in mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import mpmath
import numpy as np
import pytest
import sympy

from derive.errors import InputError
from derive.shapes import as_dim
from derive.verify.evaluation import evaluate
from derive.verify.functions import EVALUATIONS, SCALAR_EVALUATIONS
from derive.vocabulary import FUNCTIONS, MatrixCall, call, extent_of

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


def variance(values: list[Any]) -> Any:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / len(values)


def plain(a: Any) -> list[list[Any]]:
    """Rows of a matrix of mpmath."""
    return [[a[i, j] for j in range(a.cols)] for i in range(a.rows)]


def weights(value: Any, count: int) -> list[Any]:
    """A weight for each of some entries, from a number, a column or a row."""
    found = entries(value)
    return found * count if len(found) == 1 else found


def normalised(values: list[Any], gamma: Any, beta: Any, eps: Any) -> list[Any]:
    mean, deviation = sum(values) / len(values), mpmath.sqrt(variance(values) + float(eps))
    return [
        g * (value - mean) / deviation + b
        for value, g, b in zip(
            values, weights(gamma, len(values)), weights(beta, len(values)), strict=True
        )
    ]


def rescaled(values: list[Any], gamma: Any, eps: Any) -> list[Any]:
    size = mpmath.sqrt(sum(value**2 for value in values) / len(values) + float(eps))
    return [g * value / size for value, g in zip(values, weights(gamma, len(values)), strict=True)]


def batch_normalised(x: Any, gamma: Any, beta: Any, eps: Any) -> list[list[Any]]:
    count = len(columns(x))
    found = [
        normalised(column, [g], [b], eps)
        for column, g, b in zip(
            columns(x), weights(gamma, count), weights(beta, count), strict=True
        )
    ]
    return [list(row) for row in zip(*found, strict=True)]


def attention(q: Any, k: Any, v: Any) -> list[list[Any]]:
    scores = [
        [
            sum(a * b for a, b in zip(query, key, strict=True)) / mpmath.sqrt(len(query))
            for key in rows(k)
        ]
        for query in rows(q)
    ]
    shares = [[mpmath.exp(score - lse(row)) for score in row] for row in scores]
    return [
        [sum(p * value for p, value in zip(row, column, strict=True)) for column in columns(v)]
        for row in shares
    ]


def pinv(a: Any) -> list[list[Any]]:
    x = mpmath.matrix(rows(a))
    if x.rows < x.cols:
        return plain(x.T * (x * x.T) ** -1)
    return plain((x.T * x) ** -1 * x.T)


def series(a: Any, direction: Any = None) -> list[list[Any]]:
    """The exponential as a power series, or its derivative, term by term."""
    x = mpmath.matrix(rows(a))
    e = mpmath.zeros(x.rows) if direction is None else mpmath.matrix(rows(direction))
    power, slope = mpmath.eye(x.rows), mpmath.zeros(x.rows)
    value, derivative = power.copy(), slope.copy()
    for k in range(1, 120):
        slope = (slope * x + power * e) / k
        power = power * x / k
        value, derivative = value + power, derivative + slope
    return plain(value if direction is None else derivative)


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
    "prod": lambda a: mpmath.fprod(entries(a)),
    "amax": lambda a: max(entries(a)),
    "amin": lambda a: min(entries(a)),
    "var": lambda a: variance(entries(a)),
    "rowmax": lambda a: [[max(row)] for row in rows(a)],
    "rowmin": lambda a: [[min(row)] for row in rows(a)],
    "rowvar": lambda a: [[variance(row)] for row in rows(a)],
    "colmax": lambda a: [[max(column) for column in columns(a)]],
    "colmin": lambda a: [[min(column) for column in columns(a)]],
    "colvar": lambda a: [[variance(column) for column in columns(a)]],
    "norminf": lambda a: max(abs(x) for x in entries(a)),
    "pinv": pinv,
    "solve": lambda a, b: plain(mpmath.matrix(rows(a)) ** -1 * mpmath.matrix(rows(b))),
    "cholesky": lambda a: plain(mpmath.cholesky(mpmath.matrix(rows(a)))),
    "expm": series,
    "expm_frechet": series,
    "tril": lambda a: [
        [x if i >= j else 0 for j, x in enumerate(row)] for i, row in enumerate(rows(a))
    ],
    "triu": lambda a: [
        [x if i <= j else 0 for j, x in enumerate(row)] for i, row in enumerate(rows(a))
    ],
    "kron": lambda a, b: [
        [x * y for x in left for y in right] for left in rows(a) for right in rows(b)
    ],
    "vec": lambda a: [[x] for column in columns(a) for x in column],
    "unvec": lambda v, m, n: [
        [entries(v)[i + j * int(m)] for j in range(int(n))] for i in range(int(m))
    ],
    "commutation": lambda m, n: [
        [float((i, j) == (column, row)) for column in range(int(n)) for row in range(int(m))]
        for j in range(int(m))
        for i in range(int(n))
    ],
    "hcat": lambda a, b: [[*left, *right] for left, right in zip(rows(a), rows(b), strict=True)],
    "vcat": lambda a, b: [*rows(a), *rows(b)],
    "layernorm": lambda x, *more: [[y] for y in normalised(entries(x), *more)],
    "rowlayernorm": lambda x, *more: [normalised(row, *more) for row in rows(x)],
    "batchnorm": batch_normalised,
    "rmsnorm": lambda x, *more: [[y] for y in rescaled(entries(x), *more)],
    "rowrmsnorm": lambda x, *more: [rescaled(row, *more) for row in rows(x)],
    "attention": attention,
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

SIZES: Final = {"m": 3, "n": 4, "k": 2, "p": 5, "q": 2, "d": 3}
"""Generic sizes."""

ONES: Final = dict.fromkeys(SIZES, 1)
UNIT_INTERVAL: Final = {"log", "sqrt", "asin", "acos", "cross_entropy", "kl", "bce"}


def dim(axis: str) -> Any:
    """The size that a signature's name stands for."""
    if "*" in axis:
        return sympy.Mul(*map(dim, axis.split("*")))
    return sympy.S(1) if axis == "1" else as_dim(axis)


def arguments_of(name: str) -> list[Any]:
    """The symbols A, B, ... that a function takes, with symbolic sizes; sizes as they are."""
    function = FUNCTIONS[name]
    axes = [("m", "n")] * len(function.parameters)
    if function.signature is not None:
        axes = list(function.pattern[0])
    symbols: list[Any] = []
    for letter, (first, second) in zip("ABCD", axes, strict=False):
        if first == "#":
            symbols.append(dim(second))
        elif first == second == "1":
            symbols.append(sympy.Symbol(letter, real=True))
        elif first == "~":
            symbols.append(sympy.MatrixSymbol(letter, dim(second), 1))
        else:
            symbols.append(sympy.MatrixSymbol(letter, dim(first), dim(second)))
    return symbols


def extent_at(expression: Any, sizes: dict[str, int]) -> tuple[int, ...]:
    numbers = {as_dim(letter): size for letter, size in sizes.items()}
    return tuple(int(size.subs(numbers)) for size in extent_of(expression))


def sample(name: str, rng: np.random.Generator, sizes: dict[str, int] = SIZES) -> dict[str, Any]:
    """Values of the arguments and sizes, inside the domain of a function."""
    values: dict[str, Any] = {}
    for symbol in arguments_of(name):
        if not isinstance(symbol, sympy.MatrixSymbol):
            if symbol.name not in sizes:
                values[symbol.name] = np.abs(rng.standard_normal())
            continue
        extent = extent_at(symbol, sizes)
        value = rng.standard_normal(extent)
        if value.size == 1:
            value += 0.3 * np.sign(value)
        if name in UNIT_INTERVAL:
            value = rng.uniform(0.05, 0.95, extent)
        if name == "log1p":
            value = rng.uniform(-0.9, 2.0, extent)
        if name == "logdet":
            value = value @ value.T + np.triu(value) + 0.1
            value[0] *= np.sign(np.linalg.det(value))
        if name == "cholesky":
            value = value @ value.T + 0.1 * np.eye(len(value))
        values[symbol.name] = value
    if name == "clip":
        values["B"], values["C"] = (
            np.minimum(values["B"], values["C"]),
            np.maximum(values["B"], values["C"]),
        )
    return values | sizes


def apply(name: str) -> Any:
    """The function applied to symbols."""
    return call(name, *arguments_of(name))


def differenced(name: str) -> list[str]:
    """The names of the arguments that are not sizes."""
    return [symbol.name for symbol in arguments_of(name) if symbol.name not in SIZES]


def expected_value(name: str, values: dict[str, Any]) -> Any:
    arrays = [values[symbol.name] for symbol in arguments_of(name)]
    if name in ENTRYWISE:
        places = np.ndindex(arrays[0].shape)
        value = [ENTRYWISE[name](*(mpmath.mpf(a[place]) for a in arrays)) for place in places]
        return np.array(value, dtype=float).reshape(arrays[0].shape)
    return np.array(ARRAYS[name](*arrays), dtype=float)


def test_every_function_has_a_row() -> None:
    assert sorted(EVALUATIONS) == CANONICAL


def test_every_function_has_a_formula_here() -> None:
    assert sorted({*ENTRYWISE, *ARRAYS}) == CANONICAL


@pytest.mark.parametrize("sizes", [SIZES, ONES], ids=["generic", "ones"])
@pytest.mark.parametrize("name", CANONICAL)
def test_value_is_that_of_the_formula(
    name: str, sizes: dict[str, int], rng: np.random.Generator
) -> None:
    values = sample(name, rng, sizes)
    expression = apply(name)
    got = evaluate(expression, values)
    np.testing.assert_allclose(got, expected_value(name, values), rtol=1e-12, atol=1e-14)
    assert got.ndim == (2 if isinstance(expression, sympy.MatrixExpr) else 0)


@pytest.mark.parametrize("name", CANONICAL)
def test_value_at_numbers_is_that_at_one_entry(name: str, rng: np.random.Generator) -> None:
    values = sample(name, rng, ONES)
    numbers = [sympy.Symbol(s.name, real=True) for s in arguments_of(name)]
    alone = call(name, *(sympy.S(1) if s.name in ONES else s for s in numbers))
    got = evaluate(alone, {key: np.ravel(value)[0] for key, value in values.items()})
    np.testing.assert_allclose(np.ravel(got), np.ravel(evaluate(apply(name), values)), rtol=1e-14)


@pytest.mark.parametrize("sizes", [SIZES, ONES], ids=["generic", "ones"])
@pytest.mark.parametrize("name", CANONICAL)
def test_complex_step_agrees_with_central_differences(
    name: str, sizes: dict[str, int], rng: np.random.Generator
) -> None:
    values = sample(name, rng, sizes)
    expression = apply(name)
    for letter in differenced(name):
        array = values[letter]
        change = rng.standard_normal(np.shape(array))
        stepped = evaluate(expression, values | {letter: array + 1j * STEP * change})
        slopes = []
        for width in (1e-4, 5e-5):
            above = evaluate(expression, values | {letter: array + width * change})
            below = evaluate(expression, values | {letter: array - width * change})
            slopes.append((above - below) / (2 * width))
        central = (4 * slopes[1] - slopes[0]) / 3
        np.testing.assert_allclose(np.imag(stepped) / STEP, central, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", [name for name in CANONICAL if differenced(name)])
def test_a_batch_is_each_of_its_members(name: str, rng: np.random.Generator) -> None:
    members = [sample(name, rng) for _ in range(3)]
    expression = apply(name)
    letters = differenced(name)
    stacked = SIZES | {
        letter: np.stack([values[letter] for values in members]) for letter in letters
    }
    got = evaluate(expression, stacked)
    for place, values in enumerate(members):
        np.testing.assert_allclose(got[place], evaluate(expression, values), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", [name for name in CANONICAL if len(differenced(name)) > 1])
def test_one_argument_may_be_a_batch(name: str, rng: np.random.Generator) -> None:
    members = [sample(name, rng) for _ in range(2)]
    expression = apply(name)
    for letter in differenced(name):
        stacked = members[0] | {letter: np.stack([values[letter] for values in members])}
        got = evaluate(expression, stacked)
        for place, values in enumerate(members):
            alone = evaluate(expression, members[0] | {letter: values[letter]})
            np.testing.assert_allclose(got[place], alone, rtol=1e-13, atol=1e-15)


UNUSED: Final = {
    "where": "BC",  # Used where the first argument asks for it.
    "elu": "B",
    "leaky_relu": "B",
}


@pytest.mark.parametrize("name", CANONICAL)
def test_nan_stays_nan(name: str, rng: np.random.Generator) -> None:
    values = sample(name, rng)
    expression = apply(name)
    expected = evaluate(expression, values)
    for letter in differenced(name):
        if letter in UNUSED.get(name, ""):
            continue
        got = evaluate(expression, values | {letter: np.full_like(values[letter], np.nan)})
        if name in ("hcat", "vcat"):
            assert np.isnan(got).sum() == values[letter].size
        else:
            is_zero = (expected == 0) & (name in ("diag", "tril", "triu"))
            assert np.all(np.isnan(got) | is_zero), letter


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
    expression = call(name, sympy.Symbol("A", real=True))
    assert np.isnan(evaluate(expression, {"A": outside}))
    assert np.isnan(evaluate(expression, {"A": outside + 1j * STEP}))


def test_logdet_of_a_negative_determinant_is_nan() -> None:
    value = evaluate(apply("logdet"), {"A": np.array([[0.0, 1.0], [1.0, 0.0]]), "n": 2})
    assert np.isnan(value)


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
    expression = call(name, sympy.Symbol("A", real=True))
    stepped = evaluate(expression, {"A": 1j * STEP})
    assert stepped.imag / STEP == pytest.approx(slope, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "large"), [("softplus", 800.0), ("sigmoid", -800.0), ("logsumexp", 800.0)]
)
def test_large_arguments_do_not_overflow(name: str, large: float) -> None:
    value = evaluate(call(name, sympy.MatrixSymbol("A", 2, 1)), {"A": np.full((2, 1), large)})
    assert np.all(np.isfinite(value))


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("log1p", [1e-20, -1e-18], [1e-20, -1e-18]),
        ("softplus", [-50.0], [math.exp(-50)]),
        ("log_softmax", [0.0, -50.0], [-math.exp(-50), -50.0]),
        ("logsumexp", [-45.0, 0.0], math.exp(-45)),
    ],
)
def test_logarithms_near_1_keep_their_digits(
    name: str, given: list[float], expected: Any, kind: type
) -> None:
    expression = call(name, sympy.MatrixSymbol("A", len(given), 1))
    value = evaluate(expression, {"A": np.array(given, dtype=kind)[:, None]})
    np.testing.assert_allclose(np.ravel(value), np.ravel(expected), rtol=1e-14)


@pytest.mark.parametrize("name", sorted(set(SCALAR_EVALUATIONS) - {"Heaviside"}))
def test_scalar_functions_of_sympy(name: str, rng: np.random.Generator) -> None:
    x, y = sympy.symbols("x y", real=True)
    function = getattr(sympy, name)
    expression = function(x, y) if name in ("Max", "Min") else function(x)
    low, high = (1.2, 3.0) if name == "acosh" else (0.1, 0.9)
    values = {"x": rng.uniform(low, high), "y": rng.uniform(low, high)}
    expected = expression.subs({x: sympy.Float(values["x"], 30), y: sympy.Float(values["y"], 30)})
    assert evaluate(expression, values) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("name", CANONICAL)
def test_extents_are_those_of_the_vocabulary(name: str, rng: np.random.Generator) -> None:
    expression = apply(name)
    value = evaluate(expression, sample(name, rng))
    assert (value.shape or (1, 1)) == extent_at(expression, SIZES)


TIES: Final = {
    "amax": ([[2, 5, 5], [5, 1, 0]], [[0, 1, 1], [1, 0, 0]]),
    "amin": ([[2, 5, 5], [5, 1, 1]], [[0, 0, 0], [0, 1, 1]]),
    "norminf": ([[2, -5, 5], [5, 1, 0]], [[0, -1, 1], [1, 0, 0]]),
    "rowmax": ([[2, 5, 5], [3, 3, 3]], [[0, 1, 1], [1, 1, 1]]),
    "rowmin": ([[2, 5, 2], [3, 4, 5]], [[1, 0, 1], [1, 0, 0]]),
    "colmax": ([[2, 5, 5], [2, 1, 5]], [[1, 1, 1], [1, 0, 1]]),
    "colmin": ([[2, 5, 5], [2, 1, 5]], [[1, 0, 1], [1, 1, 1]]),
}


@pytest.mark.parametrize("name", TIES)
def test_tied_entries_share_equally(name: str) -> None:
    array, signs = (np.array(rows, dtype=float) for rows in TIES[name])
    axis = {"row": 1, "col": 0}.get(name[:3])
    shares = signs / np.abs(signs).sum(axis=axis, keepdims=True)
    for place in np.ndindex(array.shape):
        unit = np.zeros(array.shape)
        unit[place] = 1.0
        got = evaluate(apply(name), {"A": array + 1j * STEP * unit, "m": 2, "n": 3})
        assert got.imag.sum() / STEP == pytest.approx(shares[place], rel=1e-15)


@pytest.mark.parametrize("name", ["max", "min"])
def test_two_that_are_equal_have_a_half_each(name: str) -> None:
    x, y = sympy.symbols("A B", real=True)
    for moved in "AB":
        values = {"A": 2.0, "B": 2.0}
        got = evaluate(call(name, x, y), values | {moved: 2 + 1j * STEP})
        assert got.imag / STEP == 0.5


@pytest.mark.parametrize("form", ["column", "row", "number"])
@pytest.mark.parametrize(
    "name", ["layernorm", "rowlayernorm", "batchnorm", "rmsnorm", "rowrmsnorm"]
)
def test_weights_may_be_columns_rows_or_numbers(
    name: str, form: str, rng: np.random.Generator
) -> None:
    values = sample(name, rng)
    first, *more = arguments_of(name)
    n, count = as_dim("n"), len(more) - 1
    weight: Any = np.float64(1.3)
    symbols = [sympy.Symbol(s.name, real=True) for s in more[:count]]
    if form != "number":
        weight = rng.standard_normal((4, 1) if form == "column" else (1, 4))
        extent = (n, 1) if form == "column" else (1, n)
        symbols = [sympy.MatrixSymbol(s.name, *extent) for s in more[:count]]
    values |= dict.fromkeys("BC"[:count], weight)
    got = evaluate(call(name, first, *symbols, sympy.Rational(1, 7)), values)
    expected = ARRAYS[name](values["A"], *([weight] * count), 1 / 7)
    np.testing.assert_allclose(got, np.array(expected, dtype=float), rtol=1e-13)


@pytest.mark.parametrize(
    "name", ["layernorm", "rowlayernorm", "batchnorm", "rmsnorm", "rowrmsnorm"]
)
def test_weights_may_be_left_out(name: str, rng: np.random.Generator) -> None:
    values = sample(name, rng)
    first, gamma, *_ = arguments_of(name)
    defaults = (1.0, 0.0, 1e-5) if "rms" not in name else (1.0, 1e-5)
    for given in ((), (gamma,)):
        got = evaluate(call(name, first, *given), values)
        more = (*(values["B"] for _ in given), *defaults[len(given) :])
        expected = ARRAYS[name](values["A"], *more)
        np.testing.assert_allclose(got, np.array(expected, dtype=float), rtol=1e-13)


def test_several_arrays_are_joined(rng: np.random.Generator) -> None:
    values = {letter: rng.standard_normal((3, 2)) for letter in "ABC"}
    symbols = [sympy.MatrixSymbol(letter, 3, 2) for letter in "ABC"]
    for name, stack in (("hcat", np.hstack), ("vcat", np.vstack)):
        expected = stack(list(values.values()))
        np.testing.assert_array_equal(evaluate(call(name, *symbols), values), expected)
        np.testing.assert_array_equal(evaluate(MatrixCall(name, *symbols), values), expected)


@pytest.mark.parametrize("extent", [(5, 2), (2, 5), (4, 4)])
def test_two_pseudo_inverses_agree(extent: tuple[int, int], rng: np.random.Generator) -> None:
    array = rng.standard_normal(extent)
    symbol = sympy.MatrixSymbol("A", *extent)
    real = evaluate(call("pinv", symbol), {"A": array})
    continued = evaluate(call("pinv", symbol), {"A": array.astype(complex)})
    np.testing.assert_allclose(continued.real, real, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(real @ array @ real, real, atol=1e-12)


@pytest.mark.parametrize("size", [1e-8, 1.0, 30.0, 300.0])
def test_exponentials_of_all_sizes(size: float, rng: np.random.Generator) -> None:
    half = rng.standard_normal((4, 4))
    skew = half - half.T
    turned = size * skew / np.linalg.norm(skew)
    angles, axes = np.linalg.eigh(1j * turned)
    expected = (axes * np.exp(-1j * angles)) @ axes.conj().T
    got = evaluate(apply("expm"), {"A": turned, "n": 4})
    np.testing.assert_allclose(got, expected.real, atol=1e-15 * max(10, 10 * size))


def test_cholesky_moves_along_the_symmetric_part(rng: np.random.Generator) -> None:
    values = sample("cholesky", rng)
    change = rng.standard_normal((4, 4))
    slopes = [
        evaluate(apply("cholesky"), values | {"A": values["A"] + 1j * STEP * direction}).imag / STEP
        for direction in (change, (change + change.T) / 2)
    ]
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-13, atol=1e-15)
    factor = np.linalg.cholesky(values["A"])
    back = slopes[0] @ factor.T + factor @ slopes[0].T
    np.testing.assert_allclose(back, (change + change.T) / 2, rtol=1e-12, atol=1e-13)


def test_what_is_not_definite_has_no_cholesky_factor() -> None:
    expression = apply("cholesky")
    for array in (np.diag([1.0, -1.0]), np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros((2, 2))):
        for value in (array, array.astype(complex)):
            assert np.all(np.isnan(evaluate(expression, {"A": value, "n": 2})))
    stack = np.stack([np.diag([1.0, -1.0]), np.diag([4.0, 9.0])])
    got = evaluate(expression, {"A": stack, "n": 2})
    assert np.all(np.isnan(got[0]))
    np.testing.assert_array_equal(got[1], np.diag([2.0, 3.0]))


@pytest.mark.parametrize("name", ["inv", "solve", "pinv"])
def test_singular_matrices_have_no_slope(name: str) -> None:
    symbols = [sympy.MatrixSymbol(letter, 2, 2) for letter in "AB"][: 2 if name == "solve" else 1]
    values = {"A": np.zeros((2, 2)) + 1j * STEP * np.ones((2, 2)), "B": np.eye(2)}
    assert not np.any(np.isfinite(evaluate(call(name, *symbols), values)))


def test_entries_that_make_no_matrix_are_refused() -> None:
    wrong = MatrixCall("unvec", sympy.MatrixSymbol("v", 5, 1), sympy.S(2), sympy.S(3))
    with pytest.raises(InputError, match="5 entries do not make a 2 x 3 matrix"):
        evaluate(wrong, {"v": np.ones((5, 1))})
