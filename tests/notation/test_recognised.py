"""What is shown under a name that nobody wrote is said, and nothing else is."""

from __future__ import annotations

import pytest

from derive.calculus.chain_rule import derive
from derive.language import parse
from derive.notation.recognised import recognised_names


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        ("x:(n); grad log(sum(exp(x))) wrt x", (("log(sum(exp(z)))", "logsumexp(z)"),)),
        ("x:(n); grad logsumexp(x) wrt x", ()),
        ("x:(n); grad sum(log(1 + exp(x))) wrt x", (("log(1 + exp(t))", "softplus(t)"),)),
        ("x:(n); y:(n); grad bce_with_logits(x, y) wrt x", ()),
        ("Q:(m,d); K:(n,d); V:(n,k); grad sum(attention(Q, K, V)) wrt Q", ()),
    ],
)
def test_what_is_said(problem: str, expected: tuple[tuple[str, str], ...]) -> None:
    statements = "\n".join(line.strip() for line in problem.split(";"))
    assert recognised_names(derive(parse(statements))) == expected
