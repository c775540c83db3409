"""The reverse sweep over whole problems: what is recorded, and that it is right.

Values come from the tests' own evaluator; autograd differentiates functions written by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation, Result, Step
from derive.errors import InputError, UnsupportedError
from derive.language import parse
from derive.problem import Problem, Request
from derive.tensor.algebra import zero
from derive.tensor.substitution import variables_of
from tests.tensor.evaluation import evaluate

Array = Any


def derived(problem: str) -> Derivation:
    return derive(parse("\n".join(line.strip() for line in problem.split(";"))))


def result_for(derivation: Derivation, wrt: str, of: str = "") -> Result:
    (found,) = [r for r in derivation.results if r.wrt == wrt and of in ("", r.of)]
    return found


def steps_of(derivation: Derivation) -> dict[str, Step]:
    (sweep,) = derivation.sweeps
    return {step.quantity.name: step for step in sweep.steps}


def check(problem: str, function: Callable[..., Array], **values: Array) -> Derivation:
    """Every gradient of a problem against autograd, and every line of its step."""
    derivation = derived(problem)
    point = {name: np.asarray(value, dtype=float) for name, value in values.items()}
    for result in derivation.results:
        if result.wrt not in values:
            continue

        def along(value: Array, name: str = result.wrt) -> Array:
            return function(**{**point, name: value})

        expected = np.asarray(grad(along)(point[result.wrt]))
        got = evaluate(result.gradient, point)
        np.testing.assert_allclose(
            got,
            expected.reshape(got.shape),
            rtol=1e-9,
            atol=1e-12,
            err_msg=f"{result.wrt}: {problem}",
        )
        step = steps_of(derivation).get(result.wrt) if len(derivation.sweeps) == 1 else None
        for line in step.lines if step else ():
            np.testing.assert_allclose(evaluate(line.tensor, point), got, rtol=1e-9, atol=1e-12)
    return derivation


RNG = np.random.default_rng(5)
X3, Y3, B3 = RNG.normal(size=3), RNG.normal(size=3), RNG.normal(size=3)
A33, C33 = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3))
A43 = RNG.normal(size=(4, 3))
SYMMETRIC = A33 + A33.T


def test_every_named_quantity_has_a_step_of_its_own() -> None:
    derivation = derived(
        "x:(3); y:(2) probability; W1:(4,3); b1:(4); W2:(2,4); b2:(2); z1 = W1*x + b1;"
        "a1 = relu(z1); z2 = W2*a1 + b2; p = softmax(z2); J = cross_entropy(p, y);"
        "grad J wrt W1, b1, W2, b2"
    )
    steps = steps_of(derivation)
    assert list(steps) == ["p", "z2", *[k for k in steps if k not in ("p", "z2")]]
    assert {"p", "z2", "a1", "z1", "W1", "b1", "W2", "b2"} == set(steps)
    assert {name for name, step in steps.items() if step.sought} == {"W1", "b1", "W2", "b2"}
    for name, step in steps.items():
        assert step.adjoint.name == f"{name}_bar"
        assert step.adjoint.role == "adjoint"
        assert step.adjoint.shape == step.quantity.shape
        assert step.adjoint.value is step.result
    assert [v.name for v in derivation.sweeps[0].forward] == ["z1", "a1", "z2", "p", "J"]


def test_steps_go_backwards() -> None:
    derivation = derived("u = A*x; v = tanh(u); w = B*v; J = norm2(w)^2; grad J wrt A, B, x")
    order = list(steps_of(derivation))
    assert order.index("w") < order.index("v") < order.index("u") < order.index("A")


def test_quantities_keep_the_order_in_which_they_are_defined() -> None:
    derivation = derived(
        "x:(n); A:(n,n); B:(n,n); b = tanh(B*x); a = tanh(A*x); J = sum(a .* b); grad J wrt A, B, x"
    )
    (sweep,) = derivation.sweeps
    named = [v.name for v in sweep.forward if v.role == "defined"]
    assert named == ["b", "a", "J"]
    sought = [step.quantity.name for step in sweep.steps if step.sought]
    assert sought == ["A", "B", "x"]


def test_what_one_quantity_completes_comes_in_the_order_asked_for() -> None:
    for asked in ("W, x, b", "b, W, x"):
        (sweep,) = derived(f"J = sum(W*x + b); grad J wrt {asked}").sweeps
        assert ", ".join(step.quantity.name for step in sweep.steps) == asked


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("sqrt(x'*x)", "norm"),
        ("norm2(x - a)", "norm"),
        ("sqrt(x'*x + 1)", "root squared_norm"),
        ("sqrt(a'*x)", "root"),
        ("sum(sqrt(A*x))", "root"),
        ("norm2(x)^2", "squared_norm"),
        ("1/(a'*x)", "power"),
    ],
)
def test_the_law_of_a_power_is_named(formula: str, expected: str) -> None:
    derivation = derived(f"x:(n); a:(n) positive; A:(m,n); grad {formula} wrt x")
    laws = {law.law for step in derivation.sweeps[0].steps for s in step.sources for law in s.laws}
    assert laws & {"norm", "root", "squared_norm", "power"} == set(expected.split())


def test_the_local_jacobian_of_softmax_is_recorded() -> None:
    derivation = derived(
        "z:(n); y:(n) probability; p = softmax(z); J = cross_entropy(p, y); grad J wrt z"
    )
    (source,) = steps_of(derivation)["z"].sources
    assert source.user.name == "p"
    assert source.jacobian is not None
    p = np.array([0.2, 0.3, 0.5])
    value = evaluate(source.jacobian, {"z": np.log(p)}, {"n": 3})
    np.testing.assert_allclose(value, np.diag(p) - np.outer(p, p), rtol=1e-12)
    assert [law.law for law in source.laws] == ["softmax"]


def test_the_fact_that_was_used_is_recorded() -> None:
    with_fact = derived(
        "z:(n); y:(n) probability; p = softmax(z); J = cross_entropy(p, y); grad J wrt z"
    )
    without = derived("z:(n); y:(n); p = softmax(z); J = cross_entropy(p, y); grad J wrt z")

    def laws(derivation: Derivation) -> set[str]:
        lines = steps_of(derivation)["z"].lines
        return {reason.law for line in lines for reason in line.reasons}

    assert "probability" in laws(with_fact)
    assert "probability" not in laws(without)


def dense(depth: int) -> str:
    lines = ["a0 : (n)", *[f"W{k} : (n, n); b{k} : (n)" for k in range(1, depth + 1)]]
    lines += [f"z{k} = W{k}*a{k - 1} + b{k}; a{k} = tanh(z{k})" for k in range(1, depth + 1)]
    lines.append(f"J = norm2(a{depth})^2")
    lines.append("grad J wrt " + ", ".join(f"W{k}, b{k}" for k in range(1, depth + 1)))
    return ";".join(lines)


def test_the_record_grows_linearly_with_depth() -> None:
    counts, symbols = [], []
    for depth in (4, 8, 12):
        steps = steps_of(derived(dense(depth)))
        counts.append(len(steps))
        symbols.append(sum(line.tensor.size for step in steps.values() for line in step.lines))
    assert counts[2] - counts[1] == counts[1] - counts[0]
    assert symbols[2] - symbols[1] == symbols[1] - symbols[0]


def test_a_variable_that_does_not_occur_has_gradient_zero() -> None:
    derivation = derived("x:(n); y:(m); J = x'*x; K = y'*y; grad J wrt x, y")
    result = result_for(derivation, "y")
    assert not result.occurs
    assert result.gradient is zero(derivation.names["y"].shape)
    assert result_for(derivation, "x").occurs


def test_what_cancels_leaves_zero() -> None:
    derivation = derived("x:(n); J = x'*x - norm2(x)^2 + 1; grad J wrt x")
    assert result_for(derivation, "x").gradient is zero(derivation.names["x"].shape)


def test_with_respect_to_an_intermediate() -> None:
    derivation = derived("A:(3,3); x:(3); z = A*x; J = sum(exp(z)); grad J wrt z, x")
    point = {"A": A33, "x": X3}
    exponentials = np.exp(A33 @ X3)
    np.testing.assert_allclose(evaluate(result_for(derivation, "z").gradient, point), exponentials)
    np.testing.assert_allclose(
        evaluate(result_for(derivation, "x").gradient, point), A33.T @ exponentials
    )


def test_an_intermediate_with_no_given_variable_asked_about() -> None:
    derivation = derived("A:(3,3); x:(3); z = A*x; J = z'*z; grad J wrt z")
    assert list(steps_of(derivation)) == ["z"]


def test_the_scalar_itself() -> None:
    derivation = derived("c:(); J = c^2; grad J wrt J")
    assert evaluate(result_for(derivation, "J").gradient, {"c": 3.0}) == 1.0


def test_a_scalar_that_is_a_variable() -> None:
    derivation = derived("c:(); d:(); grad c wrt c, d")
    assert evaluate(result_for(derivation, "c").gradient, {"c": 3.0, "d": 1.0}) == 1.0
    assert not result_for(derivation, "d").occurs


def test_the_same_symbol_several_times() -> None:
    check("x:(3); grad x'*x*x'*x wrt x", lambda x: anp.dot(x, x) ** 2, x=X3)
    check("A:(3,3); grad sum(A*A) wrt A", lambda A: anp.sum(anp.dot(A, A)), A=A33)
    check("A:(3,3); grad tr(A*A*A') wrt A", lambda A: anp.trace(A @ A @ A.T), A=A33)
    check("A:(3,3); grad sum(A .* A') wrt A", lambda A: anp.sum(A * A.T), A=A33)
    check(
        "A:(3,3); x:(3); grad x'*A*x*(x'*A'*A*x) wrt A, x",
        lambda A, x: (x @ A @ x) * (x @ A.T @ A @ x),
        A=A33,
        x=X3,
    )
    check(
        "A:(3,3); grad sum(diagonal(A)) * tr(A) + sum(diag(diagonal(A))*A) wrt A",
        lambda A: anp.trace(A) ** 2 + anp.sum(anp.diag(anp.diag(A)) @ A),
        A=A33,
    )


def test_the_larger_of_a_matrix_and_its_transpose() -> None:
    """Off the diagonal; on it the two arguments are always equal."""
    derivation = derived("A:(3,3); grad sum(max(A, A')) wrt A")
    got = evaluate(result_for(derivation, "A").gradient, {"A": A33})
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(got[off], 2.0 * (A33 > A33.T)[off])


def test_shared_intermediates() -> None:
    check(
        "x:(3); A:(3,3); B:(3,3); a1 = tanh(A*x); a2 = a1 + tanh(B*a1); a3 = a2 + tanh(A*a2);"
        "J = norm2(a3)^2/2; grad J wrt A, B, x",
        residual,
        A=A33,
        B=C33,
        x=X3,
    )


def residual(A: Array, B: Array, x: Array) -> Array:
    a1 = anp.tanh(A @ x)
    a2 = a1 + anp.tanh(B @ a1)
    a3 = a2 + anp.tanh(A @ a2)
    return anp.sum(a3**2) / 2


def test_a_residual_step_has_two_sources() -> None:
    derivation = derived(
        "x:(n); A:(n,n); B:(n,n); a1 = tanh(A*x); u = B*a1; a2 = a1 + tanh(u);"
        "J = sum(a2); grad J wrt A"
    )
    users = {source.user.name for source in steps_of(derivation)["a1"].sources}
    assert users == {"a2", "u"}


def test_diamonds() -> None:
    def diamond(x: Array, A: Array) -> Array:
        u = A @ x
        left, right = anp.exp(u), anp.sin(u)
        top = left * right + u
        return anp.sum(top) * anp.dot(left, right)

    check(
        "x:(3); A:(3,3); u = A*x; l = exp(u); r = sin(u); t = l .* r + u; J = sum(t)*(l'*r);"
        "grad J wrt x, A",
        diamond,
        x=X3,
        A=A33 / 3,
    )


def test_an_expression_that_is_written_twice_is_one() -> None:
    def twice(A: Array, x: Array, b: Array) -> Array:
        r = A @ x - b
        return anp.sum(r**2) + anp.sqrt(anp.sum(r**2)) + anp.sum(anp.exp(r))

    derivation = check(
        "A:(4,3); x:(3); b:(4); J = norm2(A*x - b)^2 + norm2(A*x - b) + sum(exp(A*x - b));"
        "grad J wrt A, x, b",
        twice,
        A=A43,
        x=X3,
        b=RNG.normal(size=4),
    )
    writing_it = [
        v.name
        for v in derivation.names.values()
        if v.value is not None and derivation.names["A"] in variables_of(v.value)
    ]
    assert len(writing_it) == 1, "A*x - b is one quantity"


def test_two_scalars() -> None:
    derivation = derived(
        "x:(3); A:(3,3); u = A*x; J = u'*u; K = sum(exp(u)); grad J wrt x, A; grad K wrt x"
    )
    assert [(r.of, r.wrt) for r in derivation.results] == [("J", "x"), ("J", "A"), ("K", "x")]
    point = {"x": X3, "A": A33}
    u = A33 @ X3
    np.testing.assert_allclose(
        evaluate(result_for(derivation, "x", "J").gradient, point), 2 * A33.T @ u
    )
    np.testing.assert_allclose(
        evaluate(result_for(derivation, "x", "K").gradient, point), A33.T @ np.exp(u)
    )


def test_one_scalar_computed_from_another() -> None:
    derivation = derived("x:(3); J = x'*x; K = J^2 + J; grad J wrt x; grad K wrt x, J")
    point = {"x": X3}
    square = X3 @ X3
    got = evaluate(result_for(derivation, "x", "K").gradient, point)
    np.testing.assert_allclose(got, (2 * square + 1) * 2 * X3)
    assert evaluate(result_for(derivation, "J", "K").gradient, point) == pytest.approx(
        2 * square + 1
    )


def test_repeated_requests_are_one() -> None:
    derivation = derived("x:(n); y:(n); J = x'*y; grad J wrt x; grad J wrt y, x")
    assert [r.wrt for r in derivation.results] == ["x", "y"]
    assert len(derivation.sweeps) == 1


@pytest.mark.parametrize(
    ("problem", "function"),
    [
        ("c:(1,1); x:(1,1); grad c*x*x wrt c, x", lambda c, x: anp.sum(c * x * x)),
        ("c:(1,3); x:(3,1); grad exp(c*x) wrt c, x", lambda c, x: anp.exp(anp.sum(c @ x))),
        ("c:(3,1); x:(1,3); grad sum(sin(c*x)) wrt c, x", lambda c, x: anp.sum(anp.sin(c @ x))),
        ("c:(1,3); x:(3,3); grad sum((x .* c).^2) wrt c, x", lambda c, x: anp.sum((x * c) ** 2)),
        ("c:(3,1); x:(3,3); grad sum(exp(x - c)) wrt c, x", lambda c, x: anp.sum(anp.exp(x - c))),
        ("c:(1,3); x:(3,1); grad sum(tanh(x + c)) wrt c, x", lambda c, x: anp.sum(anp.tanh(x + c))),
        ("c:(); x:(1,3); grad sum((x - c).^2) wrt c, x", lambda c, x: anp.sum((x - c) ** 2)),
    ],
)
def test_declared_sizes_of_one(problem: str, function: Callable[..., Array]) -> None:
    parsed = parse("\n".join(line.strip() for line in problem.split(";")))
    values = {}
    for name, variable in parsed.variables.items():
        values[name] = RNG.normal(size=tuple(int(dim) for dim in variable.shape))
    check(problem, function, **values)


def test_sizes_that_are_numbers_are_numbers() -> None:
    check("x:(3); grad mean(x)^2 wrt x", lambda x: anp.mean(x) ** 2, x=X3)
    check("A:(4,3); grad sum(rowmean(A).^2) wrt A", lambda A: anp.sum(anp.mean(A, 1) ** 2), A=A43)
    derivation = derived("x:(3); b:(); grad sum(x + b) wrt b")
    assert evaluate(result_for(derivation, "b").gradient, {}) == 3


def test_a_symmetric_variable_has_a_symmetric_gradient() -> None:
    derivation = derived("A:(3,3) symmetric; B:(3,3); x:(3); grad tr(A*B) + x'*A*B*x wrt A")
    result = result_for(derivation, "A")
    assert result.structure == "symmetric"
    value = evaluate(result.gradient, {"A": SYMMETRIC, "B": C33, "x": X3})
    full = C33.T + np.outer(X3, C33 @ X3)
    np.testing.assert_allclose(value, (full + full.T) / 2, rtol=1e-12)
    reasons = {r.law for line in steps_of(derivation)["A"].lines for r in line.reasons}
    assert "symmetric_variable" in reasons


def test_a_matrix_of_one_entry_has_no_structure() -> None:
    derivation = derived("S:(1,1) positive_definite; x:(1); grad x'*inv(S)*x + logdet(S) wrt S")
    assert result_for(derivation, "S").structure == ""


def test_a_diagonal_variable_has_a_diagonal_gradient() -> None:
    derivation = derived("D:(3,3) diagonal; A:(3,3); grad tr(D*A*D) wrt D")
    diagonal = np.diag(X3)
    value = evaluate(result_for(derivation, "D").gradient, {"D": diagonal, "A": A33})
    full = (diagonal @ A33 + A33 @ diagonal).T
    np.testing.assert_allclose(value, np.diag(np.diagonal(full)), rtol=1e-12)
    assert result_for(derivation, "D").structure == "diagonal"


def test_facts_are_kept_by_what_is_not_a_variable_of_the_request() -> None:
    derivation = derived("A:(n,n) symmetric; x:(n); grad x'*A*x wrt x")
    gradient = result_for(derivation, "x").gradient
    assert {v.name for v in variables_of(gradient)} == {"A", "x"}
    assert gradient.size <= 4


def test_what_is_not_supported_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="Jacobian of f with respect to A"):
        derived("A:(n,n); jacobian expm(A) wrt A")
    with pytest.raises(UnsupportedError, match="S is declared symmetric"):
        derived("S:(n,n) symmetric; hessian logdet(S) wrt S")
    with pytest.raises(InputError, match="of a scalar"):
        derived("A:(m,n); x:(n); hessian A*x wrt x")


def test_a_lower_triangular_matrix_may_stand_in_the_formula() -> None:
    check(
        "L:(3,3) lower_triangular; x:(3); grad norm2(L*x)^2 wrt x",
        lambda L, x: anp.sum((L @ x) ** 2),
        L=np.tril(A33),
        x=X3,
    )


def test_the_gradient_in_a_lower_triangular_matrix_is_lower_triangular() -> None:
    (result,) = derived("L:(3,3) lower_triangular; x:(3); grad norm2(L*x)^2 wrt L").results
    assert result.structure == "lower_triangular"
    got = evaluate(result.gradient, {"L": np.tril(A33), "x": X3})
    np.testing.assert_allclose(got, np.tril(2 * np.outer(np.tril(A33) @ X3, X3)), rtol=1e-13)


def test_the_gradient_of_what_is_no_scalar_is_refused() -> None:
    problem = parse("A:(m,n); x:(n); z = A*x; J = z'*z; grad J wrt x")
    wrong = Problem(problem.variables, problem.definitions, (Request("grad", "z", ("x",)),))
    with pytest.raises(InputError, match=r"scalar.*z"):
        derive(wrong)


def test_names_that_are_taken_are_not_given_again() -> None:
    """u, r, s and the names of adjoints may be the user's own."""
    check(
        "A:(4,3); x:(3); u:(4); r:(4); s:(3); x_bar:(3);"
        "J = sum(sigmoid(A*x + u)) + norm2(A*x - r)^2 + s'*x + x_bar'*x; grad J wrt x, u, r",
        lambda A, x, u, r, s, x_bar: (
            anp.sum(0.5 * (1 + anp.tanh((A @ x + u) / 2)))
            + anp.sum((A @ x - r) ** 2)
            + s @ x
            + x_bar @ x
        ),
        A=A43,
        x=X3,
        u=RNG.normal(size=4),
        r=RNG.normal(size=4),
        s=Y3,
        x_bar=B3,
    )


def test_deriving_twice_gives_the_same() -> None:
    problem = "A:(m,n); x:(n); b:(m); J = sum(softplus(A*x - b)); grad J wrt A, x, b"
    first, second = derived(problem), derived(problem)
    for one, other in zip(first.results, second.results, strict=True):
        assert one.gradient is other.gradient


def test_an_exponential_gets_no_name_of_its_own() -> None:
    derivation = derived("X:(m,k); B:(k,n); S = X*B; J = sum(S .* S + exp(S) - S); grad J wrt B")
    assert derivation.introduced == ()
