"""The page: what every printing of a derivation prints."""

from __future__ import annotations

import numpy as np
import pytest

from derive.calculus.chain_rule import derive
from derive.emit.page import check_words
from derive.emit.plain import words_text
from derive.emit.words import ENGLISH, Signs, Wording
from derive.language import parse
from derive.workflow import check, example, explain, page
from tests.tensor.evaluation import evaluate


@pytest.mark.parametrize("name", ["testnet", "gaussian", "neuron", "least_squares"])
def test_the_check_is_worded_as_the_report_words_it(name: str, seed: int) -> None:
    report = check(derive(example(name)), seed)
    assert words_text(check_words(report)) == report.summary()


def test_places_are_filled_in_prose_and_in_mathematics() -> None:
    words = ENGLISH("{n} of $∂{u}/∂{v}$", n="two", u="y", v="x")
    assert words == ("two of ", Signs("∂y/∂x"))
    assert ENGLISH("Σ_{i ≥ j} is no place") == ("Σ_{i ≥ j} is no place",)


def test_lists_have_a_word_before_the_last_member() -> None:
    assert ENGLISH.listed(["a", "b", "c"]) == ("a, b and c",)
    assert ENGLISH.listed(["a"]) == ("a",)
    assert ENGLISH.listed([]) == ()


def test_a_phrase_without_translation_stays_english() -> None:
    say = Wording("xx", {"Symbols": "ΣΥΜΒΟΛΑ"})
    assert say.text("Symbols") == "ΣΥΜΒΟΛΑ"
    assert say.text("Forward pass") == "Forward pass"


def test_what_was_taken_as_something_else_is_noted() -> None:
    derivation = derive(parse("grad sum(x)/N wrt x"))
    assert "N is not declared, and is taken as a scalar" in explain(derivation)
    ((note,),) = page(derivation).notes
    assert note == derivation.problem.notes[0]


@pytest.mark.parametrize("kind", ["grad", "jacobian"])
def test_conventions_follow_the_layout(kind: str) -> None:
    request = {"grad": "grad sum(y) wrt x", "jacobian": "jacobian y wrt x"}[kind]
    derivation = derive(parse(f"y = exp(A*x); {request}"))
    told = {
        layout: words_text(page(derivation, layout=layout).sections[0].conventions[0])
        for layout in ("numerator", "denominator")
    }
    assert "denominator layout" in told["denominator"]
    assert "denominator layout" not in told["numerator"]


def test_signs_of_jacobians_are_explained_where_they_first_appear() -> None:
    problem = "X:(m,n)\nY = X'*X\njacobian Y wrt X"
    told = explain(derive(parse(problem))).splitlines()
    (kronecker,) = (place for place, line in enumerate(told) if "Kronecker product" in line)
    assert told[kronecker] == "A ⊗ B is the Kronecker product: vec(B X Aᵀ) = (A ⊗ B) vec(X)."
    assert told[kronecker + 1] == "K(n,n) is the commutation matrix: K(n,n) vec(M) = vec(Mᵀ)."
    assert kronecker < next(place for place, line in enumerate(told) if line.startswith(" 1  "))


def test_signs_that_do_not_appear_are_not_explained() -> None:
    for problem in ("x:(n)\njacobian exp(x) wrt x", "X:(m,n)\ngrad norm2(X)^2 wrt X"):
        told = explain(derive(parse(problem)))
        assert "Kronecker" not in told and "commutation" not in told


@pytest.mark.parametrize(("rows", "columns"), [(2, 3), (3, 3), (1, 4)])
def test_the_commutation_matrix_does_what_is_said_of_it(rows: int, columns: int) -> None:
    (result,) = derive(parse(f"X:({rows},{columns})\njacobian X' wrt X")).results
    matrix = np.arange(float(rows * columns)).reshape(rows, columns)
    swapped = evaluate(result.gradient, {}) @ matrix.ravel(order="F")
    np.testing.assert_array_equal(swapped, matrix.T.ravel(order="F"))
