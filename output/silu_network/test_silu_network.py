"""Checks silu_network.py by central differences along random directions, with NumPy alone."""

import numpy as np
import pytest

import silu_network

STEP = 1e-5
SIZES = [
    {"N": 4, "d": 3, "k": 5, "h": 2, "h2": 6},
    {"N": 1, "d": 1, "k": 1, "h": 1, "h2": 1},
]


def arguments_of_J(rng, positive, N, d, k, h, h2):
    """A random point."""

    def array(*shape):
        entries = rng.standard_normal(shape)
        return np.abs(entries) + 0.1 if positive else entries

    return {
        "X": array(N, d),
        "Y": array(N, k),
        "W1": array(d, h),
        "b1": array(h),
        "W2": array(h, h2),
        "V2": array(h, h2),
        "W3": array(h2, k),
    }


def directions_of_J(rng, arguments):
    """A random direction for each gradient, one in which the facts stay true."""

    def like(name):
        return rng.standard_normal(np.shape(arguments[name]))

    return {
        "W3": like("W3"),
        "V2": like("V2"),
        "W2": like("W2"),
        "W1": like("W1"),
        "b1": like("b1"),
    }


CASES = {
    "J": (arguments_of_J, directions_of_J),
}
GRADIENTS = {
    "J": [
        ("grad_J_W3", "W3"),
        ("grad_J_V2", "V2"),
        ("grad_J_W2", "W2"),
        ("grad_J_W1", "W1"),
        ("grad_J_b1", "b1"),
    ],
}


def compute(name, arguments):
    """A scalar and its gradients."""
    with np.errstate(all="ignore"):
        return getattr(silu_network, f"value_and_grad_{name}")(**arguments)


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
        single = getattr(silu_network, function)(**arguments)
        np.testing.assert_allclose(single, getattr(gradients, key), rtol=1e-9, atol=1e-12)
