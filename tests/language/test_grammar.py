"""What the grammar accepts, and what it means by it: precedence, synonyms, numbers, statements."""

from __future__ import annotations

from typing import Final

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import MatrixSymbol, Rational, Symbol

from derive.errors import DeriveError
from derive.language import parse, parse_expression
from derive.problem import Problem, Request
from derive.shapes import as_dim
from derive.vocabulary import (
    Expression,
    add,
    call,
    divide,
    hadamard,
    hadamard_divide,
    hadamard_power,
    multiply,
    negate,
    power,
    transpose,
)

n: Final = as_dim("n")
A: Final = MatrixSymbol("A", n, n)
B: Final = MatrixSymbol("B", n, n)
x: Final = MatrixSymbol("x", n, 1)
y: Final = MatrixSymbol("y", n, 1)
a: Final = Symbol("a", real=True)
b: Final = Symbol("b", real=True)

NAMES: Final = parse(
    """
    A : (n, n); B : (n, n); x : (n); y : (n); a : (); b : ()
    grad a wrt a
    """
)


def read(text: str) -> Expression:
    """An expression in the names above."""
    return parse_expression(text, NAMES)


def number(value: int) -> sympy.Integer:
    return sympy.Integer(value)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("x + y - a*x", add(x, y, negate(multiply(a, x)))),
        ("x - (y - x)", add(x, negate(add(y, negate(x))))),
        ("2*x'*A*x/2", divide(multiply(number(2), transpose(x), A, x), number(2))),
        ("x'*A*y", multiply(transpose(x), A, y)),
        ("A*x .* y", hadamard(multiply(A, x), y)),
        ("x .* A*y", multiply(hadamard(x, A), y)),
        ("x .* y ./ x", hadamard_divide(hadamard(x, y), x)),
        ("x ./ y ./ x", hadamard_divide(hadamard_divide(x, y), x)),
        ("a/b/a", a / b / a),
        ("-a^2", -(a**2)),
        ("(-a)^2", a**2),
        ("-x*a", multiply(negate(x), a)),
        ("-x'*y", multiply(negate(transpose(x)), y)),
        ("a*-b", -a * b),
        ("a - -b", a + b),
        ("2^3^2", number(512)),
        ("a^-2", a**-2),
        ("a^-b^2", power(a, -(b**2))),
        ("x.^2'", None),
        ("x'.^2", hadamard_power(transpose(x), number(2))),
        ("-x.^2", negate(hadamard_power(x, number(2)))),
        ("A^2*x", multiply(power(A, number(2)), x)),
        ("A^-1*x", multiply(sympy.Inverse(A), x)),
        ("A*B'", multiply(A, transpose(B))),
        ("(A*B)'", transpose(multiply(A, B))),
        ("A''", transpose(transpose(A))),
        ("exp(x)'*y", multiply(transpose(call("exp", x)), y)),
        ("2^a.^b", power(number(2), hadamard_power(a, b))),
    ],
)
def test_precedence(text: str, expression: Expression | None) -> None:
    if expression is None:
        with pytest.raises(DeriveError, match="binds tighter"):
            read(text)
    else:
        assert read(text) == expression


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("A@x", "A*x"),
        ("A·x", "A*x"),
        ("x ⊙ y", "x .* y"),
        ("x ⊘ y", "x ./ y"),
        ("A.T*x", "A'*x"),
        ("Aᵀ*x", "A'*x"),
        ("(A*x).T", "(A*x)'"),
        ("a**2", "a^2"),
        ("x − y", "x - y"),
        ("norm(x)", "norm2(x)"),
        ("logistic(x)", "sigmoid(x)"),
        ("eye*x", "I(n)*x"),
        ("I*x", "I(n)*x"),
        ("eye(n)*x", "I(n)*x"),
        ("x + vector(2)", "x + 2*ones(n)"),
        ("A .* matrix(a)", "A .* (a*ones(n, n))"),
        ("(x > 0)", "where(x > 0, 1, 0)"),
        ("y .* (x <= a)", "y .* where(x <= a, 1, 0)"),
        ("sum(x > 0)", "sum(where(x > 0, 1, 0))"),
        ("e^a", "exp(a)"),
        ("e.^x", "exp(x)"),
        ("π*a", "pi*a"),
        ("leaky_relu(x)", "leaky_relu(x, 0.01)"),
        ("elu(x)", "elu(x, 1)"),
        ("sum(\n  x # the first\n  + y\n)", "sum(x + y)"),
    ],
)
def test_synonyms(text: str, same: str) -> None:
    assert read(text) == read(same)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", Rational(1, 2)),
        (".5", Rational(1, 2)),
        ("2.", number(2)),
        ("1e-5", Rational(1, 100000)),
        ("2.5E+3", number(2500)),
        ("0.1 + 0.2", Rational(3, 10)),
        ("1/3", Rational(1, 3)),
        ("10^20", number(10**20)),
    ],
)
def test_numbers_are_exact(text: str, value: sympy.Rational) -> None:
    assert read(text) == value


@pytest.mark.parametrize("operator", ["*", "/", "^"])
def test_a_point_after_a_number_belongs_to_the_operator(operator: str) -> None:
    assert read(f"2.{operator}x") == read(f"2 .{operator} x")


@pytest.mark.parametrize(
    ("text", "condition"),
    [("a < b", "lt"), ("a <= b", "le"), ("a > b", "gt"), ("a >= b", "ge")],
)
def test_comparisons_are_conditions_in_where(text: str, condition: str) -> None:
    assert read(f"where({text}, a, b)") == call("where", call(condition, a, b), a, b)


def test_entrywise_functions_are_never_evaluated() -> None:
    assert read("exp(0)") == call("exp", number(0))
    assert read("log(e)") == call("log", sympy.E)


def test_a_name_of_a_dimension_is_its_size() -> None:
    assert read("sum(x)/n") == call("sum", x) / n
    assert read("ones(n)*a") == multiply(sympy.OneMatrix(n, 1), a)
    assert read("zeros(2, n)") == sympy.ZeroMatrix(2, n)


@pytest.mark.parametrize("name", ["W1", "x_hat", "λ", "θ2", "lambda", "class", "Σ1", "x₁", "wᵢ"])
def test_names(name: str) -> None:
    problem = parse(f"{name} : (); grad {name}^2 wrt {name}")
    (variable,) = problem.variables.values()
    assert variable.name.isidentifier()


def test_subscript_digits_are_digits() -> None:
    problem = parse("x₁ : (3); grad norm2(x1) wrt x₁")
    assert list(problem.variables) == ["x1"]


def test_statements() -> None:
    problem = parse(
        """
        # a comment
        W : (m, n) positive, nonnegative   # facts, with commas or without
        S : (n, n,) symmetric positive_definite; x : (n)
        c : ()

        z = W*S*x
        J = c*norm2(z)^2
        grad J wrt W, x
        jacobian z wrt x
        hessian J wrt (x, c)
        """,
        name="all",
    )
    assert problem.name == "all"
    assert problem.facts("W") == {"positive", "nonnegative"}
    assert problem.facts("S") == {"symmetric", "positive_definite"}
    assert [problem.shape(name) for name in "WSxczJ"] == [
        (as_dim("m"), n),
        (n, n),
        (n,),
        (),
        (as_dim("m"),),
        (),
    ]
    assert problem.requests == (
        Request("grad", "J", ("W", "x")),
        Request("jacobian", "z", ("x",)),
        Request("hessian", "J", ("x", "c"), joint=True),
    )
    assert problem.sizes == ("m", "n")


def test_declarations_and_definitions_may_come_in_any_order() -> None:
    problem = parse("grad J wrt x; J = norm2(z); z = A*y; y = A*x; x : (3); A : (3, 3)")
    assert list(problem.definitions) == ["y", "z", "J"]
    assert list(problem.variables) == ["x", "A"]


def test_definitions_keep_their_order_where_it_is_free() -> None:
    problem = parse("b = 2*x; a = 3*x; J = norm2(a + b); grad J wrt x")
    assert list(problem.definitions) == ["b", "a", "J"]


def test_definitions_refer_to_each_other_by_their_symbols() -> None:
    problem = parse("x : (n); z = 2*x; J = norm2(z); grad J wrt x")
    assert problem.definitions["J"].expression == call("norm2", MatrixSymbol("z", n, 1))


def test_unnamed_requests_are_called_f() -> None:
    problem = parse(
        "f2 : (); grad sum(x) wrt x; hessian sum(x) wrt x; grad f2*norm2(x) wrt x; grad x'*x wrt x"
    )
    assert [request.of for request in problem.requests] == ["f", "f", "f3", "f4"]
    assert not any(definition.given for definition in problem.definitions.values())


def test_a_name_is_asked_about_without_a_definition() -> None:
    problem = parse("x : (); y : (); grad x wrt x, y, x")
    assert problem.requests == (Request("grad", "x", ("x", "y")),)
    assert not problem.definitions


def test_a_block_of_one_variable_is_that_variable() -> None:
    problem = parse("hessian norm2(x) wrt (x)")
    assert problem.requests == (Request("hessian", "f", ("x",)),)


def test_a_variable_that_does_not_occur_may_be_asked_about() -> None:
    problem = parse("w : (3); J = norm2(x); grad J wrt w")
    assert problem.requests == (Request("grad", "J", ("w",)),)


def test_declared_shapes_stay_as_written() -> None:
    problem = parse("W : (4, 1); r : (1, 4); b : (1); grad sum(W) + sum(r) + sum(b) wrt W")
    assert [problem.shape(name) for name in "Wrb"] == [(4, 1), (1, 4), (1,)]


def test_the_text_is_kept() -> None:
    text = "grad norm2(x) wrt x"
    problem = parse(text)
    assert isinstance(problem, Problem)
    assert problem.source == text


@pytest.mark.parametrize("count", [10_000])
@pytest.mark.parametrize("operator", ["+", "-", ".*", "*"])
def test_long_chains(operator: str, count: int) -> None:
    matrix = operator.join(["A"] * count)
    scalar = operator.replace(".", "").join(["a"] * count)
    problem = parse(f"A : (n, n); a : (); grad sum({matrix}) + {scalar} wrt A")
    assert problem.shape("f") == ()


def test_a_long_chain_of_definitions() -> None:
    lines = [f"x{k} = relu(x{k - 1})" for k in range(2000, 0, -1)]
    problem = parse("\n".join(["x0 : (n)", *lines, "grad sum(x2000) wrt x0"]))
    assert list(problem.definitions)[:2] == ["x1", "x2"]


ATOMS: Final = st.sampled_from(["A", "B", "I(n)", "(A + B)", "A'", "exp(A)"])


@given(st.lists(ATOMS, min_size=1, max_size=6), st.data())
def test_brackets_change_nothing_where_operators_bind_to_the_left(
    atoms: list[str], data: st.DataObject
) -> None:
    operators = data.draw(
        st.lists(st.sampled_from(["*", ".*"]), min_size=len(atoms) - 1, max_size=len(atoms) - 1)
    )
    plain, bracketed = atoms[0], atoms[0]
    for operator, atom in zip(operators, atoms[1:], strict=True):
        plain = f"{plain} {operator} {atom}"
        bracketed = f"({bracketed}) {operator} {atom}"
    assert read(plain) == read(bracketed)
