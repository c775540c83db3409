"""The judge of derivations: true gradients pass, planted errors are caught."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from sympy import Inverse, OneMatrix, Rational

from derive.errors import InputError, UnsupportedError
from derive.problem import symbol_of
from derive.shapes import as_dim
from derive.verify import Claim, judge
from derive.vocabulary import (
    Expression,
    add,
    call,
    hadamard,
    hadamard_divide,
    hadamard_power,
    multiply,
    negate,
    power,
    transpose,
)

n, m = as_dim("n"), as_dim("m")


def write_net(paper: Any) -> dict[str, Expression]:
    x, y = paper.given("x", 3), paper.given("y", 2, facts="probability")
    w1, b1 = paper.given("W1", 4, 3), paper.given("b1", 4)
    w2, b2 = paper.given("W2", 2, 4), paper.given("b2", 2)
    z1 = paper.define("z1", add(multiply(w1, x), b1))
    a1 = paper.define("a1", call("relu", z1))
    z2 = paper.define("z2", add(multiply(w2, a1), b2))
    p = paper.define("p", call("softmax", z2))
    paper.define("J", negate(multiply(transpose(y), call("log", p))))
    return {"x": x, "y": y, "W2": w2, "z1": z1, "a1": a1, "z2": z2, "p": p}


def net_claims(paper: Any, s: dict[str, Expression]) -> dict[str, Claim]:
    """The whole derivation, each adjoint over the ones before it."""
    bar = paper.bar
    active = call("gt", s["z1"], sympy.S(0))
    lines: dict[str, tuple[Expression, ...]] = {
        "p": (negate(hadamard_divide(s["y"], s["p"])),),
        "z2": (
            multiply(
                add(call("diag", s["p"]), negate(multiply(s["p"], transpose(s["p"])))), bar("p")
            ),
            add(negate(s["y"]), multiply(s["p"], call("sum", s["y"]))),
            add(s["p"], negate(s["y"])),
        ),
        "W2": (multiply(bar("z2"), transpose(s["a1"])),),
        "b2": (bar("z2"),),
        "a1": (multiply(transpose(s["W2"]), bar("z2")),),
        "z1": (hadamard(bar("a1"), active),),
        "W1": (multiply(bar("z1"), transpose(s["x"])),),
        "b1": (bar("z1"),),
    }
    return {
        wrt: Claim(
            "J", wrt, f"{wrt}_bar", of, f"dJ/d{wrt}", "gradient" if wrt[0] in "Wb" else "step"
        )
        for wrt, of in lines.items()
    }


def test_a_whole_derivation(paper: Any, seed: int) -> None:
    claims = net_claims(paper, write_net(paper))
    report = judge(paper.problem, list(claims.values()), seed=seed)
    assert report.passed, str(report)
    assert report.worst["complex step"] < 1e-11
    assert report.worst["central differences"] < 1e-7
    assert report.summary().startswith(
        f"4 steps and 4 gradients, each at 5 random points, seed {seed}: largest relative error "
    )
    assert report.summary().endswith("(central differences, through relu)")


@pytest.mark.parametrize("wrt", ["p", "z2", "W2", "b2", "a1", "z1", "W1", "b1"])
def test_an_error_of_a_twentieth_of_a_percent_is_caught(paper: Any, wrt: str) -> None:
    claims = net_claims(paper, write_net(paper))
    right = claims[wrt]
    wrong = multiply(sympy.Float("1.0005"), right.expressions[-1])
    claims[wrt] = Claim(right.of, wrt, "unused", (*right.expressions[:-1], wrong), right.label)
    kept = [claim for claim in claims.values() if claim.wrt == wrt or right.name == claim.name]
    earlier = list(claims.values())[: list(claims).index(wrt)]
    report = judge(paper.problem, [*earlier, *kept])
    assert [failure.label for failure in report.failures] == [right.label]
    failure = report.failures[0]
    assert failure.method == "complex step"
    assert failure.expected is not None and failure.got is not None
    assert failure.got == pytest.approx(1.0005 * failure.expected, rel=1e-9)
    assert "off by" in failure.problem and "in entry [" in failure.problem
    assert report.summary().endswith(": 1 failed")


def test_the_line_at_fault_is_named(paper: Any) -> None:
    symbols = write_net(paper)
    claim = net_claims(paper, symbols)["z2"]
    lines = (*claim.expressions[1:], add(symbols["y"], negate(symbols["p"])))
    report = paper.check("z2", *lines)
    assert report.failures[0].problem.startswith("line 3 of 3: off by")


def test_an_error_in_one_entry_is_caught(paper: Any, seed: int) -> None:
    x = paper.given("x", 5)
    paper.define("J", call("sse", x))
    factors = (2, 2, Rational(2001, 1000), 2, 2)
    wrong = sympy.ImmutableMatrix([factor * x[k, 0] for k, factor in enumerate(factors)])
    report = paper.check("x", wrong, seed=seed)
    assert not report.passed
    assert "in entry [2]" in report.failures[0].problem


def test_a_transposed_gradient_of_a_square_matrix_is_caught(paper: Any) -> None:
    a, x, y = paper.given("A", "n", "n"), paper.given("x", "n"), paper.given("y", "n")
    paper.define("J", multiply(multiply(transpose(x), a), y))
    assert paper.check("A", multiply(x, transpose(y))).passed
    assert not paper.check("A", multiply(y, transpose(x))).passed


def test_a_missing_term_is_caught(paper: Any) -> None:
    a, x = paper.given("A", "n", "n"), paper.given("x", "n")
    paper.define("J", multiply(multiply(transpose(x), a), x))
    right = multiply(add(a, transpose(a)), x)
    assert paper.check("x", right).passed
    assert not paper.check("x", multiply(multiply(sympy.S(2), a), x)).passed
    assert not paper.check("x", multiply(a, x)).passed


def test_a_wrong_sign_is_caught(paper: Any) -> None:
    a = paper.given("A", "n", "n")
    paper.define("J", call("tr", call("inv", a)))
    square = multiply(Inverse(transpose(a)), Inverse(transpose(a)))
    assert paper.check("A", negate(square)).passed
    assert not paper.check("A", square).passed


def test_a_gradient_that_is_right_for_a_size_of_one_is_caught(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", call("mean", hadamard(x, x)))
    assert paper.check("x", multiply(2 / n, x)).passed
    report = paper.check("x", multiply(sympy.S(2), x))
    assert not report.passed
    assert {"n": 1} in report.sizes


def test_a_gradient_that_is_wrong_for_a_size_of_one_is_caught(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", call("sum", x))
    ones = OneMatrix(n, 1)
    assert paper.check("x", ones).passed
    wrong = multiply(sympy.Piecewise((2, sympy.Eq(n, 1)), (1, True)), ones)
    report = paper.check("x", wrong)
    assert not report.passed
    assert "n = 1" in report.failures[0].point


def test_zero_gradients_pass_where_terms_cancel(paper: Any) -> None:
    x, b, w = paper.given("x", "n"), paper.given("b", "m"), paper.given("W", "m", "n")
    z = paper.define("z", add(multiply(w, x), b))
    p = paper.define("p", call("softmax", z))
    paper.define("J", call("sum", p))
    zero = sympy.ZeroMatrix(m, 1)
    rounding = add(p, negate(multiply(p, call("sum", p))))
    report = paper.check("b", rounding, zero)
    assert report.passed, str(report)
    assert not paper.check("b", multiply(sympy.Float("1e-11"), b)).passed


def test_zero_gradients_pass_where_terms_cancel_in_one_line(paper: Any) -> None:
    x, w = paper.given("x", "n"), paper.given("W", "m", "n")
    paper.define("J", call("sum", call("softmax", multiply(w, x))))
    assert paper.check("W", sympy.ZeroMatrix(m, n)).passed
    assert not paper.check("W", multiply(sympy.Float("1e-11"), w)).passed


def test_a_gradient_of_what_does_not_occur_is_zero(paper: Any) -> None:
    x, y = paper.given("x", "n"), paper.given("y", "n")
    paper.define("J", call("sum", x))
    assert paper.check("y", sympy.ZeroMatrix(n, 1)).passed
    assert not paper.check("y", multiply(sympy.Float("1e-12"), y)).passed


@pytest.mark.parametrize("scale", ["1e-9", "1e9"])
def test_errors_are_relative_to_the_gradient(paper: Any, scale: str) -> None:
    x = paper.given("x", "n")
    factor = sympy.Float(scale)
    paper.define("J", multiply(factor, call("sse", x)))
    assert paper.check("x", multiply(2 * factor, x)).passed
    assert not paper.check("x", multiply(sympy.Float("2.001") * factor, x)).passed


def test_vanishing_gradients_are_checked_to_their_own_scale(paper: Any) -> None:
    z = paper.given("x", 4)
    weights, outputs = [], []
    for layer in range(60):
        weights.append(paper.given(f"W{layer}", 4, 4))
        z = paper.define(f"z{layer}", call("sigmoid", multiply(weights[-1], z)))
        outputs.append(z)
    paper.define("J", call("sum", z))
    claims = [Claim("J", "z59", "z59_bar", (OneMatrix(4, 1),), "z59")]
    for layer in range(58, -1, -1):
        above = outputs[layer + 1]
        slope = hadamard(above, add(sympy.S(1), negate(above)))
        line = multiply(transpose(weights[layer + 1]), hadamard(slope, paper.bar(f"z{layer + 1}")))
        claims.append(Claim("J", f"z{layer}", f"z{layer}_bar", (line,), f"z{layer}"))
    report = judge(paper.problem, claims)
    assert report.passed, str(report)
    assert report.notes[0].startswith("central differences could not tell for ")
    line = multiply(sympy.Float("1.0005"), claims[-1].expressions[0])
    wrong = Claim("J", "z0", "z0_bar", (line,), "z0")
    report = judge(paper.problem, [*claims[:-1], wrong])
    (failure,) = report.failures
    assert failure.expected is not None and abs(failure.expected) < 1e-10


def test_several_scalars_in_one_problem(paper: Any) -> None:
    x = paper.given("x", "n")
    z = paper.define("z", call("exp", x))
    paper.define("J", call("sum", z))
    paper.define("K", call("sse", z))
    claims = [
        Claim("J", "x", "x_bar", (z,), "x_bar"),
        Claim("K", "x", "x_bar", (multiply(sympy.S(2), hadamard(z, z)),), "x_bar"),
    ]
    report = judge(paper.problem, claims)
    assert report.passed and len(report.checks) == 2
    crossed = [Claim("K", "x", "x_bar", (z,), "x_bar"), claims[0]]
    assert [check.passed for check in judge(paper.problem, crossed).checks] == [False, True]


def test_nan_in_a_claim_is_a_failure(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", call("sum", x))
    wrong = call("log", negate(hadamard(x, x)))
    assert paper.check("x", wrong).failures[0].problem == "the value is not finite"


def test_a_wrong_shape_is_a_failure(paper: Any) -> None:
    a = paper.given("A", "m", "n")
    paper.define("J", call("sum", a))
    report = paper.check("A", OneMatrix(n, m))
    assert report.failures[0].problem.startswith("expected the shape (")
    assert not paper.check("A", sympy.S(1)).passed


def test_no_point_in_the_domain_is_a_failure(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", sympy.log(-call("sse", x)))
    report = paper.check("x", multiply(2 / call("sse", x), x))
    assert not report.passed
    assert "no point was found inside the domain: J is not finite" in str(report)


def test_nothing_checked_has_not_passed(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", call("sum", x))
    assert not judge(paper.problem, []).passed


DOMAINS = [
    ("log", lambda x: call("sum", call("log", x)), lambda x: hadamard_power(x, sympy.S(-1))),
    ("logdet", lambda x: call("logdet", x), lambda x: Inverse(transpose(x))),
    (
        "root",
        lambda x: call("sum", hadamard_power(x, Rational(1, 2))),
        lambda x: multiply(Rational(1, 2), hadamard_power(x, Rational(-1, 2))),
    ),
    (
        "bce",
        lambda x: call("bce", x, OneMatrix(n, n)),
        lambda x: multiply(-1 / n**2, hadamard_power(x, sympy.S(-1))),
    ),
    ("det", lambda x: call("det", x), lambda x: multiply(call("det", x), Inverse(transpose(x)))),
    ("norm", lambda x: call("norm", x), lambda x: multiply(1 / call("norm", x), x)),
    ("power", lambda x: call("tr", power(x, sympy.S(3))),
     lambda x: multiply(sympy.S(3), power(transpose(x), sympy.S(2)))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "gradient"), DOMAINS, ids=[row[0] for row in DOMAINS])
def test_gradients_inside_a_domain(
    paper: Any, name: str, value: Any, gradient: Any, seed: int
) -> None:
    x = paper.given("X", "n", "n")
    paper.define("J", value(x))
    report = paper.check("X", gradient(x), seed=seed)
    assert report.passed, str(report)
    assert not paper.check("X", multiply(sympy.Float("1.0005"), gradient(x))).passed


def test_scalars(paper: Any) -> None:
    c, x = paper.given("c"), paper.given("x", "n")
    paper.define("J", multiply(sympy.exp(c), call("sse", x)))
    assert paper.check("c", multiply(sympy.exp(c), call("sse", x))).passed
    assert not paper.check("c", call("sse", x)).passed


def test_a_vector_of_one_entry(paper: Any) -> None:
    x = paper.given("x", 1)
    paper.define("J", call("sse", x))
    assert paper.check("x", multiply(sympy.S(2), x)).passed


def test_a_vector_of_one_entry_called_by_a_scalar_symbol(paper: Any) -> None:
    t, x = paper.given("t", 1), paper.given("x", "n")
    paper.define("J", multiply(call("sum", t), call("sse", x)))
    e, number = sympy.Symbol("e", real=True), sympy.Symbol("t", real=True)
    auxiliary = {"e": call("sse", x), "J": e * number}
    assert paper.check("t", e, auxiliary=auxiliary).passed
    assert not paper.check("t", e * number, auxiliary=auxiliary).passed
    assert paper.check("x", multiply(2 * number, x), auxiliary=auxiliary).passed


def test_an_auxiliary_name_is_a_value(paper: Any) -> None:
    x, y = paper.given("x", "n"), paper.given("y", "n")
    paper.define("J", call("mse", x, y))
    r = symbol_of("r", (n,))
    auxiliary = {"r": add(x, negate(y))}
    assert paper.check("x", multiply(2 / n, r), auxiliary=auxiliary).passed
    assert not paper.check("x", r, auxiliary=auxiliary).passed


def test_a_derivative_with_respect_to_an_auxiliary(paper: Any) -> None:
    a, x = paper.given("A", "m", "n"), paper.given("x", "n")
    product = multiply(a, x)
    paper.define("J", call("sum", call("exp", product)))
    u = symbol_of("u", (m,))
    claims = [
        Claim("J", "u", "u_bar", (call("exp", u),), "u"),
        Claim("J", "x", "x_bar", (multiply(transpose(a), symbol_of("u_bar", (m,))),), "x"),
    ]
    assert judge(paper.problem, claims, auxiliary={"u": product}).passed
    wrong = Claim("J", "u", "u_bar", (u,), "u")
    assert not judge(paper.problem, [wrong], auxiliary={"u": product}).passed


def test_a_definition_rewritten_over_auxiliaries(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("J", call("sum", call("exp", multiply(sympy.S(2), x))))
    u = symbol_of("u", (n,))
    claim = Claim("J", "u", "u_bar", (multiply(sympy.S(2), u),), "u")
    right = {"u": call("exp", x), "J": call("sse", u)}
    assert judge(paper.problem, [claim], auxiliary=right).passed
    report = judge(paper.problem, [claim], auxiliary=right | {"J": 1 + call("sse", u)})
    (failure,) = report.failures
    assert failure.label == "J rewritten"
    assert failure.problem.startswith("the value of J is off by")


def test_what_is_not_there_is_refused(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.define("y", call("exp", x))
    with pytest.raises(InputError, match="there is no q in the problem"):
        paper.check("q", x, of="y")
    with pytest.raises(UnsupportedError, match="y is not a scalar"):
        paper.check("x", x, of="y")


def test_a_deep_net_is_judged_at_fewer_points(paper: Any) -> None:
    bar = paper.bar
    z = paper.given("x", "n")
    inputs = [z]
    for layer in range(100):
        w, b = paper.given(f"W{layer}", "n", "n"), paper.given(f"b{layer}", "n")
        s = paper.define(f"s{layer}", add(multiply(w, z), b))
        z = paper.define(f"z{layer}", call("relu", s))
        inputs.append(z)
    paper.define("J", call("sse", z))
    claims = [Claim("J", "z99", "z99_bar", (multiply(sympy.S(2), z),), "z99")]
    for layer in range(99, -1, -1):
        s = symbol_of(f"s{layer}", (n,))
        gate = call("heaviside", s)
        lines = {
            f"s{layer}": hadamard(bar(f"z{layer}"), gate),
            f"W{layer}": multiply(bar(f"s{layer}"), transpose(inputs[layer])),
            f"b{layer}": bar(f"s{layer}"),
        }
        if layer:
            w = symbol_of(f"W{layer}", (n, n))
            lines[f"z{layer - 1}"] = multiply(transpose(w), bar(f"s{layer}"))
        claims += [Claim("J", k, f"{k}_bar", (line,), k) for k, line in lines.items()]
    report = judge(paper.problem, claims)
    assert report.passed, str(report)
    assert report.notes[0] == "400 claims were checked at 2 points instead of more"


def test_errors_are_reported_as_data(paper: Any, seed: int) -> None:
    x = paper.given("x", 2)
    paper.define("J", call("sse", x))
    report = paper.check("x", x, seed=seed)
    (failure,) = report.failures
    assert np.isfinite(failure.error)
    assert failure.kind == "gradient"
    assert "x = [" in failure.point
    text = str(report)
    assert "expected" in text and "got" in text and f"seed {seed}" in text


def test_a_singular_matrix_is_outside_the_domain(paper: Any, seed: int) -> None:
    x = paper.given("X", "m", "n")
    a = paper.given("A", "m", "m", facts="symmetric")
    gram = multiply(multiply(transpose(x), a), x)
    paper.define("J", call("logdet", gram))
    right = multiply(sympy.S(2), multiply(multiply(a, x), Inverse(gram)))
    report = paper.check("X", right, seed=seed)
    assert report.passed, str(report)
    assert all(sizes["m"] >= sizes["n"] for sizes in report.sizes)
    assert not paper.check("X", multiply(sympy.Float("1.000001"), right), seed=seed).passed


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("function", ["logdet", "det", "inverse", "power"])
def test_gram_matrices_are_judged_at_sizes_where_they_are_regular(
    paper: Any, function: str, turned: bool, seed: int
) -> None:
    a = paper.given("A", "m", "n")
    gram = multiply(a, transpose(a)) if turned else multiply(transpose(a), a)
    outer = multiply(Inverse(gram), a) if turned else multiply(a, Inverse(gram))
    twice = multiply(Inverse(gram), outer) if turned else multiply(outer, Inverse(gram))
    values = {
        "logdet": (call("logdet", gram), 2 * outer),
        "det": (call("det", gram), 2 * call("det", gram) * outer),
        "inverse": (call("tr", Inverse(gram)), -2 * twice),
        "power": (1 / call("det", gram), -2 / call("det", gram) * outer),
    }
    value, right = values[function]
    paper.define("J", value)
    report = paper.check("A", right, seed=seed)
    assert report.passed, str(report)
    assert report.points == 5
    for sizes in report.sizes:
        assert sizes["m"] <= sizes["n"] if turned else sizes["m"] >= sizes["n"]
    assert not paper.check("A", multiply(sympy.Float("1.000001"), right), seed=seed).passed


def test_a_determinant_that_is_always_zero_has_points(paper: Any) -> None:
    a = paper.given("a", 3)
    paper.define("J", call("det", multiply(a, transpose(a))))
    assert paper.check("a", sympy.ZeroMatrix(3, 1)).passed
    assert not paper.check("a", a).passed


def test_a_matrix_that_is_always_singular_is_said(paper: Any) -> None:
    a = paper.given("a", 3)
    paper.define("J", call("logdet", multiply(a, transpose(a))))
    (failure,) = paper.check("a", a).failures
    assert failure.problem.startswith(
        "no point was found inside the domain: a matrix in J is singular"
    )


def test_terms_that_cancel_leave_a_zero(paper: Any, seed: int) -> None:
    z = paper.given("z", "n")
    paper.define("J", sympy.log(call("sum", call("exp", z))) - call("logsumexp", z))
    report = paper.check("z", sympy.ZeroMatrix(n, 1), seed=seed)
    assert report.passed, str(report)


def test_a_planted_zero_for_a_small_gradient_is_caught(paper: Any, seed: int) -> None:
    z = paper.given("z", "n")
    small = sympy.Float("1e-6")
    cancelling = sympy.log(call("sum", call("exp", z))) - call("logsumexp", z)
    paper.define("J", cancelling + small * call("sum", z))
    assert paper.check("z", multiply(small, OneMatrix(n, 1)), seed=seed).passed
    assert not paper.check("z", sympy.ZeroMatrix(n, 1), seed=seed).passed


def test_a_scalar_variable_by_itself(paper: Any) -> None:
    x = paper.given("x", "n")
    paper.given("J")
    assert paper.check("J", sympy.S(1)).passed
    assert not paper.check("J", sympy.Float("1.000001")).passed
    assert paper.check("x", sympy.ZeroMatrix(n, 1)).passed
    assert not paper.check("x", x).passed


def test_deltas_of_huber_are_positive(paper: Any, seed: int) -> None:
    r, delta = paper.given("r", "n"), paper.given("delta")
    paper.define("J", call("huber", r, delta))
    beyond = add(call("abs", r), multiply(negate(delta), OneMatrix(n, 1)))
    right = call("sum", call("relu", beyond))
    report = paper.check("delta", right, seed=seed)
    assert report.passed, str(report)
    assert not paper.check("delta", call("sum", beyond), seed=seed).passed


def test_bounds_of_clip_are_in_order(paper: Any, seed: int) -> None:
    x, low, high = paper.given("x", "n"), paper.given("low"), paper.given("high")
    paper.define("J", call("sum", call("clip", x, low, high)))
    report = paper.check("low", call("sum", call("lt", x, low)), seed=seed)
    assert report.passed, str(report)


@pytest.mark.parametrize("layer", [0, 7, 15])
def test_errors_before_narrow_layers_are_caught(paper: Any, layer: int) -> None:
    z = paper.given("z", 2)
    inputs, gates = [], []
    for number in range(16):
        inputs.append(z)
        s = paper.define(f"s{number}", multiply(paper.given(f"W{number}", 2, 2), z))
        gates.append(call("heaviside", s))
        z = paper.define(f"z{number}", call("relu", s))
    paper.define("J", call("sum", z))
    adjoint = gates[15]
    for number in range(15, layer, -1):
        weights = symbol_of(f"W{number}", (as_dim(2), as_dim(2)))
        adjoint = hadamard(multiply(transpose(weights), adjoint), gates[number - 1])
    right = multiply(adjoint, transpose(inputs[layer]))
    assert paper.check(f"W{layer}", right).passed
    assert not paper.check(f"W{layer}", multiply(sympy.Float("1.000001"), right)).passed


def test_shapes_that_do_not_fit_each_other_are_a_failure(paper: Any) -> None:
    a, x = paper.given("A", "m", "n"), paper.given("x", "n")
    paper.define("J", call("sum", multiply(a, x)))
    assert paper.check("A", multiply(OneMatrix(m, 1), transpose(x))).passed
    row = sympy.Basic.__new__(sympy.MatAdd, sympy.ZeroMatrix(m, n), transpose(x))
    product = sympy.Basic.__new__(sympy.MatMul, a, a)
    for wrong in (row, product):
        (failure,) = paper.check("A", wrong).failures
        assert failure.problem.endswith("got shapes that do not fit each other")


def test_rounding_of_the_claim_itself_is_no_error(paper: Any, seed: int) -> None:
    z, v = paper.given("Z", "m", 1), paper.given("V", 1, "n")
    p = paper.define("P", call("rowsoftmax", multiply(sympy.S(3), z)))
    product = multiply(p, v)
    paper.define("J", call("sse", product))
    bar = multiply(sympy.S(2), multiply(product, transpose(v)))
    total = call("rowsum", hadamard(bar, p))
    line = hadamard(multiply(Rational(1, 3), p), add(bar, negate(total)))
    report = paper.check("Z", line, seed=seed)
    assert report.passed, str(report)
    assert not paper.check("Z", multiply(sympy.Float("1e-16"), bar), seed=seed).passed


@pytest.mark.parametrize("scale", ["1e-15", "1e-30", "1e-90"])
def test_small_is_not_rounding(paper: Any, scale: str, seed: int) -> None:
    x, factor = paper.given("x", "n"), sympy.Float(scale)
    paper.define("J", multiply(factor, call("sse", call("exp", multiply(sympy.S(3), x)))))
    right = multiply(6 * factor, call("exp", multiply(sympy.S(6), x)))
    report = paper.check("x", right, seed=seed)
    assert report.passed, str(report)
    for wrong in ("1.000001", "2", "-1", "0"):
        assert not paper.check("x", multiply(sympy.Float(wrong), right), seed=seed).passed


def test_a_residual_that_is_rounding_has_a_gradient_that_is(paper: Any, seed: int) -> None:
    x, y = paper.given("X", 4, 4), paper.given("y", 4)
    r = paper.define("r", add(multiply(multiply(x, Inverse(x)), y), negate(y)))
    paper.define("J", call("sse", r))
    claims = [
        Claim("J", "r", "r_bar", (multiply(sympy.S(2), r),), "r"),
        Claim("J", "y", "y_bar", (sympy.ZeroMatrix(4, 1),), "y"),
        Claim("J", "X", "X_bar", (sympy.ZeroMatrix(4, 4),), "X"),
    ]
    report = judge(paper.problem, claims, seed=seed)
    assert report.passed, str(report)
    assert not paper.check("y", multiply(sympy.Float("1e-9"), y), seed=seed).passed


def test_a_gradient_that_is_rounding_has_every_structure(paper: Any, seed: int) -> None:
    s = paper.given("S", "n", "n", facts="positive_definite")
    half = multiply(sympy.S(2), call("sum", call("log", call("diagonal", call("cholesky", s)))))
    paper.define("J", add(half, negate(call("logdet", s))))
    root = call("inv", call("cholesky", s))
    line = add(multiply(transpose(root), root), negate(Inverse(s)))
    report = paper.check("S", line, seed=seed)
    assert report.passed, str(report)
    assert not paper.check("S", multiply(sympy.Float("1e-9"), root), seed=seed).passed


@pytest.mark.parametrize("layer", ["layernorm", "softmax"])
def test_what_a_layer_cancels_is_zero(paper: Any, layer: str, seed: int) -> None:
    x = paper.given("x", "n")
    paper.define("J", call("sum", call(layer, x)))
    report = paper.check("x", sympy.ZeroMatrix(n, 1), seed=seed)
    assert report.passed, str(report)
    assert not paper.check("x", multiply(sympy.Float("1e-11"), x), seed=seed).passed


def test_small_errors_where_terms_cancel_are_caught(paper: Any, seed: int) -> None:
    z, factor = paper.given("z", "n"), sympy.Float("1e-20")
    p = paper.define("p", call("softmax", z))
    paper.define("J", multiply(factor, call("sum", p)))
    zero = multiply(factor, add(p, negate(multiply(p, call("sum", p)))))
    report = paper.check("z", zero, sympy.ZeroMatrix(n, 1), seed=seed)
    assert report.passed, str(report)
    assert not paper.check("z", multiply(sympy.Float("1e-27"), p), seed=seed).passed
