"""Pages as they are read: which lines stand in a derivation, and why each follows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final
from unicodedata import normalize

import numpy as np
import pytest

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation
from derive.language import parse
from derive.notation.answers import closed_form, explained, independent_form
from derive.notation.sympy_form import sympy_form
from derive.tensor.substitution import variables_of
from derive.verify.evaluation import evaluate
from derive.workflow import explain


def derived(problem: str) -> Derivation:
    return derive(parse("\n".join(part.strip() for part in problem.split(";"))))


def lines(problem: str, detail: str = "steps") -> list[str]:
    """What is printed, without blanks at the ends and runs of blanks inside."""
    page = explain(derived(problem), detail=detail)
    return [_plain(line) for line in page.splitlines()]


def _plain(line: str) -> str:
    return " ".join(normalize("NFD", line).split())


# A problem, and lines that stand on its page one below the other.
PAGES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "a symmetric matrix is read both ways until it is said": (
        "A:(n,n) symmetric; x:(n); grad x'*A*x wrt x",
        ("1 x̄ = A x + Aᵀ x n product rule: each x in turn", "= 2 A x n×n · n A is symmetric"),
    ),
    "where nothing else changes, it is said at once": (
        "S:(n,n) symmetric; grad logdet(S) wrt S",
        ("1 S̄ = S⁻¹ n×n d log det X = tr(X⁻¹ dX); S⁻¹ is symmetric",),
    ),
    "two symmetric matrices in one breath": (
        "A:(n,n) symmetric; B:(n,n) symmetric; x:(n); grad x'*A*x + 3*x'*B*x wrt x",
        ("= 2 (3 B + A) x n×n · n A and B are symmetric; common factor taken out",),
    ),
    "the gradient of a variance": (
        "x:(n); J = mean((x - mean(x)).^2); grad J wrt x",
        (
            "1 r̄ = 2 r / n n d‖r‖² = 2 rᵀ dr",
            "2 x̄ = (∂r/∂x)ᵀ r̄ n×n · n chain rule",
            "= (I − 1 1ᵀ / n) r̄ n×n · n z = … + b: b̄ = z̄",
            "= r̄ − mean(r̄) n multiplied out",
            "= r̄ = 2 r / n n the entries of r̄ sum to 0",
        ),
    ),
    "a factor taken out is not cancelled": (
        "a:(n); z:(n); grad a'*softmax(z) wrt z",
        ("= softmax(z) ⊙ (a − aᵀ softmax(z)) n common factor taken out",),
    ),
    "a divisor is taken out of terms with different denominators": (
        "a:(n); x:(n); grad a'*x/norm2(x) wrt x",
        ("= (a − (aᵀ x) x / ‖x‖²) / ‖x‖ n common factor taken out",),
    ),
    "terms with plain denominators stay": (
        "x:(N); mu:(); b:() positive; grad N*log(2*b) + norm1(x - mu)/b wrt b",
        ("∂f/∂b = N / b − ‖x − μ‖₁ / b² 1",),
    ),
    "a scalar is cancelled without entries": (
        "u:(d); v:(d); grad -log(sigmoid(u'*v)) wrt u",
        ("= s − 1 1 s̄ inserted; cancelled",),
    ),
    "moduli": (
        "x:(n); grad sum(abs(x).^3) wrt x",
        ("= 3 (x ⊙ |x|) n |x|² = x²; sign(x) |x| = x",),
    ),
    "what facts make of entropy": (
        "z:(n); p = softmax(z); J = -sum(p .* log(p)); grad J wrt z",
        ("∂J/∂z = p ⊙ (pᵀ log p − log p) n",),
    ),
    "softmax spelled out": (
        "a:(n); z:(n); grad a'*exp(z)/sum(exp(z)) wrt z",
        ("∂f/∂z = softmax(z) ⊙ (a − aᵀ softmax(z)) n", "exp(z)/sum(exp(z)) is written softmax(z)."),
    ),
    "the law of the product in which a sum stands": (
        "a:(n); b:(n); t:(n) positive; grad sum((a - b) .* log(t)) wrt a",
        ("1 ā = log t n z = aᵀ x: x̄ = z̄ a",),
    ),
    "a sum among functions": (
        "x:(n); L:(k,n); y:(n); grad norm2(L*(x - y))^2 wrt x",
        ("2 x̄ = Lᵀ r̄ = 2 Lᵀ r n×k · k Z = W A: Ā = Wᵀ Z̄",),
    ),
    "roots of numbers": (
        "x:(n); grad sum(gelu(x)) wrt x",
        ("∂f/∂x = (1 + √(2/π) (x ⊙ exp(−x² / 2)) + erf(x / √2)) / 2 n",),
    ),
    "a root below": (
        "x:(n); grad sum(erf(x)) wrt x",
        ("∂f/∂x = 2 exp(−x²) / √π n",),
    ),
    "a square root of a size": (
        "q:(d); K:(n,d); a:(n); grad a'*(K*q)/sqrt(d) wrt q",
        ("∂f/∂q = Kᵀ a / √d d",),
    ),
    "means of rows and columns": (
        "X:(N,d); grad norm2(X - colmean(X))^2 wrt X",
        ("∂f/∂X = 2 (X − colmean(X)) N × d",),
    ),
    "a mean in a product": (
        "X:(N,d); w:(d); b:(); y:(N); J = mse(X*w + b, y); grad J wrt b",
        ("∂J/∂b = 2 mean(X w + b − y) 1",),
    ),
    "signs stay out of denominators": (
        "A:(m,n); x:(n); b:(m); grad -sum(log(b - A*x)) wrt b",
        ("∂f/∂b = −1 ⊘ (b − A x) m",),
    ),
    "a quotient summed": (
        "x:(N); mu:(); c:() positive; grad sum(log(c + (x - mu).^2)) wrt mu",
        ("∂f/∂μ = 2 sum((μ − x) ⊘ (c + (x − μ)²)) 1",),
    ),
    "a trace, not the sum of a diagonal": (
        "K:(n,n) symmetric; y:(n); s:() positive; S = K + s*I(n);"
        "J = y'*inv(S)*y/2 + logdet(S)/2; grad J wrt s",
        ("2 s̄ = tr(S̄) = (tr(S⁻¹) − yᵀ S⁻² y) / 2 1 linear in s",),
    ),
    "a layer norm": (
        "x:(n); g:(n); grad g'*layernorm(x) wrt x",
        ("∂f/∂x = (g − mean(g) − (gᵀ x̂) x̂ / n) / s n",),
    ),
    "sums of powers are no products": (
        "x:(N); y:(N); a:(); b:(); c:(); grad sum((a*x.^2 + b*x + c - y).^2) wrt b",
        ("∂f/∂b = 2 (xᵀ (a x² + b x + c − y)) 1",),
    ),
    "powers with a name in the exponent": (
        "x:(n) positive; grad prod(x)^(1/n) wrt x",
        ("= (prod(x)^(1 / n) ⊘ x) / n n x^c x = x^(c + 1)",),
    ),
    "a name that hides what cancels": (
        "A:(m,n); x:(n); b:(m); grad log(norm2(A*x - b)) wrt x",
        ("∂f/∂x = Aᵀ (A x − b) / ‖A x − b‖² n",),
    ),
    "a difference as it was written": (
        "x:(n); mu:(n); P:(n,n) positive_definite; grad (x - mu)'*P*(x - mu) - logdet(P) wrt P",
        ("∂f/∂P = (x − μ) (x − μ)ᵀ − P⁻¹ n × n",),
    ),
    "a difference twice with a minus sign": (
        "X:(N,d); W:(d,k); Y:(N,k); L:(k,k) positive_definite;"
        "grad tr((Y - X*W)*inv(L)*(Y - X*W)') wrt L",
        ("∂f/∂L = −L⁻¹ (Y − X W)ᵀ (Y − X W) L⁻¹ k × k",),
    ),
    "a gradient that is symmetric already": (
        "S:(d,d) positive_definite; V:(d,d) positive_definite; a:();"
        "grad a*logdet(S) - tr(inv(V)*S)/2 wrt S",
        ("∂f/∂S = a S⁻¹ − V⁻¹ / 2 d × d",),
    ),
    "a matrix taken out of its row sums": (
        "V:(m,n) positive; W:(m,k) positive; H:(k,n) positive;"
        "J = sum(W*H - V .* log(W*H)); grad J wrt H",
        ("∂J/∂H = Wᵀ (1 − V ⊘ W H) k × n",),
    ),
    "a determinant of a product stays one": (
        "A:(n,n); X:(n,n); B:(n,n); grad det(A*X*B) wrt X",
        ("∂f/∂X = det(A X B) X⁻ᵀ n × n",),
    ),
    "a divisor goes into the sum that it divides in": (
        "x:(N); mu:(); nu:() positive; grad (nu + 1)/2*sum(log(1 + (x - mu).^2/nu)) wrt mu",
        (
            "= −(1 + ν) sum((x − μ) ⊘ (ν + (x − μ)²)) 1 entry by entry, cancelled",
            "∂f/∂μ = −(1 + ν) sum((x − μ) ⊘ (ν + (x − μ)²)) 1",
        ),
    ),
    "a root in every term": (
        "x:(n); jacobian (x - mean(x))/sqrt(mean((x - mean(x)).^2)) wrt x",
        ("∂f/∂x = √n (I − 1 1ᵀ / n − (x − mean(x)) rᵀ / ‖r‖²) / ‖r‖ n × n",),
    ),
    "a matrix of ones beside the identity": (
        "x:(3); jacobian x - sum(x) wrt x",
        ("∂f/∂x = I − 1 1ᵀ 3 × 3",),
    ),
    "decimals": (
        "x:(n); grad sum(log(0.5 + 0.001*x.^2)) + 0.015*norm2(x)^2 wrt x",
        ("0.03 x",),
    ),
    "a small number by its power of ten": (
        "x:(n); J = sum(log(x.^2 + 0.00001)); grad J wrt x",
        ("10⁻⁵",),
    ),
    "a number before an indicator": (
        "a:(n); b:(n); grad max(0, norm2(a - b)^2 - 1) wrt a",
        ("2 · 1[‖a − b‖² > 1] (a − b)",),
    ),
}  # fmt: skip


# A problem, and lines that stand in its proof one below the other.
PROOFS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "why what is centred sums to 0": (
        "x:(n); J = mean((x - mean(x)).^2); grad J wrt x",
        (
            "⟨A, B⟩ is the sum of all entries of A ⊙ B.",
            "d(rᵀ r) = drᵀ r + rᵀ dr = 2 rᵀ dr",
            "Σ_i r[i] = Σ_i (x[i] − (Σ_j x[j])/n) = 0",
            "Σ_i r̄[i] = 2 (Σ_i r[i])/n = 0",
            "x̄[i] = r̄[i]",
        ),
    ),
    "a column sums to 0": (
        "X:(N,d); grad norm2(X - colmean(X))^2 wrt X",
        (
            "∂R[i,j]/∂X[k,l] = δ[i,k] δ[j,l] − δ[j,l]/N",
            "Σ_j R[j,i] = Σ_j (X[j,i] − Σ_k X[k,i]/N) = 0",
        ),
    ),
    "a symmetric variable": (
        "S:(n,n) symmetric; A:(n,n); grad tr(A*S) wrt S",
        ("dJ = ⟨G, dX⟩ = ⟨Gᵀ, dXᵀ⟩ = ⟨Gᵀ, dX⟩ for symmetric dX, so dJ = ⟨(G + Gᵀ)/2, dX⟩",),
    ),
    "a triangular variable": (
        "L:(n,n) lower_triangular; x:(n); y:(n); grad y'*L*x wrt L",
        ("dJ = ⟨G, dX⟩ = Σ_{i ≥ j} G[i,j] dX[i,j] for lower triangular dX",),
    ),
    "a diagonal variable": (
        "D:(n,n) diagonal; x:(n); y:(n); grad y'*D*x wrt D",
        ("dJ = ⟨G, dX⟩ = Σ_i G[i,i] dX[i,i] for diagonal dX",),
    ),
    "the two sides of a product": (
        "X:(N,d); W:(d,k); V:(k,l); Y:(N,l); Z = X*W; J = norm2(Z*V - Y); grad J wrt W, V",
        (
            "‖r‖ = √(rᵀ r), so d‖r‖ = (2 rᵀ dr)/(2 √(rᵀ r)) = rᵀ dr/‖r‖",
            "⟨Z̄, dW A⟩ = ⟨Z̄ Aᵀ, dW⟩",
            "⟨Z̄, W dA⟩ = ⟨Wᵀ Z̄, dA⟩",
        ),
    ),
}


@pytest.mark.parametrize("name", PROOFS)
def test_lines_of_a_proof(name: str) -> None:
    problem, expected = PROOFS[name]
    found = lines(problem, "proof")
    for line in map(_plain, expected):
        assert line in found, "\n".join(found)
    assert not any(one == other != "" for one, other in pairwise(found))


def test_a_lemma_is_told_once() -> None:
    problem = "x:(d); W:(h,d); V:(k,h); y:(k); grad norm2(V*tanh(W*x) - y)^2 wrt W, V"
    assert lines(problem, "proof").count("⟨Z̄, dW A⟩ = ⟨Z̄ Aᵀ, dW⟩".replace("Z̄", _plain("Z̄"))) == 1


@pytest.mark.parametrize("name", PAGES)
def test_lines_of_a_page(name: str) -> None:
    problem, expected = PAGES[name]
    found = lines(problem)
    place = 0
    for line in map(_plain, expected):
        hits = [p for p, text in enumerate(found) if p >= place and line in text]
        assert hits, f"{line}\nnot on the page\n" + "\n".join(found)
        place = hits[0]


def net(depth: int, activation: str) -> str:
    """A deep network, all its gradients asked for."""
    parts = ["x:(5)", "y:(4)"]
    before, width = "x", 5
    for layer in range(1, depth + 1):
        rows = 4 if layer == depth else 6
        parts += [f"W{layer}:({rows},{width})", f"b{layer}:({rows})"]
        parts.append(f"z{layer} = W{layer}*{before} + b{layer}")
        parts.append(f"a{layer} = {activation}(z{layer})")
        before, width = f"a{layer}", rows
    asked = ", ".join(f"W{layer}, b{layer}" for layer in range(1, depth + 1))
    return ";".join([*parts, f"J = mse(a{depth}, y)", f"grad J wrt {asked}"])


def test_the_answers_of_a_deep_network_keep_the_names_of_adjoints() -> None:
    found = lines(net(12, "tanh"))
    for line in (
        "∂J/∂W1 = z̄1 xᵀ 6 × 5",
        "∂J/∂W5 = z̄5 a4ᵀ 6 × 6",
        "∂J/∂b5 = z̄5 6",
        "z̄5 = W6ᵀ z̄6 ⊙ (1 − a5²)",
        "∂J/∂b12 = z̄12 4",
        "z̄12 = ((a12 − y) ⊙ (1 − a12²)) / 2",
    ):
        assert _plain(line) in found
    with_names = found[found.index("with") + 1 :]
    order = [int(line.split()[0][2:]) for line in with_names if line.startswith(_plain("z̄"))]
    assert order == sorted(order, reverse=True)


def test_the_lines_of_a_hundred_layers_stay_short() -> None:
    page = explain(derived(net(100, "relu")))
    assert max(len(line) for line in page.splitlines() if line.startswith("  ∂J/∂W")) < 110


def test_what_is_explained_is_all_that_is_left_to_explain() -> None:
    derivation = derived(net(8, "tanh"))
    for result in derivation.results:
        left = explained(result, derivation)
        names = {variable.name for variable in left}
        for variable in left:
            assert variable.value is not None
            for part in variables_of(variable.value):
                assert part.role != "adjoint" or part.name in names or part.value is not None


SYMMETRIC: Final[Mapping[str, str]] = {
    "S:(n,n) symmetric; grad tr(S*S) wrt S": "4 S − 2 diag(diagonal(S))",
    "S:(n,n) symmetric; A:(n,n); grad tr(A*S) wrt S": "A + Aᵀ − diag(diagonal(A))",
    "S:(n,n) symmetric; x:(n); y:(n); grad x'*S*y wrt S": "x yᵀ + y xᵀ − diag(x ⊙ y)",
    "S:(n,n) positive_definite; grad logdet(S) wrt S": "2 S⁻¹ − diag(diagonal(S⁻¹))",
    "S:(n,n) symmetric; a:(n); b:(n); grad a'*inv(S)*b wrt S": (
        "diag(S⁻¹ a ⊙ S⁻¹ b) − S⁻¹ (a bᵀ + b aᵀ) S⁻¹"
    ),
}


@pytest.mark.parametrize("problem", SYMMETRIC)
def test_the_form_for_the_independent_entries_is_printed_beside(problem: str) -> None:
    expected = f"{SYMMETRIC[problem]} n × n by the independent entries"
    for detail in ("steps", "proof"):
        found = lines(problem, detail)
        (place,) = [p for p, line in enumerate(found) if line == expected]
        assert found[place - 1].startswith("∂f/∂S = ")
    assert expected not in lines(problem, "result")
    assert any("2 G − diag(diagonal(G))" in line for line in lines(problem, "result"))


@pytest.mark.parametrize("problem", SYMMETRIC)
def test_the_form_for_the_independent_entries_is_their_gradient(
    problem: str, rng: np.random.Generator
) -> None:
    """Against differences along each entry and the one across the diagonal together."""
    derivation = derived(problem)
    (result,) = derivation.results
    form = independent_form(result, derivation)
    assert form is not None
    half = rng.normal(size=(4, 4))
    values = {"S": half @ half.T + np.eye(4), "A": rng.normal(size=(4, 4)), "n": np.asarray(4.0)}
    values |= {name: rng.normal(size=(4, 1)) for name in "xyab"}
    formula = derivation.problem.definitions["f"].expression
    expected = np.zeros((4, 4))
    for row, column in np.ndindex(4, 4):
        step = np.zeros((4, 4))
        step[row, column] = step[column, row] = 1e-5
        ends = [evaluate(formula, {**values, "S": values["S"] + s * step}) for s in (1, -1)]
        expected[row, column] = (float(np.squeeze(ends[0])) - float(np.squeeze(ends[1]))) / 2e-5
    np.testing.assert_allclose(evaluate(sympy_form(form), values), expected, rtol=1e-6, atol=1e-7)
    symmetric = evaluate(sympy_form(closed_form(result, derivation)), values)
    np.testing.assert_allclose(
        expected, 2 * symmetric - np.diag(np.diagonal(symmetric)), rtol=1e-6, atol=1e-7
    )


def test_a_long_form_for_the_independent_entries_is_only_referred_to() -> None:
    problem = (
        "S:(n,n) symmetric; x:(n); mu:(n);"
        "grad (logdet(S) + (x - mu)'*inv(S)*(x - mu))/2 + tr(S*S*S) wrt S"
    )
    assert "2 G − diag(diagonal(G)) n × n by the independent entries" in lines(problem)
