"""Values and gradients of generated code beside arithmetic with hundreds of digits.

Inputs are from 1e-300 to 1e4 in size, alone and mixed. Every entry has to be right to twelve digits
(in single precision, at sizes up to 200, to five), unless the true value is below what floating
point can hold. A warning fails the test: the suite turns warnings into errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

LEAST_STEP, MARGIN = 340, 360
"""A step of so many decimals beyond the inputs; so many digits more than the step has."""

SIZES = (1e-300, 1e-150, 1e-20, 1e-8, 1e-3, 0.3, 1.0, 3.0, 10.0, 37.0, 100.0, 300.0, 708.0, 1e4)
NUMBERS = [sign * size for size in SIZES for sign in (1.0, -1.0)]

VECTORS = {
    "tiny": [1e-300, -1e-300, 3e-300, 2e-300],
    "small": [1e-8, -2e-8, 3e-9, 5e-8],
    "moderate": [1.0, -2.0, 0.5, 3.0],
    "confident": [40.0, -1.0, 2.0, 0.25],
    "wide": [700.0, -700.0, 2.0, 300.0],
    "huge": [1e4, -1e4, 9990.0, 5e3],
    "mixed": [1e4, 1e-300, -1e4, 5.0],
    "below": [-1e4, -9999.0, -1e4, -9.995e3],
    "equal": [300.0, 300.0, 300.0, 300.0],
}
SINGLE = {
    "moderate": [1.0, -2.0, 0.5, 3.0],
    "confident": [30.0, -1.0, 2.0, 0.25],
    "wide": [200.0, -200.0, 150.0, 1e-3],
    "below": [-200.0, -199.0, -200.0, -190.0],
}
ONE_HOT, SOFT = [1.0, 0.0, 0.0, 0.0], [0.4375, 0.0625, 0.3125, 0.1875]

Numbers = Any
"""A sequence of numbers, or an array."""


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def softplus(x: Any) -> Any:
    return max(x, 0) + mpmath.log1p(mpmath.exp(-abs(x)))


def log_cosh(x: Any) -> Any:
    return abs(x) + mpmath.log1p(mpmath.exp(-2 * abs(x))) - mpmath.log(2)


def total(values: Numbers) -> Any:
    return mpmath.fsum(values)


def dot(left: Numbers, right: Numbers) -> Any:
    return mpmath.fsum(a * b for a, b in zip(left, right, strict=True))


def logsumexp(z: Numbers) -> Any:
    top = max(z)
    others = list(z)
    others.remove(top)
    return top + mpmath.log1p(total([mpmath.exp(x - top) for x in others]))


def log_softmax(z: Numbers) -> list[Any]:
    """The largest entry without a difference of near numbers."""
    found = []
    for k, x in enumerate(z):
        others = [mpmath.exp(y - x) for j, y in enumerate(z) if j != k]
        found.append(-mpmath.log1p(total(others)))
    return found


def softmax(z: Numbers) -> list[Any]:
    return [mpmath.exp(x) for x in log_softmax(z)]


def norm(x: Numbers) -> Any:
    return mpmath.sqrt(dot(x, x))


EPSILON = mpf(1) / 100000


def layernorm(x: Numbers) -> list[Any]:
    centre = total(x) / len(x)
    deviation = mpmath.sqrt(total([(a - centre) ** 2 for a in x]) / len(x) + EPSILON)
    return [(a - centre) / deviation for a in x]


def rmsnorm(x: Numbers) -> list[Any]:
    root = mpmath.sqrt(dot(x, x) / len(x) + EPSILON)
    return [a / root for a in x]


def binary(z: Numbers, y: Numbers) -> Any:
    terms = [b * softplus(-a) + (1 - b) * softplus(a) for a, b in zip(z, y, strict=True)]
    return total(terms) / len(z)


LAMBDA = mpf("1.0507009873554804934193349852946")
ALPHA = mpf("1.6732632423543772848170429916717")

ENTRYWISE: dict[str, Callable[[Any], Any]] = {
    "sigmoid(x)": sigmoid,
    "softplus(x)": softplus,
    "tanh(x)": mpmath.tanh,
    "erf(x)": mpmath.erf,
    "gelu(x)": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "gelu_tanh(x)": lambda x: (
        x * sigmoid(2 * mpmath.sqrt(2 / mpmath.pi) * (x + mpf(44715) / 10**6 * x**3))
    ),
    "silu(x)": lambda x: x * sigmoid(x),
    "mish(x)": lambda x: x * mpmath.tanh(softplus(x)),
    "elu(x, 1)": lambda x: x if x > 0 else mpmath.expm1(x),
    "selu(x)": lambda x: LAMBDA * (x if x > 0 else ALPHA * mpmath.expm1(x)),
    "log(sigmoid(x))": lambda x: -softplus(-x),
    "log(1 - sigmoid(x))": lambda x: -softplus(x),
    "log(1 + exp(-x))": lambda x: softplus(-x),
    "log(1 + exp(x) + exp(2*x))": lambda x: (
        mpmath.log1p(mpmath.exp(x) + mpmath.exp(2 * x))
        if x < 0
        else 2 * x + mpmath.log1p(mpmath.exp(-x) + mpmath.exp(-2 * x))
    ),
    "log(3 + 2*exp(x))": lambda x: (
        mpmath.log(3) + mpmath.log1p(2 * mpmath.exp(x) / 3)
        if x < 0
        else x + mpmath.log(2 + 3 * mpmath.exp(-x))
    ),
    "log(cosh(x))": log_cosh,
    "log(2*cosh(x))": lambda x: log_cosh(x) + mpmath.log(2),
    "1 - sigmoid(x)": lambda x: sigmoid(-x),
    "1 - tanh(x).^2": lambda x: 4 * sigmoid(2 * x) * sigmoid(-2 * x),
    "1 ./ cosh(x)": lambda x: mpmath.sech(x),
    "sinh(x) ./ cosh(x)": mpmath.tanh,
    "exp(x) ./ (2 + exp(x))": lambda x: 1 / (1 + 2 * mpmath.exp(-x)),
    "1 + erf(x)": lambda x: mpmath.erfc(-x),
    "huber(x, 1)": lambda x: x**2 / 2 if abs(x) <= 1 else abs(x) - mpf(1) / 2,
    "sqrt(1 + x.^2)": lambda x: mpmath.sqrt(1 + x**2),
    "where(x > 0, sqrt(x), x)": lambda x: mpmath.sqrt(x) if x > 0 else x,
    "where(x > 0, x .* log(x), x)": lambda x: x * mpmath.log(x) if x > 0 else x,
    "where(x < 6, exp(x), x)": lambda x: mpmath.exp(x) if x < 6 else x,
    "where(x > 0, sqrt(x), sqrt(-x))": lambda x: mpmath.sqrt(abs(x)),
}

WEIGHTS = [0.59375, -1.125, 1.6875, 0.8125]

OF_VECTORS: dict[str, Callable[[Numbers], Any]] = {
    "sum(c .* softmax(x))": lambda x: dot(WEIGHTS, softmax(x)),
    "logsumexp(x)": logsumexp,
    "log(sum(exp(x)))": logsumexp,
    "log(mean(exp(x)))": lambda x: logsumexp(x) - mpmath.log(len(x)),
    "sum(rowlogsumexp(x'))": logsumexp,
    "sum(c .* rowsoftmax(x')')": lambda x: dot(WEIGHTS, softmax(x)),
    "sum(c .* log_softmax(x))": lambda x: dot(WEIGHTS, log_softmax(x)),
    "norm2(x)": norm,
    "c'*x/norm2(x)": lambda x: dot(WEIGHTS, x) / norm(x),
    "sum(sqrt(x.^2 + d.^2))": lambda x: total(
        mpmath.sqrt(a**2 + mpf(b) ** 2) for a, b in zip(x, WEIGHTS, strict=True)
    ),
    "sum(c .* layernorm(x))": lambda x: dot(WEIGHTS, layernorm(x)),
    "sum(c .* rowlayernorm(x')')": lambda x: dot(WEIGHTS, layernorm(x)),
    "sum(c .* rmsnorm(x))": lambda x: dot(WEIGHTS, rmsnorm(x)),
    "sum(c .* exp(x))/sum(exp(x))": lambda x: dot(WEIGHTS, softmax(x)),
}

LABELLED: dict[str, Callable[[Numbers, Numbers], Any]] = {
    "cross_entropy(softmax(x), y)": lambda x, y: -dot(y, log_softmax(x)),
    "softmax_cross_entropy(x, y)": lambda x, y: -dot(y, log_softmax(x)),
    "rowsoftmax_cross_entropy(x', y')": lambda x, y: -dot(y, log_softmax(x)),
    "nll(log_softmax(x), y)": lambda x, y: -dot(y, log_softmax(x)),
    "logsumexp(x) - y'*x": lambda x, y: -dot(y, log_softmax(x)),
    "bce(sigmoid(x), y)": binary,
    "bce_with_logits(x, y)": binary,
    "kl(y, softmax(x))": lambda x, y: total(
        b * (mpmath.log(b) - a) for a, b in zip(log_softmax(x), y, strict=True)
    ),
}


def reference(
    function: Callable[[Numbers], Any], point: Numbers, places: Sequence[int]
) -> tuple[Any, list[Any]]:
    """The value, and its derivatives by these entries: differences, with digits to spare."""
    smallest = min(abs(float(x)) for x in point)
    decimals = LEAST_STEP if smallest < 1e-40 else 60
    with mpmath.workdps(decimals + MARGIN):
        step = mpf(10) ** -decimals
        exact = [mpf(float(x)) for x in point]
        slopes = []
        for place in places:
            above, below = list(exact), list(exact)
            above[place] += step
            below[place] -= step
            slopes.append((function(above) - function(below)) / (2 * step))
        return function(exact), slopes


def error(found: Any, true: Any, least: float) -> float:
    """Relative to the true value; 0 if both are smaller than floating point can tell."""
    if not np.isfinite(found):
        return float("inf")
    with mpmath.workdps(50):
        difference = abs(mpf(float(found)) - true)
        return 0.0 if difference <= least else float(difference / abs(true))


def compare(
    module: Any, arguments: Mapping[str, Any], true: tuple[Any, list[Any]], dtype: Any
) -> None:
    """The generated functions beside the true value and gradient."""
    tolerance, least = (1e-12, 1e-300) if dtype is np.float64 else (1e-5, 1e-37)
    arrays = {name: np.array(value, dtype) for name, value in arguments.items()}
    value, (gradient,) = module.value_and_grad_J(**arrays)
    assert gradient.dtype == dtype
    assert error(value, true[0], least) < tolerance, (value, float(true[0]))
    single = module.grad_J_x(**arrays)
    for entry, alone, slope in zip(gradient, single, true[1], strict=True):
        assert error(entry, slope, least) < tolerance, (gradient, [float(s) for s in true[1]])
        assert error(alone, slope, least) < tolerance


@pytest.mark.parametrize("formula", ENTRYWISE)
def test_entrywise(formula: str, generate: Any) -> None:
    module = generate(f"x : (n)\nJ = sum({formula})\ngrad J wrt x")
    for number in NUMBERS:
        true = reference(lambda x: ENTRYWISE[formula](x[0]), [number], [0])
        compare(module, {"x": [number]}, true, np.float64)


@pytest.mark.parametrize("formula", ENTRYWISE)
def test_entrywise_in_single_precision(formula: str, generate: Any) -> None:
    module = generate(f"x : (n)\nJ = sum({formula})\ngrad J wrt x")
    for size in (1e-30, 1e-6, 0.3, 1.0, 5.0, 30.0, 80.0, 200.0):
        for number in np.array([size, -size], np.float32):
            true = reference(lambda x: ENTRYWISE[formula](x[0]), [number], [0])
            compare(module, {"x": [number]}, true, np.float32)


@pytest.mark.parametrize("at", VECTORS)
@pytest.mark.parametrize("formula", OF_VECTORS)
def test_of_vectors(formula: str, at: str, generate: Any) -> None:
    module, arguments = of_vector(formula, VECTORS[at], generate)
    compare(module, arguments, reference(OF_VECTORS[formula], VECTORS[at], range(4)), np.float64)


@pytest.mark.parametrize("at", SINGLE)
@pytest.mark.parametrize("formula", OF_VECTORS)
def test_of_vectors_in_single_precision(formula: str, at: str, generate: Any) -> None:
    point = np.array(SINGLE[at], np.float32)
    module, arguments = of_vector(formula, point, generate)
    compare(module, arguments, reference(OF_VECTORS[formula], point, range(4)), np.float32)


def of_vector(formula: str, point: Any, generate: Any) -> tuple[Any, dict[str, Any]]:
    module = generate(f"x : (n)\nc : (n)\nd : (n)\nJ = {formula}\ngrad J wrt x")
    given = {"x": point, "c": WEIGHTS, "d": WEIGHTS}
    return module, {name: given[name] for name in given if name in formula.replace("exp", "")}


@pytest.mark.parametrize("label", [ONE_HOT, SOFT], ids=["one-hot", "soft"])
@pytest.mark.parametrize("at", VECTORS)
@pytest.mark.parametrize("formula", LABELLED)
def test_beside_labels(formula: str, at: str, label: list[float], generate: Any) -> None:
    check_labelled(formula, VECTORS[at], label, generate, np.float64)


@pytest.mark.parametrize("label", [ONE_HOT, SOFT], ids=["one-hot", "soft"])
@pytest.mark.parametrize("at", SINGLE)
@pytest.mark.parametrize("formula", LABELLED)
def test_beside_labels_in_single_precision(
    formula: str, at: str, label: list[float], generate: Any
) -> None:
    check_labelled(formula, SINGLE[at], label, generate, np.float32)


def check_labelled(
    formula: str, point: list[float], label: list[float], generate: Any, dtype: Any
) -> None:
    if formula.startswith("kl") and 0.0 in label:
        label = SOFT[::-1]
    fact = "" if formula.startswith("bce") else " probability"
    module = generate(f"x : (n)\ny : (n){fact}\nJ = {formula}\ngrad J wrt x")
    function = LABELLED[formula]
    true = reference(
        lambda x: function(x, [mpf(b) for b in label]), np.array(point, dtype), range(4)
    )
    compare(module, {"x": point, "y": label}, true, dtype)
