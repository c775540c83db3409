"""Checks heads.py by central differences along random directions, with NumPy alone."""

import numpy as np
import pytest

import heads

STEP = 1e-5
SIZES = [
    {"n": 4},
    {"n": 1},
]


def probability(a):
    """Positive entries that sum to 1 along the last axis."""
    a = np.abs(a) + 0.2
    return a / a.sum(axis=-1, keepdims=True)


def arguments_of_J1(rng, positive, n):
    """A random point."""

    def array(*shape):
        entries = rng.standard_normal(shape)
        return np.abs(entries) + 0.1 if positive else entries

    return {
        "z1": array(n),
        "y1": array(n),
    }


def directions_of_J1(rng, arguments):
    """A random direction for each gradient, one in which the facts stay true."""

    def like(name):
        return rng.standard_normal(np.shape(arguments[name]))

    return {
        "z1": like("z1"),
    }


def arguments_of_J2(rng, positive, n):
    """A random point."""

    def array(*shape):
        entries = rng.standard_normal(shape)
        return np.abs(entries) + 0.1 if positive else entries

    return {
        "z2": array(n),
        "y2": array(n),
    }


def directions_of_J2(rng, arguments):
    """A random direction for each gradient, one in which the facts stay true."""

    def like(name):
        return rng.standard_normal(np.shape(arguments[name]))

    return {
        "z2": like("z2"),
    }


def arguments_of_J3(rng, positive, n):
    """A random point."""

    def array(*shape):
        entries = rng.standard_normal(shape)
        return np.abs(entries) + 0.1 if positive else entries

    return {
        "z3": array(n),
        "y3": probability(array(n)),
    }


def directions_of_J3(rng, arguments):
    """A random direction for each gradient, one in which the facts stay true."""

    def like(name):
        return rng.standard_normal(np.shape(arguments[name]))

    return {
        "z3": like("z3"),
    }


CASES = {
    "J1": (arguments_of_J1, directions_of_J1),
    "J2": (arguments_of_J2, directions_of_J2),
    "J3": (arguments_of_J3, directions_of_J3),
}
GRADIENTS = {
    "J1": [
        ("grad_J1_z1", "z1"),
    ],
    "J2": [
        ("grad_J2_z2", "z2"),
    ],
    "J3": [
        ("grad_J3_z3", "z3"),
    ],
}


def compute(name, arguments):
    """A scalar and its gradients."""
    with np.errstate(all="ignore"):
        return getattr(heads, f"value_and_grad_{name}")(**arguments)


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
        single = getattr(heads, function)(**arguments)
        np.testing.assert_allclose(single, getattr(gradients, key), rtol=1e-9, atol=1e-12)
