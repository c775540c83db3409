"""What a Hessian is asked of: facts that do not hold nearby, several requests, refusals."""

from __future__ import annotations

import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Result
from derive.emit.text import text
from derive.errors import UnsupportedError
from derive.language import parse
from derive.notation.answers import closed_form


def answers(problem: str) -> dict[tuple[str, str], str]:
    """The Hessians of a problem, as they are printed."""
    derivation = derive(parse("\n".join(part.strip() for part in problem.split(";"))))
    found: list[Result] = [r for r in derivation.results if r.kind == "hessian"]
    return {(r.by, r.wrt): text(closed_form(r, derivation)) for r in found}


@pytest.mark.parametrize(
    ("fact", "formula"),
    [
        ("signs", "x'*x*sum(x)"),
        ("probability", "sum(x)^2"),
        ("onehot", "sum(x .* x)"),
        ("onehot", "sum(x)*dot(x, x)"),
    ],
)
def test_equations_of_the_variable_itself_are_not_used(fact: str, formula: str) -> None:
    declared = answers(f"x : (n) {fact}; hessian {formula} wrt x")
    assert declared == answers(f"x : (n); hessian {formula} wrt x")


def test_equations_of_others_are_used() -> None:
    problem = "z : (n); y : (n){}; J = softmax_cross_entropy(z, y); hessian J wrt z"
    plain = answers(problem.format(""))["z", "z"]
    known = answers(problem.format(" probability"))["z", "z"]
    assert "y" in plain and "y" not in known


def test_a_quantity_and_what_it_is_computed_from_are_refused_together() -> None:
    problem = "x:(n); z = tanh(x); J = sse(z) + sum(x); hessian J wrt {}"
    with pytest.raises(UnsupportedError) as caught:
        answers(problem.format("(z, x)"))
    assert caught.value.summary == (
        "the Hessian of J with respect to x and z together: z is computed from x, so they do not "
        "vary independently"
    )
    assert caught.value.details == ("Ask for hessian J wrt z, x: one each.",)
    assert set(answers(problem.format("z, x"))) == {("z", "z"), ("x", "x")}


def test_each_gradient_is_differentiated_once() -> None:
    found = answers("x:(n); c:(); J = c*exp(x'*x); hessian J wrt x; hessian J wrt (x, c)")
    assert sorted(found) == [("c", "c"), ("c", "x"), ("x", "c"), ("x", "x")]


def test_what_has_no_influence_has_a_hessian_of_zeros() -> None:
    assert answers("x:(n); c:(); J = sse(x); hessian J wrt c")["c", "c"] == "0"


def test_adjoints_of_two_scalars_have_different_names() -> None:
    derivation = derive(parse("x:(n)\nhessian logsumexp(x) wrt x\ngrad sse(x)*sum(x) wrt x"))
    names = [step.adjoint.name for sweep in derivation.sweeps[:2] for step in sweep.steps]
    assert len(set(names)) == len(names)
