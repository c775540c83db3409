"""The answers of a derivation speak of the same things by the same names."""

from __future__ import annotations

import pytest

import derive
from derive.calculus.chain_rule import derive as derived
from derive.calculus.derivation import Derivation
from derive.emit.text import UNICODE, name_of, text
from derive.language import parse
from derive.notation.answers import closed_form, explained, explanation

ATTENTION = (
    "X:(n,c); A:(c,d); B:(c,d); C:(c,k); T:(n,k); Q = X*A; K = X*B; V = X*C;"
    "O = attention(Q, K, V); J = norm2(O - T)^2/2;"
)
NORMALISED = "W:(n,d); x:(d); y:(n); gamma:(n); z = W*x; J = norm2(layernorm(z, gamma) - y)^2/2;"


def derivation_of(problem: str) -> Derivation:
    return derived(parse("\n".join(line.strip() for line in problem.split(";"))))


def written(derivation: Derivation) -> tuple[dict[str, str], dict[str, str]]:
    """The answers by variable, and the meanings of the names in them."""
    answers = {r.wrt: text(closed_form(r, derivation), UNICODE) for r in derivation.results}
    names = {name: None for r in derivation.results for name in explained(r, derivation)}
    return answers, {name_of(n): text(explanation(n, derivation), UNICODE) for n in names}


def test_attention_is_written_with_its_weights() -> None:
    answers, meanings = written(derivation_of(ATTENTION + "grad J wrt A, B, C, X"))
    assert meanings["P"] == "rowsoftmax(Q Kᵀ / √d)"
    assert [name for name, meaning in meanings.items() if "softmax" in meaning] == ["P"]
    assert not any("softmax" in answer for answer in answers.values())
    assert answers["A"] == "Xᵀ Q̄"
    assert meanings["M̄"] == "P ⊙ (P̄ − rowsum(P̄ ⊙ P))"


def test_a_normalising_layer_is_written_with_its_value_and_deviation() -> None:
    answers, meanings = written(derivation_of(NORMALISED + "grad J wrt gamma, z, W"))
    assert meanings["x̂"] == "layernorm(z)"
    assert meanings["s"] == "√(var(z) + 10⁻⁵)"
    assert "layernorm" not in "".join(answers.values())
    assert (answers["z"], answers["W"]) == ("z̄", "z̄ xᵀ")


@pytest.mark.parametrize("name", ["lstm", "circles", "nested", "silu_network", "batchnorm"])
def test_what_is_named_is_written_out_nowhere_else(name: str) -> None:
    """A meaning as long as this stands in no answer and in no other meaning."""
    derivation = derived(derive.example(name))
    for sweep in derivation.sweeps:
        meanings: dict[str, str] = {}
        answers = [text(closed_form(result, derivation), UNICODE) for result in sweep.results]
        for result in sweep.results:
            for variable in explained(result, derivation):
                meanings[name_of(variable)] = text(explanation(variable, derivation), UNICODE)
        assert all(answers.count(meaning) == 0 for meaning in meanings.values())
        for own, meaning in meanings.items():
            others = [*answers, *(m for other, m in meanings.items() if other != own)]
            assert not any(meaning in other for other in others if len(meaning) > 8)


@pytest.mark.parametrize(
    ("asked", "answers"),
    [
        ("w, b", ("2 Xᵀ ((a − y) ⊙ 1[z > 0]) / N", "2 mean((a − y) ⊙ 1[z > 0])")),
        ("w, b, X", ("Xᵀ z̄", "1ᵀ z̄", "z̄ wᵀ")),
    ],
)
def test_what_many_answers_share_gets_a_name(asked: str, answers: tuple[str, ...]) -> None:
    problem = "X:(N,d); y:(N); w:(d); b:(); z = X*w + b; a = relu(z); J = mse(a, y);"
    found, meanings = written(derivation_of(f"{problem} grad J wrt {asked}"))
    assert tuple(found.values()) == answers
    assert meanings == ({"z̄": "2 ((a − y) ⊙ 1[z > 0]) / N"} if "z̄" in answers[0] else {})


def test_short_answers_need_no_names() -> None:
    derivation = derived(derive.example("residual"))
    assert all(explained(result, derivation) == () for result in derivation.results)


def test_a_name_that_is_written_twice_is_opened_where_that_is_no_longer() -> None:
    answers, meanings = written(
        derivation_of("A:(n,n); C:(m,m) symmetric; X:(m,n); grad tr(inv(X'*C*X)*A) wrt X")
    )
    assert answers["X"] == "−C X M⁻¹ (Aᵀ + A) M⁻¹"
    assert meanings == {"M": "Xᵀ C X"}
