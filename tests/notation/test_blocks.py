"""Blocks, triangles, ``vec`` and Kronecker products: raised, printed, read back."""

from __future__ import annotations

import pytest

from derive.calculus.chain_rule import derive
from derive.emit.text import LANGUAGE, text
from derive.language import parse, parse_expression
from derive.notation.answers import closed_form
from derive.notation.raising import raised
from derive.tensor.lowering import lower

DECLARED = """
A : (m, n)
B : (p, q)
C : (m, k)
D : (6, 4)
S : (n, n)
b : (q)
x : (n)
y : (m)
v : (6)
grad sum(A*x) wrt x
"""

FORMS = """
tril(S)
triu(A)
tril(A*S)
x'*tril(S)*x
hcat(A, C)
vcat(A, x')
hcat(A, y)
vcat(x, y)
vcat(A, x')*x
hcat(A*S, C)
kron(A, B)
kron(y, x)
kron(A, b)
kron(A, I(p))
kron(I(m), B)
kron(diag(x), B)
kron(A*x, B*b)
vec(A)
vec(A*S)
vec(kron(A, B))
kron(A, B)*kron(x, b)
v[2]
D[1,2]
D[1:3,:]
D[:,2]
D[1:3,0:2]
D[2,:]
v[1:3]
D[1:3,:]*D'
exp(D)[0:2,:]
"""


@pytest.mark.parametrize("form", FORMS.split("\n")[1:-1])
def test_what_is_printed_reads_back_as_the_same_tensor(form: str) -> None:
    problem = parse(DECLARED)
    names = derive(problem).names
    tensor = lower(parse_expression(form, problem), names)
    written = text(raised(tensor), LANGUAGE)
    assert "_" not in written
    assert lower(parse_expression(written, problem), names) is tensor, written


ANSWERS = [
    ("v:(6); grad sum(log(v[1:3])) wrt v", "vcat(0, 1 ./ v[1:3], zeros(3))"),
    ("v:(6); grad v[0] wrt v", "I(6)[:, 0]"),
    ("D:(6,4); w:(4); grad sum((D[2:5,:]*w).^2)/2 wrt w", "D[2:5, :]'*D[2:5, :]*w"),
    ("A:(m,n); C:(m,k); grad norm2(hcat(A,C)*z)^2/2 wrt A", "hcat(A, C)*z*z[:n]'"),
    ("A:(m,n); x:(n); z:(k); grad y'*hcat(A,C)*vcat(x,z) wrt x", "A'*y"),
    ("X:(m,n); grad a'*vec(X) wrt X", "unvec(a, m, n)"),
    ("X:(m,n); grad norm2(vec(X))^2 wrt X", "2*X"),
    ("A:(n,n); grad tr(kron(A,S)) wrt A; S:(k,k)", "tr(S)*I(n)"),
    ("a:(m); b:(n); grad c'*kron(a,b) wrt a", "unvec(c, n, m)'*b"),
    ("A:(n,n); x:(n); grad x'*tril(A)*x wrt A", "tril(x*x')"),
    ("A:(n,n); x:(n); grad x'*triu(A)*x wrt x", "(triu(A) + triu(A)')*x"),
    ("L:(n,n) lower_triangular; x:(n); grad norm2(L*x)^2 wrt L", "2*tril(L*x*x')"),
    ("X:(m,n); grad norminf(X)^2/2 wrt X", None),
]


@pytest.mark.parametrize(("text_", "answer"), ANSWERS)
def test_gradients_are_written_with_blocks(text_: str, answer: str | None) -> None:
    derivation = derive(parse(text_))
    (result,) = derivation.results
    got = text(closed_form(result, derivation), LANGUAGE)
    if answer is None:
        assert "norminf(X)" in got and "amax" not in got
    else:
        assert got == answer
