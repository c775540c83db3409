"""Jacobians and Hessians with their structure kept: filled by blocks, and in factors.

Each is compared with autograd, at unequal sizes and with all sizes 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import hessian, jacobian
from scipy.sparse.linalg import cg

from derive.calculus.chain_rule import derive
from derive.emit.numpy_code import numpy_module
from derive.language import parse
from derive.verify import judge_functions
from derive.workflow import exported

SIZES = {"m": 4, "n": 3, "k": 2, "p": 5, "q": 6, "N": 7}
ONES = dict.fromkeys(SIZES, 1)


def softmax(Z: Any) -> Any:
    E = anp.exp(Z)
    return E / anp.sum(E, axis=-1, keepdims=True)


def logsumexp(Z: Any) -> Any:
    return anp.log(anp.sum(anp.exp(Z), axis=-1))


def softmax_loss(X: Any, Y: Any, W: Any) -> Any:
    return anp.sum(logsumexp(X @ W)) - anp.sum(Y * (X @ W))


def deep(x: Any, W1: Any, W2: Any, W3: Any, y: Any) -> Any:
    z = W3 @ anp.tanh(W2 @ anp.tanh(W1 @ x))
    return logsumexp(z) - y @ z


def over_examples(X: Any, W1: Any, W2: Any, Y: Any) -> Any:
    return softmax_loss(anp.tanh(X @ W1), Y, W2)


Case = tuple[str, str, str, Callable[..., Any], str]

HESSIANS: list[Case] = [
    (
        "T:(m,n); U:(m,k); V:(n,k)",
        "norm2(T - U*V')^2",
        "U",
        lambda T, U, V: anp.sum((T - U @ V.T) ** 2),
        "Kronecker(array, Diagonal)",
    ),
    (
        "X:(N,n); Y:(N,k) probability; W:(n,k)",
        "rowsoftmax_cross_entropy(X*W, Y)",
        "W",
        softmax_loss,
        "Sum(LowRank(Kronecker(Diagonal, array), Kronecker(Diagonal, array)), "
        "LowRank(KhatriRao(array, array), KhatriRao(array, array)))",
    ),
    ("x:(n)", "logsumexp(x)", "x", logsumexp, "Sum(Diagonal, LowRank(array, array))"),
    ("X:(N,k)", "sum(rowlogsumexp(X))", "X", lambda X: anp.sum(logsumexp(X)), ""),
    (
        "X:(n,n)",
        "logdet(X)",
        "X",
        lambda X: anp.log(anp.linalg.det(X)),
        "Product(Kronecker(array, array), Commutation)",
    ),
    ("A:(n,n); x:(n)", "x'*A*x", "x", lambda A, x: x @ A @ x, "Dense"),
    ("X:(m,n)", "sum(sin(X))", "X", lambda X: anp.sum(anp.sin(X)), "Diagonal"),
    (
        "X:(N,n); w:(n); y:(N) signs",
        "sum(log(1 + exp(-y .* (X*w)))) + norm2(w)^2",
        "w",
        lambda X, w, y: anp.sum(anp.log(1 + anp.exp(-y * (X @ w)))) + w @ w,
        "Sum(LowRank(array, array), Diagonal)",
    ),
    (
        "W:(k,n); x:(n); y:(k) probability",
        "cross_entropy(softmax(W*x), y)",
        "W",
        lambda W, x, y: logsumexp(W @ x) - y @ (W @ x),
        "Kronecker(LowRank(array, array), array)",
    ),
    (
        "x:(n); W1:(m,n); W2:(p,m); W3:(k,p); y:(k) probability",
        "softmax_cross_entropy(W3*tanh(W2*tanh(W1*x)), y)",
        "W1",
        deep,
        "Kronecker(LowRank(array, array), array)",
    ),
    (
        "X:(N,n); W1:(n,m); W2:(m,k); Y:(N,k) probability",
        "rowsoftmax_cross_entropy(tanh(X*W1)*W2, Y)",
        "W1",
        over_examples,
        "",
    ),
    (
        "X:(N,n); W1:(n,m); W2:(m,k); Y:(N,k) probability",
        "rowsoftmax_cross_entropy(tanh(X*W1)*W2, Y)",
        "W2",
        over_examples,
        "",
    ),
]

JACOBIANS: list[Case] = [
    (
        "A:(m,n); X:(n,k); B:(k,p)",
        "A*X*B",
        "X",
        lambda A, X, B: A @ X @ B,
        "Kronecker(array, array)",
    ),
    ("X:(m,n)", "X'", "X", lambda X: X.T, "Commutation"),
    ("X:(m,n)", "sin(X)'", "X", lambda X: anp.sin(X).T, "Product(Diagonal, Commutation)"),
    (
        "X:(m,n)",
        "X'*X",
        "X",
        lambda X: X.T @ X,
        "Sum(Kronecker(Diagonal, array), Product(Kronecker(array, Diagonal), Commutation))",
    ),
    ("X:(n,n)", "inv(X)", "X", anp.linalg.inv, "Kronecker(array, array)"),
    ("A:(m,n); x:(n)", "A*x", "A", lambda A, x: A @ x, "Kronecker(array, Diagonal)"),
    ("x:(m); y:(n)", "x*y'", "x", lambda x, y: anp.outer(x, y), "Kronecker(array, Diagonal)"),
    ("A:(m,n); x:(n)", "tanh(A*x)", "x", lambda A, x: anp.tanh(A @ x), "Dense"),
    ("x:(n)", "softmax(x)", "x", softmax, "Sum(Diagonal, LowRank(array, array))"),
    ("X:(N,k)", "rowsoftmax(X)", "X", softmax, ""),
    ("A:(m,n); B:(p,q)", "kron(A, B)", "A", lambda A, B: anp.kron(A, B), "Dense"),
    ("A:(m,n); B:(p,q)", "kron(A, B)", "B", lambda A, B: anp.kron(A, B), "Dense"),
    ("X:(m,n)", "vec(X)", "X", lambda X: anp.ravel(X.T), "Diagonal"),
    ("A:(m,n); B:(n,k)", "relu(A*B)", "B", lambda A, B: anp.maximum(A @ B, 0), ""),
]


def named(part: Any) -> str:
    return "ones" if part is ONES else part[:40] if isinstance(part, str) else ""


def vec(array: Any) -> Any:
    return np.ravel(array, order="F")


def over_vecs(derivative: Any, first: tuple[int, ...], second: tuple[int, ...]) -> Any:
    """autograd's array of derivatives as a matrix over vecs."""
    axes = [*range(len(first))][::-1] + [*range(len(first), len(first) + len(second))][::-1]
    turned = np.transpose(np.asarray(derivative), axes)
    return turned.reshape(int(np.prod(first)), int(np.prod(second)))


def described(kept: Any) -> str:
    """The classes of factors."""
    if isinstance(kept, np.ndarray):
        return "array"
    match type(kept).__name__:
        case "Sum":
            return f"Sum({', '.join(map(described, kept.terms))})"
        case "Kronecker" | "KhatriRao" as name:
            return f"{name}({described(kept.A)}, {described(kept.B)})"
        case "LowRank" | "Product" as name:
            return f"{name}({described(kept.left)}, {described(kept.right)})"
        case name:
            return str(name)


def drawn(problem: Any, sizes: dict[str, int], rng: np.random.Generator) -> dict[str, Any]:
    point = {}
    for name, variable in problem.variables.items():
        shape = [sizes[str(dim)] for dim in variable.shape]
        point[name] = rng.normal(size=shape)
        if "probability" in variable.facts:
            point[name] = rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])
        if "signs" in variable.facts:
            point[name] = np.sign(point[name])
        if len(shape) == 2 and shape[0] == shape[1]:
            point[name] = point[name] / 4 + 2 * np.eye(shape[0])
    return point


def check(whole: Any, kept: Any, expected: Any, rng: np.random.Generator) -> None:
    near: dict[str, float] = {"rtol": 1e-9, "atol": 1e-11}
    np.testing.assert_allclose(whole, expected, **near)
    assert kept.shape == expected.shape
    np.testing.assert_allclose(kept.dense(), expected, **near)
    np.testing.assert_allclose(kept.T.dense(), expected.T, **near)
    u, v = (rng.normal(size=size) for size in expected.shape)
    several = rng.normal(size=(expected.shape[1], 3))
    operator = kept.linear_operator()
    for one in (kept, operator):
        np.testing.assert_allclose(one @ v, expected @ v, **near)
        np.testing.assert_allclose(one.T @ u, expected.T @ u, **near)
        np.testing.assert_allclose(one @ several, expected @ several, **near)
    assert operator.dtype == np.float64


@pytest.mark.parametrize("sizes", [SIZES, ONES], ids=["unequal", "ones"])
@pytest.mark.parametrize(("declared", "formula", "wrt", "function", "form"), HESSIANS, ids=named)
def test_hessians(
    declared: str,
    formula: str,
    wrt: str,
    function: Any,
    form: str,
    sizes: dict[str, int],
    rng: np.random.Generator,
) -> None:
    problem = parse(f"{declared}; J = {formula}; hessian J wrt {wrt}")
    functions = exported(numpy_module(derive(problem)))
    point = drawn(problem, sizes, rng)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    args = [point[name] for name in (list(point) if function is logsumexp else names)]
    place = 0 if function is logsumexp else names.index(wrt)
    shape = point[wrt].shape
    expected = over_vecs(hessian(function, place)(*args), shape, shape)
    whole = functions[f"hessian_J_{wrt}"]
    kept = whole(**point, structure=True)
    check(whole(**point), kept, expected, rng)
    assert not form or described(kept) == form
    v = rng.normal(size=shape)
    product = functions[f"hvp_J_{wrt}"](**point, v=v)
    np.testing.assert_allclose(vec(product), expected @ vec(v), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("sizes", [SIZES, ONES], ids=["unequal", "ones"])
@pytest.mark.parametrize(("declared", "formula", "wrt", "function", "form"), JACOBIANS, ids=named)
def test_jacobians(
    declared: str,
    formula: str,
    wrt: str,
    function: Any,
    form: str,
    sizes: dict[str, int],
    rng: np.random.Generator,
) -> None:
    problem = parse(f"{declared}; y_ = {formula}; jacobian y_ wrt {wrt}")
    functions = exported(numpy_module(derive(problem)))
    point = drawn(problem, sizes, rng)
    place = list(point).index(wrt)
    value = np.asarray(function(*point.values()))
    slopes = jacobian(function, place)(*point.values())
    expected = over_vecs(slopes, value.shape, point[wrt].shape)
    whole = functions[f"jacobian_y__{wrt}"]
    kept = whole(**point, structure=True)
    check(whole(**point), kept, expected, rng)
    assert not form or described(kept) == form


BLOCKS = [
    (
        "X:(N,n); w:(n); b:(); y:(N)",
        "sum((tanh(X*w + b) - y).^2)",
        ("w", "b"),
        lambda X, w, b, y: anp.sum((anp.tanh(X @ w + b) - y) ** 2),
    ),
    (
        "X:(N,n); W:(n,k); b:(k); Y:(N,k) probability",
        "rowsoftmax_cross_entropy(X*W + b', Y)",
        ("b", "W"),
        lambda X, W, b, Y: anp.sum(logsumexp(X @ W + b)) - anp.sum(Y * (X @ W + b)),
    ),
    (
        "T:(m,n); U:(m,k); V:(n,k)",
        "norm2(T - U*V')^2",
        ("U", "V"),
        lambda T, U, V: anp.sum((T - U @ V.T) ** 2),
    ),
    (
        "x:(n); W1:(m,n); W2:(k,m); c:()",
        "c*norm2(W2*tanh(W1*x))^2",
        ("W1", "c", "W2"),
        lambda x, W1, W2, c: c * anp.sum((W2 @ anp.tanh(W1 @ x)) ** 2),
    ),
]


@pytest.mark.parametrize("sizes", [SIZES, ONES], ids=["unequal", "ones"])
@pytest.mark.parametrize(("declared", "formula", "wrts", "function"), BLOCKS, ids=named)
def test_hessians_of_several_variables(
    declared: str,
    formula: str,
    wrts: tuple[str, ...],
    function: Any,
    sizes: dict[str, int],
    rng: np.random.Generator,
) -> None:
    problem = parse(f"{declared}; J = {formula}; hessian J wrt ({', '.join(wrts)})")
    functions = exported(numpy_module(derive(problem)))
    point = drawn(problem, sizes, rng)
    shapes = [np.shape(point[name]) for name in wrts]
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])

    def stacked(whole: Any) -> Any:
        parts = {
            name: anp.transpose(anp.reshape(whole[start:stop], shape[::-1]))
            for name, shape, start, stop in zip(wrts, shapes, ends, ends[1:], strict=False)
        }
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        return function(*((point | parts)[name] for name in names))

    whole = np.concatenate([vec(point[name]) for name in wrts])
    expected = hessian(stacked)(whole)
    stem = f"J_{'_'.join(wrts)}"
    got = functions[f"hessian_{stem}"](**point)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)
    v = rng.normal(size=whole.shape)
    product = functions[f"hvp_{stem}"](**point, v=v)
    np.testing.assert_allclose(product, expected @ v, rtol=1e-9, atol=1e-11)
    for wrong in (v[:-1], np.append(v, 0.0)):
        with pytest.raises(ValueError, match="v: expected"):
            functions[f"hvp_{stem}"](**point, v=wrong)


def test_a_solver_works_with_the_factors(rng: np.random.Generator) -> None:
    problem = parse("T:(m,n); U:(m,k); V:(n,k); J = norm2(T - U*V')^2; hessian J wrt U")
    functions = exported(numpy_module(derive(problem)))
    point = drawn(problem, SIZES, rng)
    kept = functions["hessian_J_U"](**point, structure=True)
    right = rng.normal(size=kept.shape[0])
    solution, info = cg(kept.linear_operator(), right, rtol=1e-12)
    assert info == 0
    np.testing.assert_allclose(kept.dense() @ solution, right, rtol=1e-8, atol=1e-9)


def test_nothing_is_multiplied_by_an_identity_matrix(generate: Any) -> None:
    made = generate("T:(m,n)\nU:(m,k)\nV:(n,k)\nJ = norm2(T - U*V')^2\nhessian J wrt U")
    body = made.body("hessian_J_U")
    assert "np.eye" not in body and "optimize" not in body
    arguments = body.split("_arguments(")[1].split(")")[0]
    assert "T=" not in arguments
    assert made.text.count("class Kronecker") == 1 and "class LowRank" not in made.text


def test_a_hessian_on_the_way_to_a_third_derivative_is_written_once(generate: Any) -> None:
    made = generate(
        "x:(3)\nt:()\nJ = sum(exp(t*x))\n"
        "derivative J wrt x, t, x\nhessian J wrt (x, t)\nhessian J wrt x"
    )
    for name in ("hessian_J_x_t", "hvp_J_x_t", "hessian_J_x", "hvp_J_x"):
        assert made.text.count(f"def {name}(") == 1


def test_products_over_a_factor_that_is_zero(rng: np.random.Generator) -> None:
    functions = exported(numpy_module(derive(parse("S:(n,m); J = prod(S); jacobian J wrt S"))))
    S = rng.normal(size=(3, 2))
    S[1, 0] = 0.0
    others = np.zeros_like(S)
    others[1, 0] = np.prod(S[S != 0.0])
    np.testing.assert_allclose(functions["jacobian_J_S"](S=S), vec(others))
    v = rng.normal(size=S.shape)
    np.testing.assert_allclose(functions["jvp_J_S"](S=S, v=v), np.sum(others * v))


def test_single_precision_stays(generate: Any, rng: np.random.Generator) -> None:
    made = generate(
        "X:(N,n)\nY:(N,k) probability\nW:(n,k)\n"
        "J = rowsoftmax_cross_entropy(X*W, Y)\nhessian J wrt W"
    )
    point = drawn(made.problem, SIZES, rng)
    single = {name: value.astype(np.float32) for name, value in point.items()}
    assert made.hessian_J_W(**single).dtype == np.float32
    kept = made.hessian_J_W(**single, structure=True)
    assert kept.dense().dtype == np.float32
    assert (kept @ np.ones(kept.shape[1], np.float32)).dtype == np.float32


@pytest.mark.parametrize("planted", ["dense", "__matmul__", "T"])
def test_planted_errors_in_factors_are_caught(planted: str, seed: int) -> None:
    problem = parse("x:(n); J = sum(x.^3); hessian J wrt x")
    right = exported(numpy_module(derive(problem)))["hessian_J_x"]

    def wrong(*, x: Any, structure: bool = False) -> Any:
        found = right(x=x, structure=structure)
        if structure:
            kind = type(found)
            shifted = {
                "dense": lambda self: np.diag(self.d * 1.001),
                "__matmul__": lambda self, v: self.d * v * 1.001,
                "T": property(lambda self: kind(self.d * 1.001)),
            }
            found = type("Wrong", (kind,), {planted: shifted[planted]})(found.d)
        return found

    assert judge_functions(problem, {"hessian_J_x": right}, seed=seed).passed
    assert not judge_functions(problem, {"hessian_J_x": wrong}, seed=seed).passed
