"""Index notation as one writes it: quotients, roots, signs, the sum over letters in front."""

from __future__ import annotations

import pytest

from derive.language import parse
from derive.tensor.lowering import lower, tensor_shape
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.printing import UNICODE, index_notation


def tensor(declared: str, formula: str) -> Tensor:
    problem = parse("\n".join([*declared.split("; "), f"f = {formula}", "grad sum(f) wrt x"]))
    names = {v.name: Variable(v.name, tensor_shape(v.shape)) for v in problem.variables.values()}
    return lower(problem.definitions["f"].expression, names)


@pytest.mark.parametrize(
    ("formula", "plain", "unicode"),
    [
        ("A*x/c", "sum_j A[i,j] x[j]/c", "Σ_j A[i,j] x[j]/c"),
        ("A*x/sqrt(c)", "sum_j A[i,j] x[j]/sqrt(c)", "Σ_j A[i,j] x[j]/√c"),
        ("-x/(2*c)", "-x[i]/(2 c)", "−x[i]/(2 c)"),
        ("x'*x/2", "sum_i x[i]^2/2", "Σ_i x[i]²/2"),
        ("x/c^2", "x[i]/c^2", "x[i]/c²"),
        ("c*3*x/2", "3 c x[i]/2", "3 c x[i]/2"),
        ("(x - y)/c", "(x[i] - y[i])/c", "(x[i] − y[i])/c"),
        ("-(x - y)/c", "(y[i] - x[i])/c", "(y[i] − x[i])/c"),
        ("y ./ x", "y[i]/x[i]", "y[i]/x[i]"),
        ("1 ./ x", "1/x[i]", "1/x[i]"),
        ("x + y'*y*x", "x[i] + (sum_j y[j]^2) x[i]", "x[i] + (Σ_j y[j]²) x[i]"),
        ("x.^1.5", "x[i]^(3/2)", "x[i]^(3/2)"),
        ("sqrt(x + y)", "sqrt(x[i] + y[i])", "√(x[i] + y[i])"),
    ],
)
def test_a_formula(formula: str, plain: str, unicode: str) -> None:
    found = tensor("x:(n); y:(n); A:(n,n); c:()", formula)
    assert index_notation(found) == plain
    assert index_notation(found, signs=UNICODE) == unicode


def test_a_power_of_a_product_of_sizes_is_in_brackets() -> None:
    found = tensor("x:(n); A:(n,n)", "mean(kron(A, A))^2*x")
    assert index_notation(found).endswith("/(n*n)^4")
