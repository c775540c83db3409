"""Entries and blocks: what is chosen, and what is known to be inside."""

from __future__ import annotations

from typing import Any, Final

import pytest
import sympy
from sympy import MatrixSymbol
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.slice import MatrixSlice

import derive
from derive.errors import InputError, UnsupportedError
from derive.language import parse, parse_expression
from derive.shapes import as_dim, is_at_least
from derive.vocabulary import call, entries, extent_of, settle_entries

k, m, n = (as_dim(name) for name in "kmn")
A: Final = MatrixSymbol("A", m, n)
F: Final = MatrixSymbol("F", 3, 4)
x: Final = MatrixSymbol("x", n, 1)
ALL: Final = (None, None)

NAMES: Final = parse("A : (m, n); F : (3, 4); x : (n); B : (k, n); c : (); grad c wrt c")


def read(text: str) -> Any:
    return parse_expression(text, NAMES)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("F[0, 1]", MatrixElement(F, 0, 1)),
        ("F[-1, -4]", MatrixElement(F, 2, 0)),
        ("F[0:1, 3:]", MatrixElement(F, 0, 3)),
        ("F[1, :]", MatrixSlice(F, (1, 2), (0, 4))),
        ("F[:, -1]", MatrixSlice(F, (0, 3), (3, 4))),
        ("F[1:3, :2]", MatrixSlice(F, (1, 3), (0, 2))),
        ("F[-2:, 1:-1]", MatrixSlice(F, (1, 3), (1, 3))),
        ("F[:, :]", F),
        ("F[0:3, 0:4]", F),
        ("F[1:, :][1:, 2:]", MatrixSlice(F, (2, 3), (2, 4))),
        ("F[1:, :][1, 0]", MatrixElement(F, 2, 0)),
        ("F'[1:, :]", MatrixSlice(F.T, (1, 4), (0, 3))),
        ("x[0]", MatrixElement(x, 0, 0)),
        ("x[-1]", MatrixElement(x, n - 1, 0)),
        ("x[n - 1]", MatrixElement(x, n - 1, 0)),
        ("x[0, 0]", MatrixElement(x, 0, 0)),
        ("x[1:]", MatrixSlice(x, (1, n), (0, 1))),
        ("x[:-1]", MatrixSlice(x, (0, n - 1), (0, 1))),
        ("A[m - 1, 0:n]", MatrixSlice(A, (m - 1, m), (0, n))),
        ("(A*x)[0]", MatrixElement(A * x, 0, 0)),
        ("c[0]", sympy.Symbol("c", real=True)),
    ],
)
def test_what_is_chosen(text: str, chosen: Any) -> None:
    assert read(text) == chosen


@pytest.mark.parametrize(
    ("text", "extent"),
    [
        ("F[1, :]", (1, 4)),
        ("F[:, 1]", (3, 1)),
        ("F[1:3, 1]", (2, 1)),
        ("x[1:]", (n - 1, 1)),
        ("vcat(A, B)[m:, :]", (k, n)),
        ("vcat(A, B)[:m, :]", (m, n)),
        ("vcat(A, B)[-k:, 0]", (k, 1)),
        ("kron(A, F)[0, :]", (1, 4 * n)),
        ("vec(F)[4:8]", (4, 1)),
        ("(A'*A)[:, -1]", (n, 1)),
        ("A[1:, :][0, :]", (1, n)),
        ("A[:, 1:][:, -1]", (m, 1)),
    ],
)
def test_the_extent_of_what_is_chosen(text: str, extent: tuple[Any, Any]) -> None:
    assert extent_of(read(text)) == extent


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("F[3, 0]", "row 3 is out of range: F has 3 rows"),
        ("F[-4, 0]", "row -4 is out of range: F has 3 rows"),
        ("F[0, 4]", "column 4 is out of range: F has 4 columns"),
        ("F[0:4, 0]", "rows 0:4 are out of range: F has 3 rows"),
        ("F[3:, 0]", "there are no rows 3:"),
        ("F[2:2, 0]", "there are no rows 2:2"),
        ("F[-1:1, 0]", "there are no rows -1:1"),
        ("x[n]", "entry n is out of range: x has n entries"),
        ("x[1]", "entry 1 may be out of range: x has n entries"),
        ("x[1:-1]", "entries 1:-1 may be out of range: x has n entries"),
        ("x[2:]", "entries 2: may be out of range: x has n entries"),
        ("x[k:]", "entries k: may be out of range: x has n entries"),
        ("x[n - m]", "entry n - m may be out of range: x has n entries"),
        ("A[0, -2]", "column -2 may be out of range: A has n columns"),
        ("F[0]", "one index needs a column vector"),
    ],
)
def test_what_is_not_inside(text: str, message: str) -> None:
    with pytest.raises(InputError) as failure:
        read(text)
    assert failure.value.summary == message
    assert failure.value.place is not None


def test_from_python() -> None:
    assert entries(F, 0, slice(1, None)) == MatrixSlice(F, (0, 1), (1, 4))
    assert derive.entries(A * x, -1) == MatrixElement(A * x, m - 1, 0)
    assert entries(x, (1, None)) == MatrixSlice(x, (1, n), (0, 1))
    assert entries(F, ALL, ALL) == F
    assert entries(sympy.Symbol("c"), 0, ALL) == sympy.Symbol("c")
    for indices in ((F, x, 0), (F, "0", 0), (F, True, 0), (F, 0.5, 0)):
        with pytest.raises(InputError, match="an index is a whole number, or made of sizes"):
            entries(*indices)
    with pytest.raises(UnsupportedError, match="only step 1 is supported"):
        entries(F, slice(0, 3, 2), 0)
    with pytest.raises(InputError, match="an array has rows and columns, got 3 indices"):
        entries(F, 0, 0, 0)
    with pytest.raises(InputError, match=r"one index needs a column vector, got \(3, 4\)"):
        entries(F, 0)


def test_entries_of_sympy_are_counted_from_0() -> None:
    assert settle_entries(F[-1, -1] + 1) == F[2, 3] + 1
    inner = MatrixElement(call("exp", F), -1, 0)
    assert settle_entries(inner * F[-2, 0]) == MatrixElement(call("exp", F), 2, 0) * F[1, 0]
    with pytest.raises(InputError, match="column 1 may be out of range: A has n columns"):
        settle_entries(A[0, 1])


def test_an_entry_of_a_function_is_an_entry() -> None:
    assert call("softmax", x)[0, 0] == MatrixElement(call("softmax", x), 0, 0)


@pytest.mark.parametrize(
    ("left", "right", "known"),
    [
        (n, 1, True),
        (n - 1, 0, True),
        (n - 2, 0, False),
        (m + n, 2, True),
        (m + n, m, True),
        (m + n, m + 2, False),
        (m * n, m, True),
        (m * n, m + n - 1, True),
        (m * n, m + n, False),
        (2 * n + k, n + 1, True),
        (m, n, False),
        (-n, -1, False),
        (-n, 0, False),
    ],
)
def test_sizes_are_compared(left: Any, right: Any, known: bool) -> None:
    assert is_at_least(left, sympy.sympify(right)) is known
