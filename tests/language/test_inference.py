"""Shapes of names that are not declared: by spelling, unless shapes around them say otherwise."""

from __future__ import annotations

import pytest
from sympy import Symbol

from derive.errors import InputError
from derive.language import parse, parse_expression
from derive.problem import Problem, Request
from derive.shapes import as_dim, shape_text
from derive.vocabulary import extent_of


def shapes(problem: Problem) -> dict[str, str]:
    """The shapes of the variables, as they would be declared."""
    return {name: shape_text(variable.shape) for name, variable in problem.variables.items()}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("grad norm2(A*x - b)^2 wrt x", {"A": "(m, n)", "x": "(n)", "b": "(m)"}),
        ("grad x'*A*x wrt x", {"x": "(n)", "A": "(n, n)"}),
        ("grad x'*A*y wrt A", {"x": "(m)", "A": "(m, n)", "y": "(n)"}),
        ("grad tr(A*X*B) wrt X", {"A": "(m, n)", "X": "(n, k)", "B": "(k, m)"}),
        ("grad tr(X^3) wrt X", {"X": "(n, n)"}),
        ("grad logdet(X'*A*X) wrt X", {"X": "(m, n)", "A": "(m, m)"}),
        ("grad norm2(T - U*V')^2 wrt U", {"T": "(m, n)", "U": "(m, k)", "V": "(n, k)"}),
        ("grad cross_entropy(softmax(z), y) wrt z", {"z": "(n)", "y": "(n)"}),
        ("grad sum(X*W + ones(m)*b') wrt b", {"X": "(m, n)", "W": "(n, k)", "b": "(k)"}),
        ("grad sum(X*W + b') wrt b", {"X": "(m, n)", "W": "(n, k)", "b": "(k)"}),
        ("grad sum(affine(W, x, b)) wrt W", {"W": "(m, n)", "x": "(n)", "b": "(m)"}),
        ("grad sum(A*eye*B) wrt A", {"A": "(m, n)", "B": "(n, k)"}),
        ("grad norm2(alpha*x + sigma2*y + λ)^2 wrt x",
         {"alpha": "()", "x": "(n)", "sigma2": "()", "y": "(n)", "lambda": "()"}),
        ("jacobian x wrt x", {"x": "(n)"}),
    ],
)  # fmt: skip
def test_spelling_and_unification(text: str, found: dict[str, str]) -> None:
    problem = parse(text)
    assert shapes(problem) == found
    assert all(variable.inferred for variable in problem.variables.values())
    assert problem.notes == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("grad sum(hcat(A, B)*x) wrt x", {"A": "(m, n)", "B": "(m, k)", "x": "(k + n)"}),
        ("grad sum(hcat(A, b)*x) wrt x", {"A": "(m, n)", "b": "(m)", "x": "(n + 1)"}),
        ("grad sum(vcat(x, y, 1)) wrt x", {"x": "(n)", "y": "(m)"}),
        ("grad sum(kron(A, B)*x) wrt x", {"A": "(m, n)", "B": "(k, p)", "x": "(n*p)"}),
        ("grad vec(A)'*vec(B) + sum(A .* B) wrt A", {"A": "(m, n)", "B": "(m, n)"}),
        ("grad sum(unvec(v, 2, 3)*x) wrt v", {"v": "(6)", "x": "(3)"}),
        ("grad sum(unvec(v, m, n)*x) wrt v", {"v": "(m*n)", "x": "(n)"}),
        ("grad sum(solve(A, B)*x) wrt A", {"A": "(n, n)", "B": "(n, m)", "x": "(m)"}),
        ("grad sum(expm(A)*pinv(B)) wrt A", {"A": "(n, n)", "B": "(m, n)"}),
        ("grad sum(attention(X*A, X*B, X*C)) wrt A",
         {"X": "(m, n)", "A": "(n, k)", "B": "(n, k)", "C": "(n, p)"}),
        ("grad sum(layernorm(x, g, beta)*y') wrt x",
         {"x": "(n)", "g": "(n)", "beta": "()", "y": "(m)"}),
        ("grad sum(batchnorm(X, g, b')) wrt X", {"X": "(m, n)", "g": "(n)", "b": "(n)"}),
        ("grad sum(x[1:] - x[:-1]) wrt x", {"x": "(n)"}),
        ("grad max(x) - min(A) wrt x", {"x": "(k)", "A": "(m, n)"}),
        ("grad (A[0, :]*x)^2 wrt A", {"A": "(m, n)", "x": "(n)"}),
    ],
)  # fmt: skip
def test_sizes_made_of_sizes(text: str, found: dict[str, str]) -> None:
    assert shapes(parse(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("C : (4, 6); B : (4, 2); grad norm2(hcat(A, B) - C) wrt A", {"A": "(4, 4)"}),
        ("C : (4, 6); grad norm2(hcat(A, b) - C) wrt A", {"A": "(4, 5)", "b": "(4)"}),
        ("C : (4, 6); B : (2, 3); grad norm2(kron(A, B) - C) wrt A", {"A": "(2, 2)"}),
        ("C : (m, k); B : (m, n); grad norm2(hcat(A, B) - hcat(B, C)) wrt A", {"A": "(m, k)"}),
        ("B : (4, 3); grad sum(A[1:, :] .* B) wrt A", {"A": "(5, 3)"}),
        ("y : (6); C : (2, 3); grad vec(A)'*y + sum(A .* C) wrt A", {"A": "(2, 3)"}),
        ("y : (6); C : (2, 3); J = vec(A)'*y; K = J + sum(A .* C); grad K wrt A",
         {"A": "(2, 3)"}),
        ("grad x[2] + dot(x, ones(3)) wrt x", {"x": "(3)"}),
    ],
)  # fmt: skip
def test_equations_between_sizes_are_solved(text: str, found: dict[str, str]) -> None:
    assert shapes(parse(text)).items() >= found.items()


def test_a_size_is_whole_and_positive() -> None:
    for sizes in ("(4, 5)", "(4, 2)"):
        with pytest.raises(InputError, match=r"the shapes do not fit in kron\(A, B\) - C"):
            parse(f"C : {sizes}\nB : (2, 3)\ngrad norm2(kron(A, B) - C) wrt A")


def test_a_greek_letter_is_its_name() -> None:
    problem = parse("λ : () positive; grad lambda*norm2(x_β)^2 + Σ[0, 0]*σ2 wrt x_beta")
    assert shapes(problem) == {"lambda": "()", "x_beta": "(k)", "Sigma": "(m, n)", "sigma2": "()"}


def test_a_greek_letter_of_sympy_is_known_by_both_names() -> None:
    letter = Symbol("λ", real=True)
    problem = Problem.build({"J": letter**2}, [Request("grad", "J", ("λ",))])
    assert parse_expression("3*lambda + λ", problem) == 4 * letter


def test_declared_beats_inferred() -> None:
    problem = parse("A : (); x : (2, 3); grad A*sum(x*y) wrt y")
    assert shapes(problem) == {"A": "()", "x": "(2, 3)", "y": "(3)"}
    assert [variable.inferred for variable in problem.variables.values()] == [False, False, True]


def test_sizes_come_through_definitions() -> None:
    problem = parse("W : (5, 3); z = W*x; J = norm2(z - t); grad J wrt x")
    assert shapes(problem) == {"W": "(5, 3)", "x": "(3)", "t": "(5)"}


def test_sizes_get_names_that_are_free() -> None:
    problem = parse("m : (n); k = 2*m; J = norm2(A*k - b) + norm2(B); grad J wrt m")
    assert shapes(problem) == {"m": "(n)", "A": "(p, n)", "b": "(p)", "B": "(q, r)"}


def test_many_sizes_get_names() -> None:
    problem = parse("J = " + " + ".join(f"norm2(A{k})" for k in range(12)) + "; grad J wrt A1")
    names = [name for name in problem.sizes]
    assert len(set(names)) == 24
    assert names[:9] == ["m", "n", "k", "p", "q", "r", "s", "t", "m1"]


@pytest.mark.parametrize(
    ("text", "found", "noted"),
    [
        ("grad max(0, w'*x + b) wrt w", {"w": "(n)", "x": "(n)", "b": "()"}, ["b"]),
        ("grad sum(x)/N wrt x", {"x": "(n)", "N": "()"}, ["N"]),
        ("grad norm2(x)^k wrt x", {"x": "(n)", "k": "()"}, ["k"]),
        ("grad huber(x, d) wrt x", {"x": "(n)", "d": "()"}, ["d"]),
        ("grad z^2 wrt z", {"z": "()"}, ["z"]),
        ("grad C*norm2(x)^2 wrt x", {"C": "()", "x": "(n)"}, ["C"]),
        ("grad softmax_cross_entropy(Z, Y) wrt Z", {"Z": "(n)", "Y": "(n)"}, ["Z", "Y"]),
        ("grad det(a*B) wrt B", {"a": "()", "B": "(n, n)"}, ["a"]),
        ("grad a*x^2 + b*x wrt x", {"a": "()", "x": "()", "b": "()"}, ["a", "x", "b"]),
        ("grad norm2(A*beta - y) wrt y", {"A": "(m, n)", "beta": "()", "y": "(m)"}, []),
        ("a = sigmoid(z); J = -(y*log(a) + (1-y)*log(1-a)); grad J wrt z",
         {"z": "()", "y": "()"}, ["z", "y"]),
    ],
)  # fmt: skip
def test_shapes_around_a_name_say_otherwise(
    text: str, found: dict[str, str], noted: list[str]
) -> None:
    problem = parse(text)
    assert shapes(problem) == found
    assert [note.split()[0] for note in problem.notes] == noted


def test_notes_say_why() -> None:
    assert parse("grad sum(x)/N wrt x").notes == (
        "N is not declared, and is taken as a scalar: it stands where only a scalar can",
    )
    assert parse("grad softmax(Z)'*y wrt y").notes == (
        "Z is not declared, and is taken as a column vector: as a matrix it would not fit",
    )


@pytest.mark.parametrize(
    "text",
    [
        "grad x*y wrt x",
        "grad sum(x*y) wrt x",
        "grad A*x wrt x",
        "grad A*X wrt X",
        "grad exp(x) wrt x",
        "grad x wrt x",
        "hessian relu(x) wrt x",
    ],
)
def test_what_was_meant_otherwise_is_not_made_scalar(text: str) -> None:
    with pytest.raises(InputError, match=r"two columns|not a scalar"):
        parse(text)


def test_two_ways_are_none() -> None:
    with pytest.raises(InputError, match=r"Declare the shape of x or t\."):
        parse("grad norm2(y - x*t) wrt x")


def test_an_inferred_size_is_never_one() -> None:
    problem = parse("W : (1, 4); J = W*x + b; grad J wrt x")
    assert shapes(problem) == {"W": "(1, 4)", "x": "(4)", "b": "()"}


def test_the_choice_does_not_depend_on_chance() -> None:
    text = "grad a*x^2 + b*x + max(0, w'*v + c) wrt x"
    assert len({str(shapes(parse(text))) for _ in range(3)}) == 1


def test_names_that_only_stand_after_wrt_are_no_names() -> None:
    with pytest.raises(InputError, match="there is no B in the problem"):
        parse("grad norm2(A) wrt B")


def test_expressions_are_read_among_the_names_of_a_problem() -> None:
    problem = parse("W : (4, 3); x : (3); z = W*x; J = norm2(z); grad J wrt W")
    expression = parse_expression("z_bar*x'", problem, {"z_bar": (4,)})
    assert extent_of(expression) == (4, 3)
    inferred = parse_expression("W'*v + x", problem)
    assert extent_of(inferred) == (3, 1)
    symbolic = parse_expression("U*z/k", problem, {"U": ("k", 4)})
    assert extent_of(symbolic) == (as_dim("k"), 1)
