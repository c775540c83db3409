"""Checks hidden_layer.py by central differences along random directions, with NumPy alone."""

import inspect

import numpy as np
import pytest

import hidden_layer

STEP = 1e-5
SIZES = [
    {"N": 4, "d": 3, "h": 5},
    {"N": 1, "d": 1, "h": 1},
]


def arguments_of_J(rng, positive, N, d, h):
    """A random point."""

    def array(*shape):
        entries = rng.standard_normal(shape)
        return np.abs(entries) + 0.1 if positive else entries

    return {
        "X": array(N, d),
        "W": array(d, h),
        "v": array(h),
        "y": array(N),
    }


def directions_of_J(rng, arguments):
    """A random direction for each gradient, one in which the facts stay true."""

    def like(name):
        return rng.standard_normal(np.shape(arguments[name]))

    return {
        "W": like("W"),
        "v": like("v"),
    }


def arguments_of_matrices(rng, positive, N, d, h):
    """A random point."""

    def array(*shape):
        entries = rng.standard_normal(shape)
        return np.abs(entries) + 0.1 if positive else entries

    return {
        "X": array(N, d),
        "W": array(d, h),
        "v": array(h),
        "y": array(N),
    }


def directions_of_matrices(rng, arguments):
    """A random direction for each variable, one in which the facts stay true."""

    def like(name):
        return rng.standard_normal(np.shape(arguments[name]))

    return {
        "X": like("X"),
        "W": like("W"),
        "v": like("v"),
        "y": like("y"),
    }


CASES = {
    "J": (arguments_of_J, directions_of_J),
}
GRADIENTS = {
    "J": [
        ("grad_J_W", "W"),
        ("grad_J_v", "v"),
    ],
}


def compute(name, arguments):
    """A scalar and its gradients."""
    with np.errstate(all="ignore"):
        return getattr(hidden_layer, f"value_and_grad_{name}")(**arguments)


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
        single = getattr(hidden_layer, function)(**arguments)
        np.testing.assert_allclose(single, getattr(gradients, key), rtol=1e-9, atol=1e-12)


MATRICES = [
    "hessian_J_W_v",
]


def vec(array):
    """The entries of an array, column by column."""
    return np.ravel(array, order="F")


def call(name, arguments, **more):
    """What a function returns; it is given the arguments that it takes."""
    function = getattr(hidden_layer, name)
    taken = inspect.signature(function).parameters
    with np.errstate(all="ignore"):
        return function(**{key: arguments[key] for key in arguments if key in taken}, **more)


def product_with(name, arguments, direction):
    """What a function returns that takes a direction: the one argument that is no input."""
    taken = inspect.signature(getattr(hidden_layer, name)).parameters
    needed = [key for key in taken if taken[key].default is inspect.Parameter.empty]
    (key,) = (key for key in needed if key not in arguments)
    return call(name, arguments, **{key: direction})


def find_matrix(name, rng, sizes):
    """Arguments at which a Jacobian or Hessian is finite, and the matrix."""
    for attempt in range(1000):
        arguments = arguments_of_matrices(rng, attempt % 2 == 1, **sizes)
        matrix = call(name, arguments)
        if np.all(np.isfinite(matrix)):
            return arguments, matrix
    raise AssertionError("no point in 1000 lies in the domain")


def assert_near(got, expected, allowed):
    """Two arrays agree to a part of the largest entry."""
    assert np.shape(got) == np.shape(expected)
    largest = max(1.0, np.max(np.abs(expected), initial=0.0))
    assert np.max(np.abs(got - expected), initial=0.0) <= allowed * largest


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_factors_are_those_of_the_matrix(name, sizes):
    arguments, matrix = find_matrix(name, np.random.default_rng(0), sizes)
    taken = inspect.signature(getattr(hidden_layer, name)).parameters
    for switch in (key for key in taken if taken[key].default is False):
        assert_near(call(name, arguments, **{switch: True}).dense(), matrix, 1e-9)


HESSIANS = {
    "hessian_J_W_v": ("hvp_J_W_v", True, [("grad_J_W", "W"), ("grad_J_v", "v")]),
}


@pytest.mark.parametrize("name", HESSIANS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_hessians_agree_with_their_products_and_with_differences(name, sizes):
    rng = np.random.default_rng(0)
    arguments, matrix = find_matrix(name, rng, sizes)
    product, is_joint, gradients = HESSIANS[name]
    v = {key: rng.standard_normal(np.shape(arguments[key])) for _, key in gradients}
    moves = directions_of_matrices(rng, arguments)
    v |= {key: move for key, move in moves.items() if key in v}
    whole = np.concatenate([vec(part) for part in v.values()])
    matrix = np.reshape(matrix, (len(whole), len(whole)))
    assert_near(matrix, matrix.T, 1e-9)
    (first, *_) = v.values()
    along = product_with(product, arguments, whole if is_joint else first)
    assert_near(vec(along), matrix @ whole, 1e-9)
    if v.keys() <= moves.keys():
        above, below = (
            arguments | {key: arguments[key] + sign * STEP * v[key] for key in v}
            for sign in (1, -1)
        )
        moved = [vec(call(name, above) - call(name, below)) for name, _ in gradients]
        assert_near(np.concatenate(moved) / (2.0 * STEP), matrix @ whole, 1e-5)
