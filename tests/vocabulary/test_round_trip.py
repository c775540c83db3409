"""Random formulas: what is printed in the language is read as the same formula again."""

from __future__ import annotations

from typing import Final

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from derive.emit.text import LANGUAGE, UNICODE, text
from derive.errors import DeriveError
from derive.language import parse, parse_expression
from derive.notation.transcription import transcribed
from derive.problem import Problem
from derive.shapes import as_dim
from derive.tensor.lowering import is_row, tensor_shape
from derive.tensor.nodes import Variable
from derive.verify.evaluation import evaluate
from derive.vocabulary import extent_of

DECLARED: Final = """
A : (m, n)
B : (m, n)
S : (n, n)
F : (3, 4)
x : (n)
r : (1, n)
u : (m)
c : ()
grad c wrt c
"""
KNOWN: Final[Problem] = parse(DECLARED)
SIZES: Final = {"m": 3, "n": 2}

UNARY: Final = (
    "- exp tanh abs relu square sum mean prod max min var norm2 norm1 norminf vec pinv tril triu "
    "rowsum colsum rowmax colmin rowmean softmax rowsoftmax layernorm rowlayernorm batchnorm "
    "rmsnorm diag diagonal tr det inv expm logsumexp"
).split()
BINARY: Final = "kron hcat vcat solve max min layernorm rowlayernorm".split()
PLACES: Final = "0 -1 1: :-1 0,0 -1,: :,0 1:,: :,1: :-1,0 1:2,1:3 2,:".split()

FORMULAS: Final = st.recursive(
    st.sampled_from(["x", "x", "A", "A", "B", "S", "S", "F", "r", "u", "c", "2", "0.5", "I(n)"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" + ", " - ", "*", " .* ", "/", " ./ "]), inner).map(
            "({0[0]}{0[1]}{0[2]})".format
        ),
        st.tuples(st.sampled_from(UNARY), inner).map("{0[0]}({0[1]})".format),
        st.tuples(st.sampled_from(BINARY), inner, inner).map("{0[0]}({0[1]}, {0[2]})".format),
        st.tuples(inner, st.sampled_from(PLACES)).map("({0[0]})[{0[1]}]".format),
        inner.map("({})'".format),
        inner.map("({})^2".format),
        inner.map("({}).^2".format),
    ),
    max_leaves=6,
)

VARIABLES: Final = {
    name: Variable(name, tensor_shape(KNOWN.shape(name)), row=is_row(KNOWN.shape(name)))
    for name in KNOWN.variables
}


def value(expression: object, seed: int) -> object:
    """The value at a point of positive numbers."""
    rng = np.random.default_rng(seed)
    point: dict[str, object] = dict(SIZES)
    numbers = {as_dim(name): size for name, size in SIZES.items()}
    for name in KNOWN.variables:
        shape = [int(dim.subs(numbers)) for dim in KNOWN.shape(name)]
        point[name] = rng.uniform(0.1, 0.9, (*shape, 1, 1)[:2]) if shape else rng.uniform(0.1, 0.9)
    return evaluate(expression, point)  # type: ignore[arg-type]


@settings(max_examples=300)
@given(FORMULAS)
def test_a_formula_is_read_again(formula: str) -> None:
    try:
        expression = parse_expression(formula, KNOWN)
    except DeriveError:
        assume(False)
    shown = transcribed(expression, VARIABLES)
    assume(shown is not None)
    assert shown is not None
    assert (shown.rows, shown.cols) == extent_of(expression)
    assert text(shown, UNICODE)
    again = parse_expression(text(shown, LANGUAGE), KNOWN)
    assert extent_of(again) == extent_of(expression)
    expected, found = value(expression, 0), value(again, 0)
    scale = np.max(np.abs(np.nan_to_num(expected)), initial=0.0)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9 * scale)
