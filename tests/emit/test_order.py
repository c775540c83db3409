"""The order of multiplication: few products, however often factors repeat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from derive.calculus.chain_rule import derive
from derive.emit.numpy_code import numpy_module
from derive.language import parse
from derive.verify import judge_functions

REPEATED = {
    "power between vectors": "A:(n,n); x:(n); J = x'*A^7*x; grad J wrt A, x",
    "long chain": "A:(n,n); x:(n); J = x'*A^12*x; grad J wrt A, x",
    "symmetric power": "S:(n,n) symmetric; J = tr(S^15); grad J wrt S",
    "alternating": "A:(n,n); S:(n,n) symmetric; J = tr((A*S)^4); grad J wrt A, S",
    "product to a power": "A:(n,n); X:(n,n); J = tr((A*X)^5); grad J wrt X",
    "many different": (
        "A:(n,n); B:(n,n); C:(n,n); J = tr(A*B*C*A'*B'*C'*A*B*C*inv(A)*inv(B)*inv(C)); "
        "grad J wrt A, B, C"
    ),
    "scaled chain": (
        "A:(m,n); x:(n); y:(m); J = sum(diag(y)*A*diag(x)*A'*diag(y)*A*diag(x)*A'); "
        "grad J wrt A, x, y"
    ),
    "beyond every part": "A:(n,n); J = tr(A^40); grad J wrt A",
}


@pytest.mark.parametrize("name", REPEATED)
def test_repeated_factors_are_planned(name: str, seed: int) -> None:
    problem = parse(REPEATED[name])
    derivation = derive(problem)
    text = numpy_module(derivation)
    assert "einsum" not in text
    names: dict[str, Any] = {}
    exec(compile(text, "<generated>", "exec", dont_inherit=True), names)
    functions = {key: value for key, value in names.items() if key.startswith("value_and_grad_")}
    report = judge_functions(problem, functions, seed=seed)
    assert report.passed, str(report)


@pytest.mark.parametrize(("power", "most"), [(2, 1), (4, 3), (7, 5), (8, 6), (40, 20)])
def test_powers_share_their_products(power: int, most: int, generate: Any) -> None:
    module = generate(f"A : (n, n)\nJ = tr(A^{power})\ngrad J wrt A")
    assert module.body("value_and_grad_J").count("@") <= most


def test_a_chain_starts_at_its_thin_end(generate: Any) -> None:
    module = generate("A:(m,n)\nB:(n,k)\nC:(k,m)\nx:(m)\nJ = sum(A*B*C*x)\ngrad J wrt x")
    lines = module.body("value_and_grad_J")
    assert "(m, m)" not in lines and "(n, m)" not in lines and "(m, k)" not in lines
    arguments = module.arguments({"m": 3, "n": 4, "k": 2}, np.random.default_rng(0))
    value, _ = module.value_and_grad_J(**arguments)
    A, B, C, x = (arguments[name] for name in "ABCx")
    np.testing.assert_allclose(value, np.sum(A @ B @ C @ x))
