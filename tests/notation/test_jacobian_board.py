"""Derivations of Jacobians and Hessians as they are read: their lines, and the laws beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from unicodedata import normalize

import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation
from derive.emit.plain import ascii_text, words_text
from derive.emit.reasons import FORMS, WHY, reasons_words
from derive.emit.text import UNICODE, text
from derive.language import parse
from derive.notation.board import board

# A problem, and lines that stand in its derivation: left side, equal forms, reasons.
LINES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "a product entry by entry": (
        "w:(n); x:(n); jacobian w .* x wrt w",
        ("∂f/∂w = diag(x)   z = a ⊙ x:  dz = a ⊙ dx = diag(a) dx",),
    ),
    "a difference": (
        "w:(n); x:(n); jacobian w - x wrt x, w",
        ("∂f/∂x = −I   z = … ± b:  dz = ± db", "∂f/∂w = I   z = … ± b:  dz = ± db"),
    ),
    "a multiple": ("z:(); x:(n); jacobian z*x wrt x", ("∂f/∂x = z I   z = c x:  dz = c dx",)),
    "what is added to every entry": (
        "z:(); x:(n); jacobian x + z wrt z",
        ("∂f/∂z = ones(n)   z is added to every entry, and each moves with it",),
    ),
    "a square of a number": (
        "t:(); u = t^2; jacobian sin(u) wrt t",
        ("∂f/∂t = (∂f/∂u) (∂u/∂t) = cos(u) (2 t) = 2 t cos(u)   (xᵏ)′ = k xᵏ⁻¹",),
    ),
    "a number acts by itself and through another": (
        "t:(); u = t^2; v = t + u; jacobian sin(v) wrt t",
        (
            "∂f/∂u = (∂f/∂v) (∂v/∂u) = cos(v)   z = … ± b:  dz = ± db",
            "∂f/∂t = (∂f/∂v) (∂v/∂t) + (∂f/∂u) (∂u/∂t) = cos(v) + cos(v) (2 t) = "
            "2 t cos(v) + cos(v)   z = … ± b:  dz = ± db; (xᵏ)′ = k xᵏ⁻¹",
        ),
    ),
    "what acts by itself has no name of its own": (
        "x:(n); u = exp(x); y = u .* x; jacobian y wrt x",
        (
            "∂y/∂x = diag(u) + (∂y/∂u) (∂u/∂x) = diag(u) + diag(x) diag(u) = "
            "diag(u) + diag(u ⊙ x)   z = a ⊙ x:  dz = a ⊙ dx = diag(a) dx; exp′(x) = exp(x)",
        ),
    ),
    "factors before they are worked": (
        "X:(N,d); w:(d); y:(N) signs; hessian sum(log(1 + exp(-y .* (X*w)))) wrt w",
        (
            "∂w̄/∂u = (∂w̄/∂ū) (∂ū/∂u) = (−Xᵀ diag(y)) diag(ū ⊙ (1 − ū)) = "
            "Xᵀ diag(ū ⊙ y ⊙ (ū − 1))   σ′(x) = σ(x) (1 − σ(x))",
            "∂w̄/∂w = Xᵀ diag(ū ⊙ (1 − ū)) X   y ⊙ y = 1, since the entries of y are 1 and −1",
        ),
    ),
    "matrices by matrices": (
        "A:(p,m); X:(m,n); B:(n,q); U = X*B; jacobian A*U wrt X",
        (
            "∂f/∂U = I ⊗ A   Z = W A:  vec(dZ) = (I ⊗ W) vec(dA)",
            "∂f/∂X = (∂f/∂U) (∂U/∂X) = (I ⊗ A) (Bᵀ ⊗ I) = Bᵀ ⊗ A   "
            "Z = W A:  vec(dZ) = (Aᵀ ⊗ I) vec(dW)",
        ),
    ),
    "between two matrices": (
        "A:(p,m); X:(m,n); B:(n,q); jacobian A*X*B wrt X",
        ("∂f/∂X = Bᵀ ⊗ A   Z = A X B:  vec(dZ) = (Bᵀ ⊗ A) vec(dX)",),
    ),
    "a transpose": (
        "X:(m,n); jacobian X' wrt X",
        ("∂f/∂X = K(m,n)   vec(dXᵀ) = K vec(dX) with the commutation matrix K",),
    ),
    "an outer product": (
        "a:(m); b:(n); jacobian a*b' wrt a",
        ("∂f/∂a = b ⊗ I   Z = a bᵀ:  vec(Z) = b ⊗ a",),
    ),
    "an indicator": (
        "w:(n); x:(n); jacobian (w > x) wrt w",
        ("∂f/∂w = 0   an indicator is constant away from its threshold; there it is 0",),
    ),
    "a second derivative that is 0 away from the kink": (
        "X:(N,d); w:(d); z = X*w; hessian sum(relu(z)) wrt w",
        (
            "∂w̄/∂z = (∂w̄/∂z̄) (∂z̄/∂z) = 0   "
            "an indicator is constant away from its threshold; there it is 0",
            "∂w̄/∂w = (∂w̄/∂z) (∂z/∂w) = 0   z = A x:  dz = A dx",
        ),
    ),
    "the absolute value twice": (
        "x:(n); hessian norm1(x) wrt x",
        ("∂x̄/∂x = 0   sign is constant on either side of 0; sign′(0) is 0",),
    ),
    "a symmetric matrix in a local Jacobian": (
        "A:(n,n) symmetric; x:(n); hessian exp(x'*A*x) wrt x",
        (
            "∂x̄/∂x = 2 q̄ A + (∂x̄/∂q) (∂q/∂x) = 2 q̄ A + 2 f A x (2 xᵀ A) = 2 (2 f A x xᵀ A + q̄ A)"
            "   z = A x:  dz = A dx; product rule: each x in turn; A is symmetric",
        ),
    ),
    "two variables in either order": (
        "x:(n); y:(m); A:(n,m); hessian exp(x'*A*y) wrt (x, y)",
        (
            "∂ȳ/∂x = (∂x̄/∂y)ᵀ = (f A y xᵀ A + q̄ A)ᵀ   "
            "second derivatives may be taken in either order",
        ),
    ),
    "what is 0 beside what is not": (
        "x:(n); W:(k,n); y:(k); z = W*x; a = relu(z); hessian sum(a.^3 .* y) wrt W",
        (
            "∂W̄/∂z = (∂W̄/∂a) (∂a/∂z) = 6 (x ⊗ diag(a ⊙ y ⊙ 1[z > 0])) diag(1[z > 0]) = "
            "6 (x ⊗ diag(a ⊙ y ⊙ 1[z > 0]))   relu′(x) = 1[x > 0]; relu′(0) is 0; "
            "an indicator is constant away from its threshold; there it is 0",
        ),
    ),
}


def derived(problem: str) -> Derivation:
    return derive(parse("\n".join(part.strip() for part in problem.split(";"))))


def lines(derivation: Derivation) -> list[str]:
    found = []
    for sweep in derivation.sweeps:
        for step in board(sweep):
            for row in step.rows:
                forms = dict.fromkeys(text(form, UNICODE) for form in (step.left, *row.forms))
                reasons = "; ".join(words_text(words) for words in reasons_words(row.reasons))
                found.append(normalize("NFC", f"{' = '.join(forms)}   {reasons}"))
    return found


@pytest.mark.parametrize(("problem", "expected"), LINES.values(), ids=LINES.keys())
def test_lines(problem: str, expected: tuple[str, ...]) -> None:
    found = lines(derived(problem))
    expected = tuple(normalize("NFC", line) for line in expected)
    assert [line for line in found if line in expected] == list(expected), "\n".join(found)


def test_every_sign_of_a_law_is_written_in_ascii() -> None:
    for phrase in (*FORMS.values(), *WHY.values()):
        assert "?" not in ascii_text(phrase), phrase
