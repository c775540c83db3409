"""Generated Jacobians and Hessians beside autograd, and their products with a vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import hessian, jacobian

from derive.calculus.chain_rule import derive
from derive.emit.numpy_code import numpy_module
from derive.language import parse
from derive.verify import judge_functions
from derive.workflow import exported


def module(problem: str) -> dict[str, Callable[..., Any]]:
    return exported(numpy_module(derive(parse(problem))))


def named(part: Any) -> str:
    return "" if callable(part) else str(part)[:30]


def vec(array: Any) -> Any:
    return np.ravel(array, order="F")


def over_vecs(derivative: Any, first: tuple[int, ...], second: tuple[int, ...]) -> Any:
    """autograd's array of derivatives as a matrix over vecs."""
    axes = [*range(len(first))][::-1] + [*range(len(first), len(first) + len(second))][::-1]
    turned = np.transpose(np.asarray(derivative), axes)
    return turned.reshape(int(np.prod(first)), int(np.prod(second)))


def softmax_loss(X: Any, Y: Any, W: Any) -> Any:
    Z = X @ W
    return -anp.sum(Y * (Z - anp.log(anp.sum(anp.exp(Z), axis=1, keepdims=True))))


HESSIANS = [
    (
        "U:(m,k); V:(n,k); T:(m,n)",
        "norm2(T - U*V')^2",
        "U",
        lambda U, V, T: anp.sum((T - U @ V.T) ** 2),
    ),
    (
        "X:(N,d); Y:(N,k) probability; W:(d,k)",
        "rowsoftmax_cross_entropy(X*W, Y)",
        "W",
        softmax_loss,
    ),
    ("X:(n,n)", "logdet(X)", "X", lambda X: anp.log(anp.linalg.det(X))),
    ("x:(n)", "logsumexp(x)", "x", lambda x: anp.log(anp.sum(anp.exp(x)))),
    ("A:(n,n); x:(n)", "x'*A*x", "x", lambda A, x: x @ A @ x),
    ("x:(n); A:(n,n)", "exp(x'*A*x)", "x", lambda x, A: anp.exp(x @ A @ x)),
    (
        "X:(N,d); w:(d); y:(N)",
        "sum(log(1 + exp(-y .* (X*w)))) + lambda*norm2(w)^2",
        "w",
        lambda X, w, y, lambda_: anp.sum(anp.log(1 + anp.exp(-y * (X @ w)))) + lambda_ * w @ w,
    ),
    (
        "W:(k,n); x:(n); y:(k)",
        "norm2(tanh(W*x) - y)^2/2",
        "W",
        lambda W, x, y: anp.sum((anp.tanh(W @ x) - y) ** 2) / 2,
    ),
    ("x:(n)", "norm2(x)", "x", lambda x: anp.sqrt(x @ x)),
]  # fmt: skip

SHAPES = {
    "U": (4, 2), "V": (3, 2), "T": (4, 3), "X": (6, 3), "Y": (6, 2), "W": (3, 2), "A": (5, 5),
    "x": (5,), "w": (3,), "y": (6,), "lambda_": (),
}  # fmt: skip
OWN = {"logdet(X)": {"X": (4, 4)}, "norm2(tanh(W*x) - y)^2/2": {"W": (3, 5), "y": (3,)}}


def drawn(rng: np.random.Generator, function: Any, formula: str) -> dict[str, Any]:
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    found = {}
    for name in names:
        shape = OWN.get(formula, {}).get(name, SHAPES[name])
        found[name] = rng.normal(size=shape) / 2
        if shape and len(shape) == 2 and shape[0] == shape[1]:
            found[name] += 2 * np.eye(shape[0])
    if "Y" in found:
        found["Y"] = rng.dirichlet(np.ones(2), size=6)
    return found


@pytest.mark.parametrize(("declared", "formula", "wrt", "function"), HESSIANS, ids=named)
def test_hessians(
    declared: str, formula: str, wrt: str, function: Any, rng: np.random.Generator
) -> None:
    functions = module(f"{declared}; J = {formula}; hessian J wrt {wrt}")
    point = drawn(rng, function, formula)
    place = list(point).index(wrt)
    expected = over_vecs(
        hessian(function, place)(*point.values()), point[wrt].shape, point[wrt].shape
    )
    got = functions[f"hessian_J_{wrt}"](**point)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(got, got.T, rtol=1e-12, atol=1e-13)
    v = rng.normal(size=point[wrt].shape)
    product = functions[f"hvp_J_{wrt}"](**point, v=v)
    assert product.shape == v.shape
    np.testing.assert_allclose(vec(product), got @ vec(v), rtol=1e-11, atol=1e-12)


JACOBIANS = [
    ("A:(4,5); X:(5,3); B:(3,2)", "A*sin(X)*B", "X", lambda A, X, B: A @ anp.sin(X) @ B),
    ("X:(5,3)", "X'", "X", lambda X: X.T),
    ("X:(5,3)", "X'*X", "X", lambda X: X.T @ X),
    ("X:(4,4)", "inv(X)", "X", anp.linalg.inv),
    ("x:(5)", "softmax(x)", "x", lambda x: anp.exp(x) / anp.sum(anp.exp(x))),
    ("x:(5)", "x*x'", "x", lambda x: anp.outer(x, x)),
    ("X:(5,3); x:(3)", "X*x", "X", lambda X, x: X @ x),
    ("x:(5); t:()", "t*x", "t", lambda x, t: t * x),
    ("X:(5,3)", "norm2(X)", "X", lambda X: anp.sqrt(anp.sum(X**2))),
    (
        "X:(5,3)",
        "rowsoftmax(X)",
        "X",
        lambda X: anp.exp(X) / anp.sum(anp.exp(X), axis=1, keepdims=True),
    ),
    ("x:(5)", "relu(x)", "x", lambda x: anp.maximum(x, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "formula", "wrt", "function"), JACOBIANS, ids=named)
def test_jacobians(
    declared: str, formula: str, wrt: str, function: Any, rng: np.random.Generator
) -> None:
    problem = parse(f"{declared}; y_ = {formula}; jacobian y_ wrt {wrt}")
    functions = exported(numpy_module(derive(problem)))
    point = {
        name: rng.normal(size=[int(dim) for dim in variable.shape])
        for name, variable in problem.variables.items()
    }
    place = list(point).index(wrt)
    value = np.asarray(function(*point.values()))
    expected = over_vecs(
        jacobian(function, place)(*point.values()), value.shape, np.shape(point[wrt])
    )
    got = functions[f"jacobian_y__{wrt}"](**point)
    shape = tuple(
        size
        for size, order in zip(expected.shape, (value.ndim, np.ndim(point[wrt])), strict=True)
        if order
    )
    assert got.shape == shape
    matrix = got.reshape(expected.shape)
    np.testing.assert_allclose(matrix, expected, rtol=1e-10, atol=1e-12)
    v, u = rng.normal(size=np.shape(point[wrt])), rng.normal(size=value.shape)
    forward = functions[f"jvp_y__{wrt}"](**point, v=v)
    back = functions[f"vjp_y__{wrt}"](**point, u=u)
    assert np.shape(forward) == value.shape
    assert np.shape(back) == np.shape(v)
    np.testing.assert_allclose(vec(forward), matrix @ vec(v), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(vec(back), matrix.T @ vec(u), rtol=1e-10, atol=1e-12)


def test_a_hessian_in_blocks(rng: np.random.Generator) -> None:
    functions = module(
        "X:(N,n); w:(n); b:(); y:(N); J = sum((tanh(X*w + b) - y).^2); hessian J wrt (w, b)"
    )
    X, w, b, y = rng.normal(size=(6, 3)), rng.normal(size=3), 0.3, rng.normal(size=6)
    got = functions["hessian_J_w_b"](X=X, w=w, b=b, y=y)
    expected = hessian(lambda p: anp.sum((anp.tanh(X @ p[:3] + p[3]) - y) ** 2))(np.append(w, b))
    np.testing.assert_allclose(got, expected, rtol=1e-10)
    assert "hessian_J_b" not in functions


def test_the_products_never_form_the_matrix(generate: Any) -> None:
    made = generate(
        "X:(N,d)\nY:(N,k) probability\nW:(d,k)\n"
        "J = rowsoftmax_cross_entropy(X*W, Y)\nhessian J wrt W"
    )
    body = made.body("hvp_J_W")
    assert "einsum" not in body and "reshape" not in body and "kron" not in body


def test_a_rank_one_factor_makes_one_long_outer_product(generate: Any, rng: Any) -> None:
    """However the other factor lies in memory, the large array is written from end to end."""
    made = generate("A:(n,n); x:(m); W:(n,m); J = x'*W'*A*W*x; hessian J wrt W")
    assert "x[:, None, None, None] * M" in made.body("hessian_J_W")
    A, x = rng.normal(size=(3, 3)), rng.normal(size=4)
    for laid_out in (A, np.asfortranarray(A)):
        got = made.hessian_J_W(A=laid_out, x=x, W=np.zeros((3, 4)))
        assert got.flags.c_contiguous
        np.testing.assert_allclose(got, np.kron(np.outer(x, x), A + A.T), rtol=1e-14)


@pytest.mark.parametrize(
    ("problem", "name", "planted"),
    [
        ("A:(n,n); x:(n); J = x'*A*x; hessian J wrt x", "hessian_J_x", lambda A, x: 2 * A),
        ("A:(n,n); x:(n); J = x'*A*x; hessian J wrt x", "hvp_J_x", lambda A, x, v: A @ v),
        ("A:(m,n); x:(n); y_ = A*x; jacobian y_ wrt x", "jacobian_y__x", lambda A, x: -A),
        ("A:(m,n); x:(n); y_ = A*x; jacobian y_ wrt x", "jvp_y__x", lambda A, x, v: 2 * A @ v),
        ("A:(m,n); x:(n); y_ = A*x; jacobian y_ wrt x", "vjp_y__x", lambda A, x, u: A.T @ u + 1),
    ],
    ids=["H", "hvp", "J", "jvp", "vjp"],
)
def test_a_planted_error_is_caught(problem: str, name: str, planted: Any, seed: int) -> None:
    posed = parse(problem)
    right = exported(numpy_module(derive(posed)))
    assert judge_functions(posed, {name: right[name]}, seed=seed).passed
    assert not judge_functions(posed, {name: planted}, seed=seed).passed


@pytest.mark.parametrize(
    "problem",
    [
        "x:(n); jacobian sum(relu(x)) wrt x",
        "w:(n); x:(n); b:(); jacobian max(0, w'*x + b) wrt b, w",
        "x:(n); jacobian relu(x) wrt x",
    ],
)
def test_an_indicator_comes_back_as_numbers(problem: str) -> None:
    parsed = parse(problem)
    functions = exported(numpy_module(derive(parsed)))
    report = judge_functions(parsed, functions, points=2)
    assert report.passed, report
