"""Generated modules beside an independent oracle: the same functions through autograd."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import autograd  # type: ignore[import-untyped]
import autograd.numpy as anp  # type: ignore[import-untyped]
import numpy as np
import pytest
from sympy import MatrixSymbol

from derive import examples
from derive.calculus.chain_rule import derive
from derive.emit.numpy_code import NumpyModule, numpy_module
from derive.errors import InputError, UnsupportedError
from derive.language import parse
from derive.problem import Problem, Request
from derive.verify import judge_functions

EXAMPLES = sorted(Path(examples.__file__ or "").parent.glob("*.derive"))

TESTNET = """
x : (3)
y : (2) probability
W1 : (4, 3)
b1 : (4)
W2 : (2, 4)
b2 : (2)
z1 = W1*x + b1
a1 = relu(z1)
z2 = W2*a1 + b2
p = softmax(z2)
J = cross_entropy(p, y)
grad J wrt W2, b2, W1, b1
"""

COLUMNS = """
X : (2, m)
Y : (1, m)
W1 : (k, 2)
b1 : (k)
W2 : (1, k)
b2 : (1)
Z1 = W1*X + b1
A1 = tanh(Z1)
Z2 = W2*A1 + b2
A2 = sigmoid(Z2)
J = bce(A2, Y)
grad J wrt W2, b2, W1, b1
"""

ROWS = """
X : (m, d)
Y : (m, k) probability
W1 : (d, h)
b1 : (h)
W2 : (h, k)
b2 : (k)
A = silu(X*W1 + b1')
P = rowsoftmax(A*W2 + b2')
J = cross_entropy(P, Y)/m
grad J wrt W1, b1, W2, b2
"""

GAUSSIAN = """
mu : (d)
S : (d, d) positive_definite
X : (N, d)
R = X - mu'
L = -(N*d*log(2*pi) + N*logdet(S) + tr(R*inv(S)*R'))/2
grad L wrt mu, S
"""


def softmax(z: Any) -> Any:
    e = anp.exp(z)
    return e / anp.sum(e, axis=-1, keepdims=True)


def sigmoid(z: Any) -> Any:
    return 1.0 / (1.0 + anp.exp(-z))


def net(x: Any, y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    a1 = anp.maximum(anp.dot(W1, x) + b1, 0.0)
    return -anp.sum(y * anp.log(softmax(anp.dot(W2, a1) + b2)))


def columns(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    A2 = sigmoid(anp.dot(W2, anp.tanh(anp.dot(W1, X) + b1[:, None])) + b2[:, None])
    return -anp.mean(Y * anp.log(A2) + (1.0 - Y) * anp.log(1.0 - A2))


def rows(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    Z = anp.dot(X, W1) + b1
    P = softmax(anp.dot(Z * sigmoid(Z), W2) + b2)
    return -anp.sum(Y * anp.log(P)) / len(X)


def gaussian(mu: Any, S: Any, X: Any) -> Any:
    R = X - mu
    N, d = X.shape
    quadratic = anp.trace(anp.dot(anp.dot(R, anp.linalg.inv(S)), R.T))
    logdet = anp.linalg.slogdet(S)[1]
    return -(N * d * anp.log(2.0 * anp.pi) + N * logdet + quadratic) / 2.0


def norm(x: Any) -> Any:
    return anp.sqrt(anp.sum(x**2))


ORACLES: dict[str, tuple[str, Callable[..., Any]]] = {
    "testnet": (TESTNET, net),
    "columns": (COLUMNS, columns),
    "rows": (ROWS, rows),
    "gaussian": (GAUSSIAN, gaussian),
    "quadratic form": (
        "x : (n)\nA : (n, n)\nJ = x'*A*x\ngrad J wrt x, A",
        lambda x, A: anp.dot(x, anp.dot(A, x)),
    ),
    "symmetric variable": (
        "x : (n)\nS : (n, n) symmetric\nJ = exp(x'*S*x/10) + tr(S^3)\ngrad J wrt x, S",
        lambda x, S: anp.exp(anp.dot(x, anp.dot(S, x)) / 10) + anp.trace(anp.dot(S, anp.dot(S, S))),
    ),
    "norm": (
        "A : (m, n)\nx : (n)\nb : (m)\nJ = norm2(A*x - b)\ngrad J wrt A, x, b",
        lambda A, x, b: norm(anp.dot(A, x) - b),
    ),
    "ridge": (
        "A : (m, n)\nx : (n)\nb : (m)\nlambda : ()\n"
        "J = norm2(A*x - b)^2 + lambda*norm2(x)^2\ngrad J wrt x, lambda",
        lambda A, x, b, lambda_: norm(anp.dot(A, x) - b) ** 2 + lambda_ * anp.sum(x**2),
    ),
    "logistic": (
        "X : (N, d)\ny : (N) signs\nw : (d)\nJ = sum(log(1 + exp(-y .* (X*w))))\ngrad J wrt w, X",
        lambda X, y, w: anp.sum(anp.log(1.0 + anp.exp(-y * anp.dot(X, w)))),
    ),
    "neuron": (
        "X : (N, d)\ny : (N)\nw : (d)\nb : ()\nJ = sum((y - max(0, X*w + b)).^2)/N\n"
        "grad J wrt w, b",
        lambda X, y, w, b: anp.mean((y - anp.maximum(0.0, anp.dot(X, w) + b)) ** 2),
    ),
    "declared sizes of 1": (
        "x : (1, n)\nw : (n, 1)\nA : (1, 1)\nb : (1)\nJ = A*tanh(x*w + b)\ngrad J wrt x, w, A, b",
        lambda x, w, A, b: anp.sum(A * anp.tanh(anp.dot(x, w) + b)),
    ),
    "inverses": (
        "A : (n, n)\nB : (n, n)\nx : (n)\nJ = x'*inv(A)*inv(B)*x\ngrad J wrt A, B, x",
        lambda A, B, x: anp.dot(x, anp.dot(anp.linalg.inv(A), anp.dot(anp.linalg.inv(B), x))),
    ),
    "broadcast": (
        "X : (m, n)\nc : (n)\nr : (m)\nJ = sum((X - c' + r).^2 .* exp(c'))\ngrad J wrt X, c, r",
        lambda X, c, r: anp.sum((X - c + r[:, None]) ** 2 * anp.exp(c)),
    ),
    "repeated": (
        "X : (m, n)\nW : (n, k)\nb : (k)\nJ = sum(X*W + b')^2\ngrad J wrt X, W, b",
        lambda X, W, b: anp.sum(anp.dot(X, W) + b) ** 2,
    ),
    "diag": (
        "x : (n)\nA : (n, n)\nJ = norm2(diag(x)*A*diag(x))^2\ngrad J wrt x, A",
        lambda x, A: anp.sum((x[:, None] * A * x) ** 2),
    ),
    "logdet": (
        "X : (n, n)\nJ = logdet(X*X' + I(n)) + det(X)\ngrad J wrt X",
        lambda X: anp.linalg.slogdet(anp.dot(X, X.T) + anp.eye(len(X)))[1] + anp.linalg.det(X),
    ),
}

SIZES = (
    {"m": 4, "n": 3, "d": 2, "N": 5, "k": 3, "h": 4},
    {"m": 2, "n": 5, "d": 3, "N": 3, "k": 2, "h": 6},
    {"m": 1, "n": 1, "d": 1, "N": 1, "k": 1, "h": 1},
)


@pytest.mark.oracle
@pytest.mark.parametrize("sizes", SIZES, ids=["generic", "other", "ones"])
@pytest.mark.parametrize("name", ORACLES)
def test_agrees_with_autograd(name: str, sizes: dict[str, int], generate: Any, rng: Any) -> None:
    statement, function = ORACLES[name]
    module = generate(statement)
    arguments = module.arguments(sizes, rng)
    (sweep,) = module.derivation.sweeps
    of = sweep.of.name
    value, gradients = module.names[f"value_and_grad_{of}"](**arguments)
    np.testing.assert_allclose(value, function(**arguments), rtol=1e-9)
    for result in sweep.results:
        key = f"{result.wrt}_" if result.wrt == "lambda" else result.wrt
        expected = autograd.grad(lambda v, k=key: function(**{**arguments, k: v}))(arguments[key])
        if module.problem.facts(result.wrt) & {"symmetric", "positive_definite"}:
            expected = (expected + expected.T) / 2.0
        scale = 1e-9 * max(1.0, float(np.max(np.abs(expected))))
        single = module.names[f"grad_{of}_{result.wrt}"](**arguments)
        for found in (getattr(gradients, key), single):
            assert np.shape(found) == np.shape(arguments[key])
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=scale, err_msg=result.wrt)


@pytest.mark.oracle
def test_gradient_with_respect_to_an_intermediate(generate: Any, rng: Any) -> None:
    module = generate(TESTNET.replace("wrt W2", "wrt z2, p, W2"))
    arguments = module.arguments({}, rng)
    a1 = np.maximum(arguments["W1"] @ arguments["x"] + arguments["b1"], 0.0)
    z2 = arguments["W2"] @ a1 + arguments["b2"]
    p = np.exp(z2) / np.exp(z2).sum()
    np.testing.assert_allclose(module.grad_J_z2(**arguments), p - arguments["y"], rtol=1e-9)
    np.testing.assert_allclose(module.grad_J_p(**arguments), -arguments["y"] / p, rtol=1e-9)


def test_unnamed_request(generate: Any) -> None:
    module = generate("x : (n)\ngrad norm2(x)^2 wrt x")
    x = np.array([1.0, 2.0])
    value, gradients = module.value_and_grad_f(x=x)
    assert value == 5.0
    assert gradients.x.tolist() == module.grad_f_x(x=x).tolist() == [2.0, 4.0]


def test_variable_that_does_not_occur(generate: Any) -> None:
    module = generate("x : (n)\nw : (1, k)\nJ = sum(x)\ngrad J wrt w, x")
    gradient = module.grad_J_w(x=np.ones(2), w=np.ones((1, 3)))
    assert gradient.tolist() == [[0.0, 0.0, 0.0]]


# The text


def test_testnet_as_it_would_be_written_by_hand(generate: Any) -> None:
    body = generate(TESTNET).body("value_and_grad_J")
    assert body == (
        "    x, y, W1, b1, W2, b2 = _arguments(x=x, y=y, W1=W1, b1=b1, W2=W2, b2=b2)\n"
        "\n"
        "    z1 = W1 @ x + b1                              # (4,)\n"
        "    a1 = np.maximum(z1, 0.0)                      # (4,)\n"
        "    z2 = W2 @ a1 + b2                             # (2,)\n"
        "    log_p = _log_softmax(z2)                      # (2,)\n"
        "    p = np.exp(log_p)                             # (2,)\n"
        "    J = -(y @ log_p)                              # ()\n"
        "\n"
        "    z2_bar = p * (1.0 - y) + y * np.expm1(log_p)  # (2,)\n"
        "    W2_bar = np.outer(z2_bar, a1)                 # (2, 4)\n"
        "    a1_bar = z2_bar @ W2                          # (4,)\n"
        "    z1_bar = a1_bar * (z1 > 0.0)                  # (4,)\n"
        "    W1_bar = np.outer(z1_bar, x)                  # (4, 3)\n"
        "    return J, Gradients(W2=W2_bar, b2=z2_bar, W1=W1_bar, b1=z1_bar)"
    )


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("x:(n)\nS:(n,n)\nJ = x'*inv(S)*x\ngrad J wrt x", "S_inv_x + np.linalg.solve(S.T, x)"),
        ("S:(n,n)\nJ = logdet(S)\ngrad J wrt S", "J = np.linalg.slogdet(S)[1]"),
        ("A:(m,n)\nB:(n,m)\nJ = tr(A*B)\ngrad J wrt A", "J = np.sum(A * A_bar)"),
        ("x:(n)\nA:(n,n)\nJ = x'*A*x\ngrad J wrt x", "x_bar = A_x + x @ A"),
        ("A:(m,n)\nv:(n)\nJ = sum(exp(A*diag(v)))\ngrad J wrt A", "M = np.exp(A * v)"),
        ("A:(m,n)\nv:(m)\nJ = sum(exp(diag(v)*A))\ngrad J wrt A", "M = np.exp(A * v[:, None])"),
        (
            "A:(m,n)\nv:(m)\nJ = sum((diag(v)*A).^2)\ngrad J wrt A",
            "J = v**2 @ np.sum(A**2, axis=1)",
        ),
        ("A:(n,n)\nB:(n,n)\nx:(n)\nJ = sum(A*B*x)\ngrad J wrt x", "x_bar = A.sum(axis=0) @ B"),
        (
            "z:()\ny:()\nJ = bce(sigmoid(z), y)\ngrad J wrt z",
            "J = one_minus_y * np.logaddexp(0.0, z) + y * np.logaddexp(0.0, -z)",
        ),
        ("x:(n)\nJ = sum(x)\ngrad J wrt x", "x_bar = np.ones_like(x)"),
    ],
)
def test_forms(statement: str, line: str, generate: Any) -> None:
    text = generate(statement).text
    assert line in re.sub(r" +# \(.*", "", text), text


@pytest.mark.parametrize("name", ORACLES)
def test_style(name: str, generate: Any) -> None:
    text = generate(ORACLES[name][0]).text
    assert "diag(" not in text.partition('"""\n\n')[2]
    assert max(map(len, text.splitlines())) <= 100
    assert not any(line != line.rstrip() for line in text.splitlines())
    assert text.endswith("\n") and not text.endswith("\n\n")
    imported = [
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert set(imported) <= {"numpy", "typing", "math"}


def test_same_text_every_time() -> None:
    first, second = (numpy_module(derive(parse(ROWS))) for _ in range(2))
    assert first == second


def test_only_helpers_that_are_called_are_defined(generate: Any) -> None:
    assert "def _log_softmax" in generate(TESTNET).text
    assert "def _sigmoid" not in generate(TESTNET).text


def test_many_gradients_are_picked_from_one_pass(generate: Any) -> None:
    layers = range(1, 5)
    given = "".join(f"W{k} : (n, n)\nb{k} : (n)\n" for k in layers)
    names = ["x", *(f"a{k}" for k in layers)]
    steps = "".join(f"a{k} = tanh(W{k}*{names[k - 1]} + b{k})\n" for k in layers)
    asked = ", ".join(f"W{k}, b{k}" for k in layers)
    module = generate(f"x : (n)\n{given}{steps}J = norm2(a4)^2\ngrad J wrt {asked}")
    assert module.body("grad_J_W1").strip().startswith("return value_and_grad_J(")


def test_docstring_has_formulas_shapes_and_what_was_checked() -> None:
    text = numpy_module(derive(parse(TESTNET)), verified="Checked at 5 points.", title="A net.")
    notes = ast.get_docstring(ast.parse(text)) or ""
    assert notes.startswith("A net.\n")
    assert re.search(r"∂J/∂W2 = \(p − y\) a1ᵀ +\(2, 4\)", notes)
    assert re.search(r"z1 = W1 x \+ b1 +\(4,\)", notes)
    assert "y (2,) sums to 1" in notes
    assert notes.endswith("Checked at 5 points.")


def ruff() -> str | None:
    beside = Path(sys.executable).with_name("ruff")
    return str(beside) if beside.exists() else shutil.which("ruff")


@pytest.mark.skipif(ruff() is None, reason="ruff is not installed")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_linter_and_formatter_have_nothing_to_say(path: Path, tmp_path: Path) -> None:
    derivation = derive(parse(path.read_text(encoding="utf-8")))
    module, test = tmp_path / "module.py", tmp_path / "test_module.py"
    # Comments stand in a column; the formatter would put them two blanks behind the code.
    text = re.sub(r"(\S) {2,}# \(", r"\1  # (", numpy_module(derivation))
    module.write_text(text, encoding="utf-8")
    test.write_text(NumpyModule(derivation).test_text("module"), encoding="utf-8")
    for command in (["check", "--extend-ignore=E741"], ["format", "--line-length=100", "--diff"]):
        ran = subprocess.run(
            [str(ruff()), *command, "--isolated", "--no-cache", str(module), str(test)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


# Arguments


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W1": np.ones((3, 4))}, "W1: expected (k, 2), got (3, 4)"),
        ({"W1": np.ones(4)}, "W1: expected (k, 2), got (4,)"),
        ({"Y": np.ones((1, 7))}, "Y: expected (1, m) with m = 5 from X, got (1, 7)"),
        ({"Y": np.ones((2, 5))}, "Y: expected (1, m) with m = 5 from X, got (2, 5)"),
        ({"b2": 1.0}, "b2: expected (1,), got ()"),
    ],
)
def test_wrong_shapes_are_refused(change: Any, message: str, generate: Any, rng: Any) -> None:
    module = generate(COLUMNS)
    arguments = module.arguments({"m": 5, "k": 4}, rng) | change
    with pytest.raises(ValueError) as caught:
        module.value_and_grad_J(**arguments)
    assert str(caught.value) == message


def test_the_check_can_be_switched_off(rng: Any, generate: Any) -> None:
    module = generate("x : (3)\nJ = norm2(x)^2\ngrad J wrt x")
    with pytest.raises(ValueError, match=re.escape("x: expected (3,), got (2,)")):
        module.grad_J_x(x=np.ones(2))
    module.names["CHECK_SHAPES"] = False
    try:
        assert module.grad_J_x(x=np.ones(2)).tolist() == [2.0, 2.0]
    finally:
        module.names["CHECK_SHAPES"] = True


def test_whole_numbers_and_lists_are_taken_as_floats(generate: Any) -> None:
    module = generate("x : (n)\nc : ()\nJ = c*norm2(x)^2\ngrad J wrt x, c")
    value, gradients = module.value_and_grad_J(x=[1, 2], c=3)
    assert value == 15.0
    assert gradients.x.dtype == float
    assert gradients.x.tolist() == [6.0, 12.0]


def test_single_precision_stays(generate: Any, rng: Any) -> None:
    module = generate(COLUMNS)
    arguments = module.arguments({"m": 5, "k": 4}, rng)
    single = {name: np.asarray(value, np.float32) for name, value in arguments.items()}
    _, gradients = module.value_and_grad_J(**single)
    assert {gradient.dtype for gradient in gradients} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    "statement",
    [
        "x : (n)\ny : (n)\nz : (n)\nJ = x'*y + 2*sum(y) + x'*z\ngrad J wrt x, y, z",
        "X : (n, m)\nA : (m, n)\nB : (n, m)\nJ = tr(A*X) + tr(A*B)\ngrad J wrt X, A, B",
        "x : (1, n)\ny : (n, 1)\nc : (1)\nJ = c*x*y\ngrad J wrt x, y, c",
        "x : (n)\ny : (n)\nz : (n)\nJ = sum(z)\ngrad J wrt x, y, z",
    ],
)
def test_results_share_no_memory(statement: str, generate: Any, rng: Any) -> None:
    module = generate(statement)
    arguments = module.arguments({"n": 3, "m": 4}, rng)
    _, gradients = module.value_and_grad_J(**arguments)
    arrays = [*gradients, *arguments.values()]
    for place, array in enumerate(arrays):
        assert not any(np.shares_memory(array, other) for other in arrays[:place])


CLASHING = ["lambda", "np", "numpy", "Gradients", "gradients", "value", "SHAPES", "name", "float"]


@pytest.mark.parametrize("name", CLASHING)
def test_names_that_would_clash(name: str, generate: Any) -> None:
    module = generate(f"{name} : (n)\nJ = sum(sigmoid({name}))\ngrad J wrt {name}")
    key = f"{name}_" if name == "lambda" else name
    _, gradients = module.value_and_grad_J(**{key: np.zeros(2)})
    assert getattr(gradients, key).tolist() == [0.25, 0.25]


def test_names_that_start_with_an_underscore_are_refused() -> None:
    x = MatrixSymbol("_arguments", 3, 1)
    problem = Problem.build({"J": x.T * x}, [Request("grad", "J", ("_arguments",))])
    with pytest.raises(UnsupportedError, match="_arguments: a name that starts with _"):
        numpy_module(derive(problem))


def test_a_variable_called_like_a_gradient(generate: Any) -> None:
    module = generate("x : (n)\nx_bar : (n)\nJ = sum(x)*sum(x_bar)\ngrad J wrt x, x_bar")
    x, x_bar = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    _, gradients = module.value_and_grad_J(x=x, x_bar=x_bar)
    assert gradients.x.tolist() == [7.0, 7.0]
    assert gradients.x_bar.tolist() == [3.0, 3.0]


def test_two_names_that_would_be_one_are_refused() -> None:
    derivation = derive(parse("lambda : ()\nlambda_ : ()\nJ = lambda*lambda_\ngrad J wrt lambda"))
    with pytest.raises(InputError, match="lambda and lambda_ would have the same name in Python"):
        numpy_module(derivation)


# Stability


@pytest.mark.parametrize("z", [-1000.0, -40.0, 0.0, 40.0, 1000.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_binary_cross_entropy_of_a_sigmoid(z: float, y: float, generate: Any) -> None:
    module = generate("z:(n)\ny:(n)\na = sigmoid(z)\nJ = bce(a, y)\ngrad J wrt z")
    with np.errstate(all="raise", under="ignore"):
        value, gradients = module.value_and_grad_J(z=np.array([z]), y=np.array([y]))
    expected = np.maximum(z, 0.0) - z * y + np.log1p(np.exp(-abs(z)))
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-14)
    assert gradients.z[0] == pytest.approx(1.0 / (1.0 + np.exp(min(-z, 700.0))) - y, abs=1e-15)


@pytest.mark.parametrize("spread", [1.0, 1000.0])
def test_cross_entropy_of_a_softmax(spread: float, generate: Any) -> None:
    module = generate(
        "Z:(m,k)\nY:(m,k) probability\nP = rowsoftmax(Z)\nJ = cross_entropy(P, Y)\ngrad J wrt Z"
    )
    Z, Y = spread * np.array([[1.0, -1.0, 0.0]]), np.array([[0.0, 1.0, 0.0]])
    with np.errstate(all="raise", under="ignore"):
        value, gradients = module.value_and_grad_J(Z=Z, Y=Y)
    P = np.exp(Z - spread) / np.exp(Z - spread).sum()
    np.testing.assert_allclose(value, 2 * spread + np.log(np.exp(Z - spread).sum()), rtol=1e-12)
    np.testing.assert_allclose(gradients.Z, P - Y, rtol=1e-12)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("log(sigmoid(z))", -1000.0),
        ("log(1 - sigmoid(-z))", -1000.0),
        ("log(1 + exp(-z))", 1000.0),
        ("logsumexp(-1*q)", 1000.0 + np.log(2.0)),
        ("sum(log(softmax(q)))", -2 * np.log(2.0)),
        ("kl(half, softmax(q .* q))", 0.0),
        ("log(exp(z))", -1000.0),
    ],
)
def test_logarithms_do_not_overflow(expression: str, expected: float, generate: Any) -> None:
    statement = f"z : ()\nq : (2)\nhalf : (2) probability\nJ = {expression}\n"
    wrt = "z" if "z)" in expression or "-z" in expression else "q"
    module = generate(f"{statement}grad J wrt {wrt}")
    inputs = {"z": -1000.0, "q": np.array([-1000.0, -1000.0]), "half": np.array([0.5, 0.5])}
    inputs = {k: v for k, v in inputs.items() if re.search(rf"\b{k}\b", expression) or k == wrt}
    with np.errstate(all="raise", under="ignore"):
        value, gradients = module.value_and_grad_J(**inputs)
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-9)
    assert np.all(np.isfinite(gradients[0]))


def test_sigmoid_keeps_its_digits_far_out(generate: Any) -> None:
    module = generate("x : (n)\nJ = sum(sigmoid(x))\ngrad J wrt x")
    value, gradients = module.value_and_grad_J(x=np.array([-600.0]))
    assert value == pytest.approx(np.exp(-600.0), rel=1e-12)
    assert gradients.x[0] == pytest.approx(np.exp(-600.0), rel=1e-12)


# Sizes


def test_a_size_is_read_off_an_input_that_is_not_needed_otherwise(generate: Any) -> None:
    module = generate("X : (N, d)\nw : (d)\nJ = norm2(w)^2/N\ngrad J wrt w")
    value, (gradient,) = module.value_and_grad_J(X=np.zeros((4, 2)), w=[2.0, 0.0])
    assert value == 1.0
    assert gradient.tolist() == module.grad_J_w(X=np.zeros((4, 2)), w=[2.0, 0.0]).tolist()
    assert gradient.tolist() == [1.0, 0.0]


def test_a_size_that_no_argument_has_is_an_argument(generate: Any) -> None:
    module = generate("x : ()\nJ = x*sum(ones(n))\ngrad J wrt x")
    assert module.value_and_grad_J(x=2.0, n=3)[0] == 6.0
    assert module.grad_J_x(x=2.0, n=3) == 3.0
    assert "x (), n a size" in module.text.replace("\N{NO-BREAK SPACE}", " ")
    report = judge_functions(module.problem, {"grad_J_x": module.grad_J_x})
    assert report.passed
