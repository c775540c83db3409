"""How a tree of a given shape may be built: one rule a form, chosen at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tests.oracle.array_rules import (
    attention,
    blocked,
    columnwise,
    commuting,
    joined,
    kronecker,
    normalised,
    of_array,
    pseudo_inverse,
    solved,
    square_function,
    triangle,
    unvectorised,
    vectorised,
)
from tests.oracle.tree import SCALAR, Node, Shape, call, constant, number

if TYPE_CHECKING:
    from tests.oracle.writer import Writer

__all__ = ["ANY", "BOUNDED", "COLUMNS", "ROWS", "SCALARS", "SQUARES"]

SMOOTH: Final = tuple("tanh sin cos atan erf sigmoid softplus gelu gelu_tanh silu mish".split())
KINKED: Final = tuple("relu abs selu leaky_relu elu square sign heaviside logistic".split())
BOUNDED: Final = tuple("tanh sin cos atan erf sigmoid".split())
WIDE: Final = ("exp", "sinh", "cosh")
PER_ROW: Final = ("rowsum", "rowmean", "rowlogsumexp", "diagonal")
PER_COLUMN: Final = ("colsum", "colmean")
OF_TWO: Final = ("dot", "mse", "mae", "hinge", "bce_with_logits", "nll")
OF_ONE: Final = ("sum", "sum", "mean", "norm1", "sse", "norm2", "norm")
COMPARE: Final = ("<", "<=", ">", ">=")

Rule = Callable[["Writer", Shape, int], Node]


def _infix(op: str) -> Rule:
    spelling = {".*": "⊙", "./": "⊘"}.get(op, "")

    def rule(w: Writer, shape: Shape, depth: int) -> Node:
        if op in "+-" and shape[0] != 1 and w.chance(0.08):
            same = "vector" if shape[1] == 1 else "matrix"
            filled = call(same, w.expression(SCALAR, 0))
            return call(op, w.expression(shape, depth), filled)
        return call(op, *w.broadcast(shape, depth), word=spelling if w.chance(0.1) else "")

    return rule


def _quotient(w: Writer, shape: Shape, depth: int) -> Node:
    if shape == SCALAR or w.chance(0.4):
        return call("/", w.expression(shape, depth), w.positive(SCALAR, depth))
    return call("./", w.expression(shape, depth), w.positive(shape, depth))


def _scaled(w: Writer, shape: Shape, depth: int) -> Node:
    return call("*", w.expression(SCALAR, depth), w.expression(shape, depth))


def _scaled_right(w: Writer, shape: Shape, depth: int) -> Node:
    return call("*", w.expression(shape, depth), w.expression(SCALAR, depth - 1))


def _product(w: Writer, shape: Shape, depth: int) -> Node:
    inner = w.dim()
    left = w.expression((shape[0], inner), depth)
    right = w.expression((inner, shape[1]), depth)
    return call("*", left, right, word="@" if w.chance(0.1) else "")


def _transposed(w: Writer, shape: Shape, depth: int) -> Node:
    inner = w.expression((shape[1], shape[0]), depth)
    kind = w.choose("'", "'", "'", ".T", "transpose")
    return call("transpose", inner) if kind == "transpose" else _tick(inner, kind)


def _tick(inner: Node, kind: str) -> Node:
    return call("'", inner, word=kind if kind != "'" else "")


def _smooth(w: Writer, shape: Shape, depth: int) -> Node:
    return call(w.choose(*SMOOTH), w.expression(shape, depth))


def _kinked(w: Writer, shape: Shape, depth: int) -> Node:
    name = w.choose(*KINKED)
    args = [w.expression(shape, depth)]
    if name in ("leaky_relu", "elu") and w.chance(0.5):
        args.append(w.positive(SCALAR, 0) if w.chance(0.3) else number("0.2"))
    return call(name, *args)


def _wide(w: Writer, shape: Shape, depth: int) -> Node:
    inner = w.expression(shape, depth) if w.chance(0.3) else w.bounded(shape, depth)
    return call(w.choose(*WIDE), inner)


def _on_domain(w: Writer, shape: Shape, depth: int) -> Node:
    name = w.choose("log", "log", "sqrt", "log1p", "asin", "acos", "tan")
    if name in ("log", "sqrt", "log1p"):
        return call(name, w.positive(shape, depth))
    narrow = call("/", call("tanh", w.expression(shape, depth)), number("2"))
    return call(name, narrow)


def _power(w: Writer, shape: Shape, depth: int) -> Node:
    op = "^" if shape == SCALAR and w.chance(0.7) else ".^"
    kind = w.random.randrange(6)
    if kind <= 1:
        return call(op, w.expression(shape, depth), number(w.choose("2", "3", "2", "4")))
    base = w.positive(shape, depth)
    if kind == 2:
        exponent = call("neg", number(w.choose("1", "2", "0.5")))
    elif kind == 3:
        exponent = number(w.choose("0.5", "1.5"))
    else:
        exponent = w.bounded(shape if w.chance(0.6) else SCALAR, depth)
    if kind == 5:
        return call(".^", number("2"), w.bounded(shape, depth))
    return call(op, base, exponent)


def _branches(w: Writer, shape: Shape, depth: int) -> Node:
    name = w.choose("where", "where", "max", "min", "clip", "max0", "indicator")
    if name in ("max", "min"):
        return call(name, *w.broadcast(shape, depth))
    if name == "max0":
        return call("max", number("0"), w.expression(shape, depth))
    if name == "clip":
        low, high = number(w.choose("1", "0.5")), number(w.choose("1", "0.8"))
        if w.chance(0.2):
            low, high = w.positive(SCALAR, depth), w.positive(shape, depth)
        return call("clip", w.expression(shape, depth), call("neg", low), high)
    other = w.expression(shape, depth) if w.chance(0.5) else number(w.choose("0", "1"))
    test = call(w.choose(*COMPARE), w.expression(shape, depth), other)
    if name == "indicator":
        return call(".*", test, w.expression(shape, depth))
    return call("where", test, *w.broadcast(shape, depth))


def _per_row(w: Writer, shape: Shape, depth: int) -> Node:
    name = w.choose("rowsoftmax", "rowlog_softmax")
    return call(name, w.expression(shape, depth))


def _column(w: Writer, shape: Shape, depth: int) -> Node:
    name = w.choose(*PER_ROW)
    columns = shape[0] if name == "diagonal" else w.dim()
    return call(name, w.expression((shape[0], columns), depth))


def _softmax(w: Writer, shape: Shape, depth: int) -> Node:
    return call(w.choose("softmax", "log_softmax"), w.expression(shape, depth))


def _row(w: Writer, shape: Shape, depth: int) -> Node:
    return call(w.choose(*PER_COLUMN), w.expression((w.dim(), shape[1]), depth))


def _affine(w: Writer, shape: Shape, depth: int) -> Node:
    inner = w.dim()
    matrix, vector = w.expression((shape[0], inner), depth), w.expression((inner, shape[1]), depth)
    return call("affine", matrix, vector, w.expression((shape[0], 1), depth))


def _square(w: Writer, shape: Shape, depth: int) -> Node:
    name = w.choose("inv", "inv", "diag", "^2", "^3", "^-1", "I", "sym", "quadratic")
    if name == "inv":
        return call("inv", w.invertible(shape[0], depth))
    if name == "^-1":
        return call("^", w.invertible(shape[0], depth), call("neg", number("1")))
    if name == "diag":
        return call("diag", w.expression((shape[0], 1), depth))
    if name == "I":
        return call("*", w.expression(SCALAR, depth), constant("I", shape[0]))
    inner = w.expression(shape, depth)
    if name == "sym":
        return call("+", inner, call("'", inner))
    if name == "quadratic":
        return call("*", call("'", inner), inner)
    return call("^", inner, number(name[1]))


def _outer(w: Writer, shape: Shape, depth: int) -> Node:
    left, right = (w.expression((dim, 1), depth) for dim in shape)
    return call("outer", left, right) if w.chance(0.5) else call("*", left, call("'", right))


def _total(w: Writer, shape: Shape, depth: int) -> Node:
    name = w.choose(*OF_ONE)
    return call(name, w.argument(depth))


def _pair(w: Writer, shape: Shape, depth: int) -> Node:
    own = w.shape()
    return call(w.choose(*OF_TWO), w.expression(own, depth), w.expression(own, depth))


def _inner(w: Writer, shape: Shape, depth: int) -> Node:
    dim = w.dim()
    left = w.expression((dim, 1), depth)
    if w.chance(0.4):
        return call("*", call("'", left), w.expression((dim, 1), depth))
    right = left if w.chance(0.5) else w.expression((dim, 1), depth)
    return call("*", call("*", call("'", left), w.expression((dim, dim), depth)), right)


def _of_square(w: Writer, shape: Shape, depth: int) -> Node:
    dim = w.dim()
    name = w.choose("tr", "tr", "logdet", "det", "log(det)")
    if name == "tr":
        return call("tr", w.expression((dim, dim), depth))
    matrix = w.invertible(dim, depth)
    return call("log", call("det", matrix)) if name == "log(det)" else call(name, matrix)


def _loss(w: Writer, shape: Shape, depth: int) -> Node:
    own, column = w.shape(), (w.dim(), 1)
    name = w.choose("cross_entropy", "kl", "softmax_cross_entropy", "rowsoftmax_cross_entropy")
    if w.chance(0.4):
        name = w.choose("bce", "huber", "logsumexp", "logsumexp")
    if name == "logsumexp":
        return call(name, w.expression(column, depth))
    if name == "huber":
        return call(name, w.expression(own, depth), w.positive(SCALAR, depth - 1))
    if name == "softmax_cross_entropy":
        return call(name, w.expression(column, depth), w.expression(column, depth))
    if name == "rowsoftmax_cross_entropy":
        return call(name, w.expression(own, depth), w.expression(own, depth))
    if name == "bce":
        return call(name, w.probability(own, depth), w.expression(own, depth))
    second = w.positive(own, depth) if name == "kl" else w.expression(own, depth)
    return call(name, w.positive(own, depth), second)


def _negative(w: Writer, shape: Shape, depth: int) -> Node:
    return call("neg", w.expression(shape, depth))


ANY: Final[list[Rule]] = [
    *(_infix(op) for op in ("+", "-", ".*", "+")),
    _scaled,
    _quotient,
    _smooth,
    _kinked,
    _product,
    _product,
    _transposed,
    _wide,
    _on_domain,
    _power,
    _branches,
    _negative,
    _scaled_right,
    _affine,
    _per_row,
    blocked,
    blocked,
    joined,
    kronecker,
    unvectorised,
    triangle,
    solved,
    pseudo_inverse,
    normalised,
    attention,
]
COLUMNS: Final[list[Rule]] = [
    _column,
    _column,
    _softmax,
    _product,
    _product,
    vectorised,
    columnwise,
    normalised,
    blocked,
]
ROWS: Final[list[Rule]] = [_row, _transposed, columnwise, blocked]
SQUARES: Final[list[Rule]] = [
    _square,
    _square,
    _square,
    _outer,
    square_function,
    square_function,
    commuting,
]
SCALARS: Final[list[Rule]] = [
    _total,
    _total,
    _pair,
    _inner,
    _of_square,
    _of_square,
    _loss,
    _loss,
    _power,
    of_array,
    of_array,
    blocked,
]
