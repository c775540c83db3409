"""The proof level: local derivatives entry by entry, and the lemmas behind named laws."""

from __future__ import annotations

import pytest

from derive.calculus.chain_rule import derive
from derive.language import parse
from derive.workflow import explain

NET = """
x : (3)
y : (2) probability
W : (2, 3)
b : (2)
z = W*x + b
p = softmax(z)
J = cross_entropy(p, y)
grad J wrt W, b
"""


def page(text: str, detail: str, ascii: bool = False) -> list[str]:
    """What is printed, line by line, without blanks at the ends."""
    printed = explain(derive(parse(text)), detail=detail, ascii=ascii)
    return [line.strip() for line in printed.splitlines()]


@pytest.mark.parametrize(
    "line",
    [
        "z[i] = Σ_j W[i,j] x[j] + b[i]",
        "∂z[i]/∂W[j,k] = δ[i,j] x[k]",
        "∂z[i]/∂b[j] = δ[i,j]",
        "∂p[i]/∂z[j] = p[i] δ[i,j] − p[i] p[j]",
        "∂p[i]/∂z[j] = ∂/∂z[j] (exp(z[i])/Σ_k exp(z[k]))",
        "W̄[i,j] = z̄[i] x[j]",
    ],
)
def test_a_proof_spells_out_each_local_derivative(line: str) -> None:
    assert line in page(NET, "proof")


def test_steps_are_shorter_than_proofs_and_results_shorter_than_steps() -> None:
    result, steps, proof = (page(NET, detail) for detail in ("result", "steps", "proof"))
    assert len(result) < len(steps) < len(proof)
    assert not any("δ" in line for line in steps)
    assert not any("chain rule" in line.lower() for line in result)


@pytest.mark.parametrize("detail", ["result", "steps", "proof"])
def test_ascii_pages_are_ascii(detail: str) -> None:
    assert all(line.isascii() for line in page(NET, detail, ascii=True))


def test_a_matrix_in_every_entry_keeps_its_letters_apart() -> None:
    lines = page("A : (m, n); B : (n, k); C = A*B; J = sum(C .* C); grad J wrt A", "proof")
    assert "C[i,j] = Σ_k A[i,k] B[k,j]" in lines
    assert "∂C[i,j]/∂A[k,l] = δ[i,k] B[l,j]" in lines
