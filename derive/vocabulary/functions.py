"""The functions of the language: one row each, with its shapes and its meaning.

A row says how many arguments a function takes, how their shapes give the shape of the value, and
what the function is, in words that the messages and the notes use. What a function's derivative is
stands in :mod:`derive.calculus`; how it is evaluated by the judge in :mod:`derive.verify`.

A signature is written as rows and columns: ``"m n, n k, m 1 -> m k"``; the same letter is the same
size, ``1`` is one, ``m*n`` and ``m+n`` are what they say. ``~ n`` in place of rows and columns is a
column (n), a row (1, n) or a scalar: one number for each, or one for all. ``# m`` is an argument
that is itself a size. A function without a signature works entry by entry and broadcasts.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

__all__ = ["COMPARISONS", "EITHER", "FACTS", "FUNCTIONS", "REDUCTIONS", "SYNONYMS", "Function"]

EITHER: Final = "~"
"""In a signature: a column, a row or a scalar."""

SIZE: Final = "#"
"""In a signature: an argument that is a size."""


@dataclass(frozen=True)
class Function:
    """One function of the language.

    Attributes:
        name: As it is written.
        parameters: Names of its arguments, as in LANGUAGE; those with a default last.
        signature: Rows and columns of arguments and value; None for entrywise functions.
        meaning: What its value is, in the language or in words.
        kind: ``entrywise``, ``reduction``, ``array``, ``layer`` or ``loss``.
        defaults: Values of the optional arguments at the end. Those of an entrywise function are
            filled in; those of other functions stay out.
        joins: Whether it takes any number of arguments from two on, joined from left to right.
    """

    name: str
    parameters: tuple[str, ...]
    signature: str | None
    meaning: str
    kind: str
    defaults: tuple[str, ...] = ()
    joins: bool = False

    @property
    def arity(self) -> tuple[int, int]:
        """The least and the greatest number of arguments."""
        most = sys.maxsize if self.joins else len(self.parameters)
        return (len(self.parameters) - len(self.defaults), most)

    @property
    def written(self) -> str:
        """The word by which it is called: ``max`` for the reduction ``amax``."""
        return WRITTEN.get(self.name, self.name)

    @property
    def usage(self) -> str:
        """The function as it is called: ``affine(W, x, b)``."""
        more = ", ..." if self.joins else ""
        return f"{self.written}({', '.join(self.parameters)}{more})"

    @property
    def count(self) -> str:
        """How many arguments it takes, in words."""
        low, high = self.arity
        if self.joins:
            return f"{low} arguments or more"
        plural = "argument" if high == 1 else "arguments"
        return f"{low} {plural}" if low == high else f"{low} to {high} {plural}"

    @cached_property
    def pattern(self) -> tuple[tuple[tuple[str, str], ...], tuple[str, str]]:
        """The signature taken apart: axes of each argument, axes of the value."""
        assert self.signature is not None
        left, right = self.signature.split("->")
        arguments = [part.split() for part in left.split(",")]
        rows, columns = right.split()
        return tuple((a[0], a[1]) for a in arguments), (rows, columns)

    def axes(self, position: int) -> tuple[str, str]:
        """Rows and columns of the argument at ``position``, as the signature names them."""
        wanted = self.pattern[0]
        return wanted[min(position, len(wanted) - 1)]

    def is_size(self, position: int) -> bool:
        """Whether the argument at ``position`` is a size."""
        return self.signature is not None and self.axes(position)[0] == SIZE

    def wants(self, position: int) -> str:
        """What the argument at ``position`` has to be, in words."""
        rows, columns = self.axes(position)
        if rows == EITHER:
            return f"a column vector ({columns}), a row (1, {columns}) or a scalar"
        if rows == SIZE:
            return "a size"
        if rows == columns == "1":
            return "a scalar"
        if columns == "1":
            return f"a column vector ({rows})"
        return f"a square matrix ({rows}, {rows})" if rows == columns else f"({rows}, {columns})"

    def is_first(self, position: int, axis: str) -> bool:
        """Whether no argument before ``position`` has this axis."""
        return all(axis not in axes for axes in self.pattern[0][:position])


def _entrywise(name: str, parameters: str, meaning: str, defaults: str = "") -> Function:
    return Function(
        name, tuple(parameters.split()), None, meaning, "entrywise", tuple(defaults.split())
    )


def _row(
    kind: str, name: str, parameters: str, signature: str, meaning: str, defaults: str = ""
) -> Function:
    return Function(
        name, tuple(parameters.split()), signature, meaning, kind, tuple(defaults.split())
    )


def _joining(name: str, signature: str, meaning: str) -> Function:
    return Function(name, ("A", "B"), signature, meaning, "array", joins=True)


NORMALISED: Final = "1 0 1/100000"
SCALED: Final = "1 1/100000"
"""Defaults of gamma, beta and eps, and of gamma and eps."""

REDUCTIONS: Final[Mapping[str, str]] = {"max": "amax", "min": "amin"}
"""Entrywise functions that with one argument are reductions, and the names of those."""

WRITTEN: Final[Mapping[str, str]] = {name: written for written, name in REDUCTIONS.items()}
"""How functions are written that are not written by their names."""

_ROWS: Final = (
    # Entrywise functions of one argument.
    _entrywise("exp", "x", "e^x"),
    _entrywise("log", "x", "natural logarithm"),
    _entrywise("log1p", "x", "log(1 + x)"),
    _entrywise("sqrt", "x", "square root"),
    _entrywise("abs", "x", "absolute value"),
    _entrywise("sign", "x", "-1, 0 or 1"),
    _entrywise("square", "x", "x^2"),
    _entrywise("sin", "x", "sine"),
    _entrywise("cos", "x", "cosine"),
    _entrywise("tan", "x", "tangent"),
    _entrywise("asin", "x", "inverse sine"),
    _entrywise("acos", "x", "inverse cosine"),
    _entrywise("atan", "x", "inverse tangent"),
    _entrywise("sinh", "x", "hyperbolic sine"),
    _entrywise("cosh", "x", "hyperbolic cosine"),
    _entrywise("tanh", "x", "hyperbolic tangent"),
    _entrywise("erf", "x", "error function"),
    _entrywise("sigmoid", "x", "1/(1 + exp(-x))"),
    _entrywise("softplus", "x", "log(1 + exp(x))"),
    _entrywise("relu", "x", "max(0, x)"),
    _entrywise("selu", "x", "1.0507 * (x above 0, 1.6733*(exp(x) - 1) below)"),
    _entrywise("gelu", "x", "x*(1 + erf(x/sqrt(2)))/2"),
    _entrywise("gelu_tanh", "x", "x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x^3)))/2"),
    _entrywise("silu", "x", "x*sigmoid(x)"),
    _entrywise("mish", "x", "x*tanh(softplus(x))"),
    _entrywise("heaviside", "x", "0 below 0, 0.5 at 0, 1 above"),
    # Entrywise functions of several arguments.
    _entrywise("leaky_relu", "x slope", "x above 0, slope*x below", "1/100"),
    _entrywise("elu", "x alpha", "x above 0, alpha*(exp(x) - 1) below", "1"),
    _entrywise("max", "x y", "the larger one"),
    _entrywise("min", "x y", "the smaller one"),
    _entrywise("clip", "x lo hi", "x kept between lo and hi"),
    _entrywise("where", "cond x y", "x where cond holds, y elsewhere"),
    _entrywise("lt", "x y", "x < y"),
    _entrywise("le", "x y", "x <= y"),
    _entrywise("gt", "x y", "x > y"),
    _entrywise("ge", "x y", "x >= y"),
    # Reductions.
    _row("reduction", "sum", "A", "m n -> 1 1", "sum of all entries"),
    _row("reduction", "mean", "A", "m n -> 1 1", "mean of all entries"),
    _row("reduction", "prod", "A", "m n -> 1 1", "product of all entries"),
    _row("reduction", "amax", "A", "m n -> 1 1", "the largest entry"),
    _row("reduction", "amin", "A", "m n -> 1 1", "the smallest entry"),
    _row("reduction", "var", "A", "m n -> 1 1", "mean((A - mean(A)).^2)"),
    _row("reduction", "rowsum", "A", "m n -> m 1", "sum of each row"),
    _row("reduction", "colsum", "A", "m n -> 1 n", "sum of each column"),
    _row("reduction", "rowmean", "A", "m n -> m 1", "mean of each row"),
    _row("reduction", "colmean", "A", "m n -> 1 n", "mean of each column"),
    _row("reduction", "rowmax", "A", "m n -> m 1", "the largest entry of each row"),
    _row("reduction", "colmax", "A", "m n -> 1 n", "the largest entry of each column"),
    _row("reduction", "rowmin", "A", "m n -> m 1", "the smallest entry of each row"),
    _row("reduction", "colmin", "A", "m n -> 1 n", "the smallest entry of each column"),
    _row("reduction", "rowvar", "A", "m n -> m 1", "var of each row"),
    _row("reduction", "colvar", "A", "m n -> 1 n", "var of each column"),
    _row("reduction", "tr", "A", "n n -> 1 1", "trace"),
    _row("reduction", "det", "A", "n n -> 1 1", "determinant"),
    _row("reduction", "logdet", "A", "n n -> 1 1", "log(det(A)), det(A) > 0"),
    _row("reduction", "dot", "a b", "m n, m n -> 1 1", "sum(a .* b)"),
    _row("reduction", "norm2", "x", "m n -> 1 1", "Euclidean norm; Frobenius for a matrix"),
    _row("reduction", "norm1", "x", "m n -> 1 1", "sum(abs(x))"),
    _row("reduction", "norminf", "x", "m n -> 1 1", "max(abs(x)), the largest absolute value"),
    _row("reduction", "logsumexp", "v", "n 1 -> 1 1", "log(sum(exp(v)))"),
    _row("reduction", "rowlogsumexp", "A", "m n -> m 1", "logsumexp of each row"),
    # Arrays.
    _row("array", "transpose", "A", "m n -> n m", "A'"),
    _row("array", "inv", "A", "n n -> n n", "inverse"),
    _row("array", "pinv", "A", "m n -> n m", "the pseudo-inverse of Moore and Penrose"),
    _row("array", "solve", "A B", "n n, n k -> n k", "inv(A)*B"),
    _row("array", "cholesky", "A", "n n -> n n", "the lower triangular L with L*L' = A"),
    _row("array", "expm", "A", "n n -> n n", "I + A + A^2/2 + A^3/6 + ..."),
    _row("array", "expm_frechet", "A E", "n n, n n -> n n", "derivative of expm at A along E"),
    _row("array", "diag", "v", "n 1 -> n n", "the diagonal matrix with v on its diagonal"),
    _row("array", "diagonal", "A", "n n -> n 1", "the diagonal as a vector"),
    _row("array", "outer", "a b", "m 1, n 1 -> m n", "a*b'"),
    _row("array", "kron", "A B", "m n, p q -> m*p n*q", "block (i, j) is A[i,j]*B"),
    _row("array", "vec", "A", "m n -> m*n 1", "the columns of A, one below the other"),
    _row(
        "array",
        "commutation",
        "m n",
        "# m, # n -> m*n m*n",
        "the commutation matrix: commutation(m, n)*vec(X) = vec(X') for X (m, n)",
    ),
    _row("array", "unvec", "v m n", "m*n 1, # m, # n -> m n", "the matrix (m, n) whose vec is v"),
    _row("array", "tril", "A", "m n -> m n", "A with 0 above its diagonal"),
    _row("array", "triu", "A", "m n -> m n", "A with 0 below its diagonal"),
    _joining("hcat", "m n, m k -> m n+k", "arrays side by side"),
    _joining("vcat", "m n, k n -> m+k n", "arrays one below the other"),
    _row("array", "softmax", "v", "n 1 -> n 1", "exp(v)/sum(exp(v))"),
    _row("array", "log_softmax", "v", "n 1 -> n 1", "v - logsumexp(v)"),
    _row("array", "rowsoftmax", "A", "m n -> m n", "softmax of each row"),
    _row("array", "rowlog_softmax", "A", "m n -> m n", "log_softmax of each row"),
    # Layers.
    _row("layer", "affine", "W x b", "m n, n k, m 1 -> m k", "W*x + b"),
    _row(
        "layer",
        "layernorm",
        "x gamma beta eps",
        "n 1, ~ n, ~ n, 1 1 -> n 1",
        "gamma .* (x - mean(x))/sqrt(var(x) + eps) + beta",
        NORMALISED,
    ),
    _row(
        "layer",
        "rowlayernorm",
        "X gamma beta eps",
        "m n, ~ n, ~ n, 1 1 -> m n",
        "layernorm of each row",
        NORMALISED,
    ),
    _row(
        "layer",
        "batchnorm",
        "X gamma beta eps",
        "m n, ~ n, ~ n, 1 1 -> m n",
        "each column normalised over the rows; gamma and beta have an entry for each column",
        NORMALISED,
    ),
    _row(
        "layer",
        "rmsnorm",
        "x gamma eps",
        "n 1, ~ n, 1 1 -> n 1",
        "gamma .* x/sqrt(mean(x.^2) + eps)",
        SCALED,
    ),
    _row(
        "layer", "rowrmsnorm", "X gamma eps", "m n, ~ n, 1 1 -> m n", "rmsnorm of each row", SCALED
    ),
    _row("layer", "attention", "Q K V", "m d, n d, n k -> m k", "rowsoftmax(Q*K'/sqrt(d))*V"),
    # Losses.
    _row("loss", "sse", "r", "m n -> 1 1", "sum(r .* r)"),
    _row(
        "loss", "huber", "r delta", "m n, 1 1 -> 1 1", "r^2/2 inside delta, linear outside; summed"
    ),
    _row("loss", "cross_entropy", "p y", "m n, m n -> 1 1", "-sum(y .* log(p))"),
    _row("loss", "softmax_cross_entropy", "z y", "n 1, n 1 -> 1 1", "-sum(y .* log_softmax(z))"),
    _row(
        "loss", "rowsoftmax_cross_entropy", "Z Y", "m n, m n -> 1 1", "-sum(Y .* rowlog_softmax(Z))"
    ),
    _row("loss", "nll", "logp y", "m n, m n -> 1 1", "-sum(y .* logp)"),
    _row("loss", "kl", "p q", "m n, m n -> 1 1", "sum(p .* log(p ./ q))"),
    _row("loss", "mse", "a y", "m n, m n -> 1 1", "mean((a - y).^2)"),
    _row("loss", "mae", "a y", "m n, m n -> 1 1", "mean(abs(a - y))"),
    _row("loss", "bce", "p y", "m n, m n -> 1 1", "-mean(y .* log(p) + (1 - y) .* log(1 - p))"),
    _row("loss", "bce_with_logits", "z y", "m n, m n -> 1 1", "bce(sigmoid(z), y)"),
    _row("loss", "hinge", "z y", "m n, m n -> 1 1", "mean(max(0, 1 - y .* z))"),
)

FUNCTIONS: Final[Mapping[str, Function]] = {row.name: row for row in _ROWS} | {
    synonym: row
    for synonym, name in (("norm", "norm2"), ("logistic", "sigmoid"))
    for row in _ROWS
    if row.name == name
}
"""Every supported function by name, synonyms included."""

SYNONYMS: Final[Mapping[str, str]] = {"norm": "norm2", "logistic": "sigmoid"}

COMPARISONS: Final[Mapping[str, str]] = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
"""Comparison operators, and the names of their functions."""

FACTS: Final[Mapping[str, str]] = {
    "symmetric": "A' = A",
    "positive_definite": "A' = A and x'*A*x > 0 for every x other than 0",
    "diagonal": "entries off the diagonal are 0",
    "orthogonal": "A'*A = I",
    "lower_triangular": "entries above the diagonal are 0",
    "positive": "entries > 0",
    "nonnegative": "entries >= 0",
    "signs": "entries +1 or -1",
    "probability": "entries >= 0 that sum to 1; for a matrix, each row",
    "onehot": "probability with a single 1; for a matrix, each row",
    "integer": "whole numbers",
}
"""Facts that a declaration may state, and the equation each stands for."""
