"""Checks poisson.py by central differences along random directions, with NumPy alone."""

import numpy as np
import pytest

import poisson

STEP = 1e-5
SIZES = [
    {"N": 4, "d": 3},
    {"N": 1, "d": 1},
]


def arguments_of_J(rng, positive, N, d):
    """A random point."""

    def array(*shape):
        entries = rng.standard_normal(shape)
        return np.abs(entries) + 0.1 if positive else entries

    return {
        "X": array(N, d),
        "y": np.abs(array(N)),
        "w": array(d),
    }


def directions_of_J(rng, arguments):
    """A random direction for each gradient, one in which the facts stay true."""

    def like(name):
        return rng.standard_normal(np.shape(arguments[name]))

    return {
        "w": like("w"),
    }


CASES = {
    "J": (arguments_of_J, directions_of_J),
}
GRADIENTS = {
    "J": [
        ("grad_J_w", "w"),
    ],
}


def compute(name, arguments):
    """A scalar and its gradients."""
    with np.errstate(all="ignore"):
        return getattr(poisson, f"value_and_grad_{name}")(**arguments)


def find_point(name, rng, sizes):
    """Arguments at which a scalar and its gradients are finite."""
    draw, _ = CASES[name]
    for attempt in range(1000):
        arguments = draw(rng, attempt % 2 == 1, **sizes)
        value, gradients = compute(name, arguments)
        if np.isfinite(value) and all(np.all(np.isfinite(gradient)) for gradient in gradients):
            return arguments, value, gradients
    raise AssertionError("no point in 1000 lies in the domain")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_gradients_agree_with_differences(name, sizes, seed):
    rng = np.random.default_rng(seed)
    arguments, value, gradients = find_point(name, rng, sizes)
    for key, direction in CASES[name][1](rng, arguments).items():
        gradient = getattr(gradients, key)
        assert np.shape(gradient) == np.shape(arguments[key])
        above, _ = compute(name, {**arguments, key: arguments[key] + STEP * direction})
        below, _ = compute(name, {**arguments, key: arguments[key] - STEP * direction})
        difference = (above - below) / (2.0 * STEP)
        size = max(1.0, abs(value), np.sum(np.abs(gradient * direction)))
        assert abs(np.sum(gradient * direction) - difference) <= 1e-6 * size, key


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_single_gradients_are_the_same(name, sizes):
    arguments, _, gradients = find_point(name, np.random.default_rng(0), sizes)
    for function, key in GRADIENTS[name]:
        single = getattr(poisson, function)(**arguments)
        np.testing.assert_allclose(single, getattr(gradients, key), rtol=1e-9, atol=1e-12)
