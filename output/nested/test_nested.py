"""Checks nested.py by central differences along random directions, with NumPy alone."""

import numpy as np
import pytest

import nested

STEP = 1e-5
SIZES = [
    {"n1": 4, "n0": 3, "n2": 5, "n3": 2, "N": 6},
    {"n1": 1, "n0": 1, "n2": 1, "n3": 1, "N": 1},
]


def arguments_of_J(rng, positive, n1, n0, n2, n3, N):
    """A random point."""

    def array(*shape):
        entries = rng.standard_normal(shape)
        return np.abs(entries) + 0.1 if positive else entries

    return {
        "A1": array(n1, n0),
        "b1": array(n1),
        "A2": array(n2, n1),
        "b2": array(n2),
        "A3": array(n3, n2),
        "b3": array(n3),
        "x": array(n0),
        "y": array(n3),
    }


def directions_of_J(rng, arguments):
    """A random direction for each gradient, one in which the facts stay true."""

    def like(name):
        return rng.standard_normal(np.shape(arguments[name]))

    return {
        "A3": like("A3"),
        "b3": like("b3"),
        "A2": like("A2"),
        "b2": like("b2"),
        "A1": like("A1"),
        "b1": like("b1"),
    }


def arguments_of_L(rng, positive, n1, n0, n2, n3, N):
    """A random point."""

    def array(*shape):
        entries = rng.standard_normal(shape)
        return np.abs(entries) + 0.1 if positive else entries

    return {
        "A1": array(n1, n0),
        "b1": array(n1),
        "A2": array(n2, n1),
        "b2": array(n2),
        "A3": array(n3, n2),
        "b3": array(n3),
        "X": array(n0, N),
        "Y": array(n3, N),
    }


def directions_of_L(rng, arguments):
    """A random direction for each gradient, one in which the facts stay true."""

    def like(name):
        return rng.standard_normal(np.shape(arguments[name]))

    return {
        "A3": like("A3"),
        "b3": like("b3"),
        "A2": like("A2"),
        "b2": like("b2"),
        "A1": like("A1"),
        "b1": like("b1"),
    }


CASES = {
    "J": (arguments_of_J, directions_of_J),
    "L": (arguments_of_L, directions_of_L),
}
GRADIENTS = {
    "J": [
        ("grad_J_A3", "A3"),
        ("grad_J_b3", "b3"),
        ("grad_J_A2", "A2"),
        ("grad_J_b2", "b2"),
        ("grad_J_A1", "A1"),
        ("grad_J_b1", "b1"),
    ],
    "L": [
        ("grad_L_A3", "A3"),
        ("grad_L_b3", "b3"),
        ("grad_L_A2", "A2"),
        ("grad_L_b2", "b2"),
        ("grad_L_A1", "A1"),
        ("grad_L_b1", "b1"),
    ],
}


def compute(name, arguments):
    """A scalar and its gradients."""
    with np.errstate(all="ignore"):
        return getattr(nested, f"value_and_grad_{name}")(**arguments)


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
        single = getattr(nested, function)(**arguments)
        np.testing.assert_allclose(single, getattr(gradients, key), rtol=1e-9, atol=1e-12)
