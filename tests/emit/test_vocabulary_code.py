"""Code for every function of whole arrays: values and gradients beside autograd, and its form.

The right-hand sides are written by hand in autograd's NumPy, so they share nothing with the
generated code. Everything runs with warnings as errors, also at sizes of 1 and in single
precision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import autograd  # type: ignore[import-untyped]
import autograd.numpy as anp  # type: ignore[import-untyped]
import numpy as np
import pytest

from derive.verify import judge_functions

SIZES: dict[str, dict[str, int]] = {
    "generic": {"m": 4, "n": 3, "d": 2, "k": 5},
    "other": {"m": 2, "n": 5, "d": 4, "k": 3},
    "ones": {"m": 1, "n": 1, "d": 1, "k": 1},
}


def normalised(x: Any, axis: int) -> Any:
    centred = x - anp.mean(x, axis=axis, keepdims=True)
    return centred / anp.sqrt(anp.mean(centred**2, axis=axis, keepdims=True) + 1e-5)


def scaled(x: Any) -> Any:
    return x / anp.sqrt(anp.mean(x**2, axis=-1, keepdims=True) + 1e-5)


def softmax(z: Any) -> Any:
    e = anp.exp(z - anp.max(z, axis=-1, keepdims=True))
    return e / anp.sum(e, axis=-1, keepdims=True)


def expm(a: Any) -> Any:
    total = term = anp.eye(len(a))
    for count in range(1, 60):
        term = anp.dot(term, a) / count
        total = total + term
    return total


def positive(a: Any) -> Any:
    return anp.dot(a.T, a) + anp.eye(a.shape[1])


Case = tuple[str, Callable[..., Any]]

CASES: dict[str, Case] = {
    "prod": ("x:(n); J = prod(x); grad J wrt x", lambda x: anp.prod(x)),
    "prod of all": ("X:(m,n); J = prod(X); grad J wrt X", lambda X: anp.prod(X)),
    "prod of squares": ("x:(n); J = prod(x.^2 + x); grad J wrt x", lambda x: anp.prod(x**2 + x)),
    "prod twice": (
        "x:(n); y:(n); J = prod(x .* y)*sum(x); grad J wrt x, y",
        lambda x, y: anp.prod(x * y) * anp.sum(x),
    ),
    "max": ("X:(m,n); J = max(X); grad J wrt X", lambda X: anp.max(X)),
    "min": ("x:(n); J = min(x)*sum(x); grad J wrt x", lambda x: anp.min(x) * anp.sum(x)),
    "rowmax": (
        "X:(m,n); c:(m); J = c'*rowmax(X); grad J wrt X, c",
        lambda X, c: anp.dot(c, anp.max(X, axis=1)),
    ),
    "colmin": (
        "X:(m,n); c:(n); J = colmin(X)*c; grad J wrt X, c",
        lambda X, c: anp.dot(anp.min(X, axis=0), c),
    ),
    "norminf": ("X:(m,n); J = norminf(X)^2; grad J wrt X", lambda X: anp.max(anp.abs(X)) ** 2),
    "var": ("x:(n); c:(); J = c*var(x); grad J wrt x, c", lambda x, c: c * anp.var(x)),
    "var of all": ("X:(m,n); J = var(X); grad J wrt X", lambda X: anp.var(X)),
    "rowvar": (
        "X:(m,n); c:(m); J = c'*rowvar(X); grad J wrt X, c",
        lambda X, c: anp.dot(c, anp.var(X, axis=1)),
    ),
    "colvar": (
        "X:(m,n); c:(n); J = colvar(X)*c; grad J wrt X, c",
        lambda X, c: anp.dot(anp.var(X, axis=0), c),
    ),
    "layernorm": (
        "x:(n); c:(n); g:(n); b:(n); J = c'*layernorm(x, g, b); grad J wrt x, g, b",
        lambda x, c, g, b: anp.dot(c, g * normalised(x, 0) + b),
    ),
    "rowlayernorm": (
        "X:(m,n); C:(m,n); g:(n); J = sum(C .* rowlayernorm(X, g)); grad J wrt X, g",
        lambda X, C, g: anp.sum(C * g * normalised(X, 1)),
    ),
    "batchnorm": (
        "X:(m,n); C:(m,n); g:(n); b:(n); J = sum(C .* batchnorm(X, g, b)); grad J wrt X, g, b",
        lambda X, C, g, b: anp.sum(C * (g * normalised(X, 0) + b)),
    ),
    "rmsnorm": (
        "x:(n); c:(n); J = c'*rmsnorm(x); grad J wrt x",
        lambda x, c: anp.dot(c, scaled(x)),
    ),
    "rowrmsnorm": (
        "X:(m,n); C:(m,n); g:(n); J = sum(C .* rowrmsnorm(X, g)); grad J wrt X, g",
        lambda X, C, g: anp.sum(C * g * scaled(X)),
    ),
    "attention": (
        "Q:(m,d); K:(n,d); V:(n,k); G:(m,k); J = sum(G .* attention(Q, K, V)); grad J wrt Q, K, V",
        lambda Q, K, V, G: anp.sum(G * anp.dot(softmax(anp.dot(Q, K.T) / anp.sqrt(Q.shape[1])), V)),
    ),
    "pinv": (
        "A:(m,n); b:(m); J = norm2(pinv(A)*b)^2; grad J wrt A, b",
        lambda A, b: anp.sum(anp.dot(anp.linalg.pinv(A), b) ** 2),
    ),
    "cholesky": (
        "A:(m,n); B:(n,n); J = sum(B .* cholesky(A'*A + I(n))); grad J wrt A, B",
        lambda A, B: anp.sum(B * anp.linalg.cholesky(positive(A))),
    ),
    "triangular system": (
        "A:(m,n); y:(n); L = cholesky(A'*A + I(n)); J = norm2(solve(L, y))^2; grad J wrt A, y",
        lambda A, y: anp.sum(anp.linalg.solve(anp.linalg.cholesky(positive(A)), y) ** 2),
    ),
    "expm": (
        "A:(n,n); B:(n,n); J = sum(B .* expm(A)); grad J wrt A, B",
        lambda A, B: anp.sum(B * expm(A)),
    ),
    "expm of a large matrix": (
        "A:(n,n); x:(n); J = sum(tanh(expm(3*A)*x)); grad J wrt A, x",
        lambda A, x: anp.sum(anp.tanh(anp.dot(expm(3 * A), x))),
    ),
    "solve": (
        "A:(m,n); B:(n,k); C:(n,k); J = sum(C .* solve(A'*A + I(n), B)); grad J wrt A, B",
        lambda A, B, C: anp.sum(C * anp.linalg.solve(positive(A), B)),
    ),
    "tril": (
        "A:(m,n); B:(m,n); J = sum(tril(A) .* exp(B)); grad J wrt A, B",
        lambda A, B: anp.sum(anp.tril(A) * anp.exp(B)),
    ),
    "triu": (
        "A:(n,n); x:(n); y:(n); J = x'*triu(A)*y; grad J wrt A, x, y",
        lambda A, x, y: anp.dot(x, anp.dot(anp.triu(A), y)),
    ),
    "triangle of ones": (
        "X:(n,k); y:(n); J = sum((y'*tril(ones(n,n))*X).^2); grad J wrt X, y",
        lambda X, y: anp.sum(anp.dot(y, anp.dot(anp.tril(anp.ones((len(y),) * 2)), X)) ** 2),
    ),
    "hcat": (
        "A:(m,n); B:(m,k); J = sum(tanh(hcat(A, B)*w)); grad J wrt A, B, w",
        lambda A, B, w: anp.sum(anp.tanh(anp.dot(anp.hstack([A, B]), w))),
    ),
    "vcat": (
        "A:(m,n); x:(n); J = norm2(vcat(A*x, x, 2*x))^3; grad J wrt A, x",
        lambda A, x: anp.sqrt(anp.sum(anp.concatenate([anp.dot(A, x), x, 2 * x]) ** 2)) ** 3,
    ),
    "a row and a column": (
        "A:(m,n); J = A[0,:]*A[0,:]'*sum(A[:,0]) + A[0,0]; grad J wrt A",
        lambda A: anp.sum(A[0] ** 2) * anp.sum(A[:, 0]) + A[0, 0],
    ),
}

FIXED: dict[str, Case] = {
    "entries": (
        "A:(5,4); J = A[1,2]*A[0,0]^2 + A[1,2]; grad J wrt A",
        lambda A: A[1, 2] * A[0, 0] ** 2 + A[1, 2],
    ),
    "blocks": (
        "A:(5,4); B:(2,3); J = sum(B .* A[1:3,1:4]) + sum(A[:,1].^2); grad J wrt A, B",
        lambda A, B: anp.sum(B * A[1:3, 1:4]) + anp.sum(A[:, 1] ** 2),
    ),
    "product of blocks": (
        "A:(4,4); J = tr(A[0:2,0:2]*A[2:4,2:4]); grad J wrt A",
        lambda A: anp.trace(anp.dot(A[:2, :2], A[2:, 2:])),
    ),
    "parts of a vector": (
        "x:(5); J = x[1]*x[2:5]'*x[2:5]; grad J wrt x",
        lambda x: x[1] * anp.sum(x[2:] ** 2),
    ),
    "vec": (
        "A:(3,4); c:(12); J = c'*vec(A); grad J wrt A, c",
        lambda A, c: anp.dot(c, anp.reshape(A.T, -1)),
    ),
    "unvec": (
        "v:(12); B:(3,4); J = sum(exp(B) .* unvec(v,3,4)); grad J wrt v, B",
        lambda v, B: anp.sum(anp.exp(B) * anp.reshape(v, (4, 3)).T),
    ),
    "unvec of vec": (
        "A:(3,4); C:(4,3); J = sum(unvec(vec(A),4,3) .* C); grad J wrt A, C",
        lambda A, C: anp.sum(anp.reshape(anp.reshape(A.T, -1), (3, 4)).T * C),
    ),
    "kron": (
        "A:(2,3); B:(4,5); C:(8,15); J = sum(kron(A,B) .* C); grad J wrt A, B, C",
        lambda A, B, C: anp.sum(anp.kron(A, B) * C),
    ),
    "kron between vectors": (
        "A:(2,3); B:(4,5); x:(8); y:(15); J = x'*kron(A,B)*y; grad J wrt A, B, x, y",
        lambda A, B, x, y: anp.dot(x, anp.dot(anp.kron(A, B), y)),
    ),
    "kron, one vector": (
        "A:(2,3); B:(3,2); x:(6); J = x'*kron(A,B)*x; grad J wrt A, B, x",
        lambda A, B, x: anp.dot(x, anp.dot(anp.kron(A, B), x)),
    ),
    "kron of a vector": (
        "a:(3); B:(4,2); C:(12,2); J = sum(C .* kron(a,B)); grad J wrt a, B, C",
        lambda a, B, C: anp.sum(C * anp.kron(a[:, None], B)),
    ),
}


def check(statement: str, function: Any, sizes: Mapping[str, int], generate: Any, rng: Any) -> None:
    """The generated functions beside autograd at a random point, in both precisions."""
    module = generate(statement.replace("; ", "\n"))
    arguments = module.arguments(sizes, rng)
    value, gradients = module.value_and_grad_J(**arguments)
    np.testing.assert_allclose(value, function(**arguments), rtol=1e-9, atol=1e-12)
    single = {name: np.asarray(array, np.float32) for name, array in arguments.items()}
    _, singles = module.value_and_grad_J(**single)
    before = [np.copy(array) for array in arguments.values()]
    for name, gradient in gradients._asdict().items():
        slope = autograd.grad(lambda v, k=name: function(**{**arguments, k: v}))
        expected = slope(arguments[name])
        scale = max(1.0, float(np.max(np.abs(expected))))
        alone = module.names[f"grad_J_{name}"](**arguments)
        for found in (gradient, alone):
            assert np.shape(found) == np.shape(arguments[name])
            np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10 * scale, err_msg=name)
        assert getattr(singles, name).dtype == np.float32
        assert not any(np.shares_memory(gradient, given) for given in arguments.values())
    assert all(map(np.array_equal, before, arguments.values()))


@pytest.mark.oracle
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_autograd(name: str, sizes: str, generate: Any, rng: Any) -> None:
    check(*CASES[name], SIZES[sizes], generate, rng)


@pytest.mark.oracle
@pytest.mark.parametrize("name", FIXED)
def test_agrees_with_autograd_at_sizes_that_are_numbers(name: str, generate: Any, rng: Any) -> None:
    check(*FIXED[name], {}, generate, rng)


@pytest.mark.parametrize("name", [*CASES, *FIXED])
def test_the_judge_agrees(name: str, generate: Any, seed: int) -> None:
    statement, _ = {**CASES, **FIXED}[name]
    module = generate(statement.replace("; ", "\n"))
    functions = {
        key: value
        for key, value in module.names.items()
        if key.startswith(("grad_", "value_and_grad_"))
    }
    report = judge_functions(module.problem, functions, seed=seed)
    assert report.passed, str(report)


COMBINED = [
    "a:(1,2); z:(1,k); J = dot(z, kron(a, z)[:, k:2*k]); grad J wrt a",
    "M:(k,k); v:(k); J = norm2(tril(kron(M, v'))); grad J wrt v, M",
    "x:(n); w:(n,1); J = kron(x, w)[-1]; grad J wrt x",
    "K:(l,2); v:(1,l); J = norm2(kron(K, v)[:, l:])^2; grad J wrt v, K",
    "P:(k,N); W:(k,k); Z:(k,2); v:(k); J = mean(gelu(kron(hcat(W, Z), v))[:, :k]); grad J wrt W, v",
    "L:(l,l); r:(l); J = mean(tanh(pinv(kron(L, r)) .* kron(L, r'))); grad J wrt L, r",
    "D:(l,9); j:(l); H = unvec(vec(kron(D, j)), 3*l, 3*l); J = norm2(H)^2; grad J wrt H, D",
    "G:(2,m); v:(m); d:(m); J = dot((kron(G, v)*v + vec(G'))[:m], d); grad J wrt v, G",
    "N:(2,4); d:(k); J = sum(kron(tril(N), d)); grad J wrt d, N",
    "w:(1,n); W:(n,2); J = prod(kron(W', w')); grad J wrt w, W",
    "Q:(m,m); o:(m); B:(m,m); J = sum((kron(triu(Q), o')*vec(B)) .* o); grad J wrt Q, o, B",
    "a:(n); J = selu(a[n - 1]) + a[n - 1]^3; grad J wrt a",
    "s:(N); u:(k); J = norminf(-vcat(s, u)); grad J wrt u, s",
    "r:(k); g:(2); P:(2,k); A:(k,k); J = nll(attention(r, g, P), A); grad J wrt r, g",
    "Z:(l,l); S:(N,l); J = -sum(colmin(vcat(S, Z))); grad J wrt S, Z",
    "Z:(N,2); J = 2 - sum(((vec(Z) >= 1) .* vec(Z))[:N]); grad J wrt Z",
    "v:(m); J = 2^erf(m)*sum(v); grad J wrt v",
    "M:(k,n); X:(n,n); J = sum(where(ones(k + n, n) > 1, vcat(M, X), vcat(M, X'))); grad J wrt M",
    "W:(N,l); m0:(m); J = norm2(unvec(vcat(vec(W'), ones(N*m, 1)), N, l + m))^2; grad J wrt W",
    "D:(k,2); w:(k); t:(2,1); J = var(vcat(vec(kron(D, w)), kron(t, w))); grad J wrt w, D, t",
    "y:(2); K:(n,k); J = mean(unvec(kron(y, vec(K)), k, 2*n)[0, n:2*n]); grad J wrt K, y",
    "K:(m,k); u:(1,k); J = sum(kron(kron(I(2), u), u') .^ 2); grad J wrt u",
    "A:(5,5); b:(5); J = norm2(solve(A, b)[1:3])^2; grad J wrt A, b",
    "A:(5,5); b:(5); J = solve(A, b)[1]; grad J wrt A, b",
    "A:(n,n); B:(n,k); x:(n); J = norm2(solve(A, hcat(B, x)))^2; grad J wrt A, B, x",
    "A:(5,5); J = sum(inv(A)[1:3, 2:4]) + inv(A)[0, 1]; grad J wrt A",
]


@pytest.mark.parametrize("statement", COMBINED)
def test_functions_in_one_another(statement: str, generate: Any, seed: int) -> None:
    module = generate(statement.replace("; ", "\n"))
    functions = {
        key: value
        for key, value in module.names.items()
        if key.startswith(("grad_", "value_and_grad_"))
    }
    report = judge_functions(module.problem, functions, seed=seed, points=6)
    assert report.passed, f"{report}\n{module.text}"


# At points that a formula on paper leaves out


def test_a_product_with_zeros(generate: Any) -> None:
    module = generate("x : (n)\nJ = prod(x)\ngrad J wrt x")
    for x, expected in (
        ([2.0, 0.0, 3.0], [0.0, 6.0, 0.0]),
        ([0.0, 0.0, 3.0], [0.0, 0.0, 0.0]),
        ([0.0], [1.0]),
    ):
        value, (gradient,) = module.value_and_grad_J(x=x)
        assert value == 0.0
        assert gradient.tolist() == expected


def test_a_product_of_a_matrix_with_a_zero(generate: Any) -> None:
    module = generate("X : (m, n)\nJ = prod(X.^2)\ngrad J wrt X")
    gradient = module.grad_J_X(X=[[1.0, 2.0], [0.0, 3.0]])
    assert gradient.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    module = generate("X : (m, n)\nJ = prod(X)\ngrad J wrt X")
    gradient = module.grad_J_X(X=[[1.0, 2.0], [0.0, 3.0]])
    assert gradient.tolist() == [[0.0, 0.0], [6.0, 0.0]]


def test_a_product_with_zeros_of_parts(generate: Any) -> None:
    """What scales all entries, or a column of them, may be 0 too."""
    X = np.array([[1.0, 2.0], [4.0, 3.0]])
    module = generate("X : (m, n)\nc : ()\nJ = prod(c*X)\ngrad J wrt c")
    assert module.grad_J_c(X=X, c=0.0) == 0.0
    assert module.grad_J_c(X=X[:1, :1], c=0.0) == 1.0
    assert module.grad_J_c(X=X, c=2.0) == 4 * 2.0**3 * 24.0
    module = generate("X : (m, n)\nw : (n)\nJ = prod(X*diag(w))\ngrad J wrt w")
    assert module.grad_J_w(X=X[:1], w=[0.0, 5.0]).tolist() == [10.0, 0.0]
    np.testing.assert_allclose(
        module.grad_J_w(X=X, w=[2.0, 5.0]), 24.0 * 2 * np.array([50.0, 20.0])
    )


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("prod(tril(A)) + prod(A)", [[0.0, 12.0], [0.0, 0.0]]),
        ("prod(prod(A)*A)", [[0.0, 0.0], [0.0, 0.0]]),
        ("sum(prod(A)*A)", [[0.0, 96.0], [0.0, 0.0]]),
        ("prod(A .* A')", [[0.0, 0.0], [0.0, 0.0]]),
    ],
)
def test_products_with_zeros_beside_and_in_each_other(
    formula: str, expected: Any, generate: Any
) -> None:
    module = generate(f"A : (n, n)\nJ = {formula}\ngrad J wrt A")
    found = module.grad_J_A(A=[[1.0, 0.0], [3.0, 4.0]])
    np.testing.assert_allclose(found, expected)


def test_a_product_with_zeros_inside_a_solution(generate: Any) -> None:
    module = generate("H : (n, n) positive_definite\nJ = prod(cholesky(H))\ngrad J wrt H")
    assert module.grad_J_H(H=[[2.0, 1.0], [1.0, 3.0]]).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    np.testing.assert_allclose(module.grad_J_H(H=[[4.0]]), [[0.25]])


@pytest.mark.parametrize(
    ("formula", "x", "expected"),
    [
        ("max(x)", [3.0, 1.0, 3.0], [0.5, 0.0, 0.5]),
        ("min(x)", [1.0, 1.0, 1.0, 2.0], [1 / 3, 1 / 3, 1 / 3, 0.0]),
        ("norminf(x)", [-2.0, 2.0, 1.0], [-0.5, 0.5, 0.0]),
        ("sum(rowmax(x'))", [5.0, 5.0], [0.5, 0.5]),
    ],
)
def test_ties_are_shared(formula: str, x: Any, expected: Any, generate: Any) -> None:
    module = generate(f"x : (n)\nJ = {formula}\ngrad J wrt x")
    np.testing.assert_allclose(module.grad_J_x(x=x), expected)


def test_expm_of_zero_and_of_a_nilpotent_matrix(generate: Any) -> None:
    module = generate("A : (n, n)\nB : (n, n)\nJ = sum(B .* expm(A))\ngrad J wrt A")
    B = np.arange(4.0).reshape(2, 2)
    value, (gradient,) = module.value_and_grad_J(A=np.zeros((2, 2)), B=B)
    np.testing.assert_allclose(value, np.trace(B), rtol=1e-14)
    np.testing.assert_allclose(gradient, B, rtol=1e-14)
    value, _ = module.value_and_grad_J(A=[[0.0, 1e6], [0.0, 0.0]], B=B)
    np.testing.assert_allclose(value, np.trace(B) + 1e6 * B[0, 1], rtol=1e-12)


# What is not there


def arrays_of(body: str) -> list[str]:
    """The shapes that stand beside the lines of a function."""
    return re.findall(r"  # (\(.*\))$", body, re.MULTILINE)


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("x:(n); y:(n); J = x'*diag(y)*x; grad J wrt x, y", "(n, n)"),
        ("A:(m,n); v:(n); J = sum((A*diag(v)).^2); grad J wrt v", "(n, n)"),
        ("A:(n,n); J = sum(diagonal(A).^2); grad J wrt A", "eye"),
        ("x:(7); J = sum(x[1:].^2) + x[0]; grad J wrt x", "(7, 7)"),
        ("x:(n); y:(k); J = norm2(vcat(x,y))^2; grad J wrt x, y", "(n, "),
        ("x:(n); y:(n); J = y'*tril(ones(n,n))*x; grad J wrt x, y", "(n, n)"),
        ("A:(2,3); B:(4,5); x:(8); y:(15); J = x'*kron(A,B)*y; grad J wrt A,x", "(8, 15)"),
        ("x:(n); c:(n); J = c'*layernorm(x); grad J wrt x", "(n, n)"),
        ("x:(n); c:(n); J = c'*softmax(x); grad J wrt x", "(n, n)"),
        ("A:(n,n); c:(n); x:(n); J = c'*solve(A, x); grad J wrt x", "inv("),
        ("A:(n,n); B:(n,k); J = norm2(solve(A, B))^2; grad J wrt A, B", "inv("),
        ("S:(n,n) positive_definite; B:(n,n); J = sum(B.*cholesky(S)); grad J wrt S", "inv("),
        ("A:(5,5); b:(5); J = norm2(solve(A, b)[1:3])^2 + inv(A)[0,1]; grad J wrt A, b", "inv("),
        ("K:(k,2); D:(k,k); J = prod(vcat(D, K')); grad J wrt K, D", "/"),
        ("A:(n,n); J = logdet(A'*A + I(n)); grad J wrt A", "np.linalg.det"),
    ],
)
def test_what_is_not_needed_is_not_computed(statement: str, absent: str, generate: Any) -> None:
    body = generate(statement.replace("; ", "\n")).body("value_and_grad_J")
    assert absent not in body, body


def test_weights_of_attention_are_computed_once(generate: Any) -> None:
    body = generate(CASES["attention"][0].replace("; ", "\n")).body("value_and_grad_J")
    assert body.count("_softmax(") == 1
    assert arrays_of(body).count("(m, n)") <= 4


def test_mean_and_variance_of_a_layer_are_computed_once(generate: Any) -> None:
    body = generate(CASES["rowlayernorm"][0].replace("; ", "\n")).body("value_and_grad_J")
    assert body.count("_deviations(X)") == 1
    assert body.count("np.mean(") == 1
    assert "np.var" not in body
