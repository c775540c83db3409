"""Checks rules.py by central differences along random directions, with NumPy alone."""

import inspect

import numpy as np
import pytest

import rules

STEP = 1e-5
SIZES = [
    {"n": 4, "m": 3},
    {"n": 1, "m": 1},
]


def arguments_of_matrices(rng, positive, n, m):
    """A random point."""

    def array(*shape):
        entries = rng.standard_normal(shape)
        return np.abs(entries) + 0.1 if positive else entries

    return {
        "w": array(n),
        "x": array(n),
        "z": array(),
        "t": array(),
        "A": array(m, n),
        "b": array(),
    }


def directions_of_matrices(rng, arguments):
    """A random direction for each variable, one in which the facts stay true."""

    def like(name):
        return rng.standard_normal(np.shape(arguments[name]))

    return {
        "w": like("w"),
        "x": like("x"),
        "z": like("z"),
        "t": like("t"),
        "A": like("A"),
        "b": like("b"),
    }


MATRICES = [
    "jacobian_plus_w",
    "jacobian_plus_x",
    "jacobian_minus_w",
    "jacobian_minus_x",
    "jacobian_times_w",
    "jacobian_times_x",
    "jacobian_over_w",
    "jacobian_over_x",
    "jacobian_larger_w",
    "jacobian_larger_x",
    "jacobian_above_w",
    "jacobian_above_x",
    "jacobian_shifted_x",
    "jacobian_shifted_z",
    "jacobian_scaled_x",
    "jacobian_scaled_z",
    "jacobian_total_x",
    "jacobian_total_scaled_x",
    "jacobian_total_scaled_z",
    "jacobian_total_exp_x",
    "jacobian_f_t",
    "jacobian_g_t",
    "jacobian_h_x",
    "jacobian_a_w",
    "jacobian_a_x",
    "jacobian_a_b",
]


def vec(array):
    """The entries of an array, column by column."""
    return np.ravel(array, order="F")


def call(name, arguments, **more):
    """What a function returns; it is given the arguments that it takes."""
    function = getattr(rules, name)
    taken = inspect.signature(function).parameters
    with np.errstate(all="ignore"):
        return function(**{key: arguments[key] for key in arguments if key in taken}, **more)


def product_with(name, arguments, direction):
    """What a function returns that takes a direction: the one argument that is no input."""
    taken = inspect.signature(getattr(rules, name)).parameters
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
    taken = inspect.signature(getattr(rules, name)).parameters
    for switch in (key for key in taken if taken[key].default is False):
        assert_near(call(name, arguments, **{switch: True}).dense(), matrix, 1e-9)


JACOBIANS = {
    "jacobian_plus_w": ("jvp_plus_w", "vjp_plus_w", "w"),
    "jacobian_plus_x": ("jvp_plus_x", "vjp_plus_x", "x"),
    "jacobian_minus_w": ("jvp_minus_w", "vjp_minus_w", "w"),
    "jacobian_minus_x": ("jvp_minus_x", "vjp_minus_x", "x"),
    "jacobian_times_w": ("jvp_times_w", "vjp_times_w", "w"),
    "jacobian_times_x": ("jvp_times_x", "vjp_times_x", "x"),
    "jacobian_over_w": ("jvp_over_w", "vjp_over_w", "w"),
    "jacobian_over_x": ("jvp_over_x", "vjp_over_x", "x"),
    "jacobian_larger_w": ("jvp_larger_w", "vjp_larger_w", "w"),
    "jacobian_larger_x": ("jvp_larger_x", "vjp_larger_x", "x"),
    "jacobian_above_w": ("jvp_above_w", "vjp_above_w", "w"),
    "jacobian_above_x": ("jvp_above_x", "vjp_above_x", "x"),
    "jacobian_shifted_x": ("jvp_shifted_x", "vjp_shifted_x", "x"),
    "jacobian_shifted_z": ("jvp_shifted_z", "vjp_shifted_z", "z"),
    "jacobian_scaled_x": ("jvp_scaled_x", "vjp_scaled_x", "x"),
    "jacobian_scaled_z": ("jvp_scaled_z", "vjp_scaled_z", "z"),
    "jacobian_total_x": ("jvp_total_x", "vjp_total_x", "x"),
    "jacobian_total_scaled_x": ("jvp_total_scaled_x", "vjp_total_scaled_x", "x"),
    "jacobian_total_scaled_z": ("jvp_total_scaled_z", "vjp_total_scaled_z", "z"),
    "jacobian_total_exp_x": ("jvp_total_exp_x", "vjp_total_exp_x", "x"),
    "jacobian_f_t": ("jvp_f_t", "vjp_f_t", "t"),
    "jacobian_g_t": ("jvp_g_t", "vjp_g_t", "t"),
    "jacobian_h_x": ("jvp_h_x", "vjp_h_x", "x"),
    "jacobian_a_w": ("jvp_a_w", "vjp_a_w", "w"),
    "jacobian_a_x": ("jvp_a_x", "vjp_a_x", "x"),
    "jacobian_a_b": ("jvp_a_b", "vjp_a_b", "b"),
}


@pytest.mark.parametrize("name", JACOBIANS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_jacobians_agree_with_their_products(name, sizes):
    rng = np.random.default_rng(0)
    arguments, matrix = find_matrix(name, rng, sizes)
    forwards, backwards, wrt = JACOBIANS[name]
    v = rng.standard_normal(np.shape(arguments[wrt]))
    along = product_with(forwards, arguments, v)
    u = rng.standard_normal(np.shape(along))
    matrix = np.reshape(matrix, (np.size(along), np.size(v)))
    assert_near(vec(along), matrix @ vec(v), 1e-9)
    assert_near(vec(product_with(backwards, arguments, u)), vec(u) @ matrix, 1e-9)
