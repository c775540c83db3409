"""Problems as trees, and their text: nothing here is shared with what reads and derives them.

Every quantity has rows and columns. A scalar is 1 x 1, a vector has one column; a size is a number
or the name of a dimension.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = [
    "SCALAR",
    "Dim",
    "Node",
    "Request",
    "Shape",
    "Task",
    "Variable",
    "call",
    "constant",
    "dims_of",
    "names_of",
    "number",
    "sub",
    "walk",
]

Dim = int | str
Shape = tuple[Dim, Dim]

SCALAR: Final[Shape] = (1, 1)


@dataclass(frozen=True)
class Node:
    """An operator, a function, a name, a number or a constant, with what it is applied to.

    Attributes:
        op: An operator, the name of a function, ``number``, ``name``, ``size`` or a constant.
        args: Its operands.
        shape: Rows and columns of the value.
        word: A name or a number as written; of an operator, a spelling that is not the usual one.
    """

    op: str
    args: tuple[Node, ...]
    shape: Shape
    word: str = ""

    def __str__(self) -> str:
        return _text(self)[0]


@dataclass(frozen=True)
class Variable:
    """What is given: its declared dimensions (none, one or two) and facts."""

    name: str
    dims: tuple[Dim, ...]
    facts: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        rows, columns = (*self.dims, 1, 1)[:2]
        return (rows, columns)

    def __str__(self) -> str:
        dims = ", ".join(map(str, self.dims))
        return " ".join((f"{self.name} : ({dims})", *self.facts))


@dataclass(frozen=True)
class Request:
    """The gradient of a scalar with respect to some names."""

    of: Node
    wrt: tuple[str, ...]

    def __str__(self) -> str:
        return f"grad {self.of} wrt {', '.join(self.wrt)}"


@dataclass(frozen=True)
class Task:
    """Variables, definitions in order, requests."""

    variables: tuple[Variable, ...]
    definitions: tuple[tuple[str, Node], ...]
    requests: tuple[Request, ...]

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """Rows and columns of every name."""
        given = {variable.name: variable.shape for variable in self.variables}
        return given | {name: node.shape for name, node in self.definitions}

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dimensions, in order of appearance."""
        sizes = [dim for variable in self.variables for dim in variable.dims]
        return tuple(dict.fromkeys(dim for dim in sizes if isinstance(dim, str)))

    @property
    def size(self) -> int:
        """How many operators, functions, names and numbers it has."""
        roots = [node for _, node in self.definitions] + [r.of for r in self.requests]
        return sum(1 for root in roots for _ in walk(root))

    def __str__(self) -> str:
        lines = [*map(str, self.variables)]
        lines += [f"{name} = {node}" for name, node in self.definitions]
        return "\n".join([*lines, *map(str, self.requests)]) + "\n"


SAME: Final = frozenset("neg ^ inv softmax log_softmax rowsoftmax rowlog_softmax".split())
TOTALS: Final = frozenset(
    "sum mean tr det logdet dot norm2 norm norm1 logsumexp sse huber cross_entropy kl nll mse mae "
    "softmax_cross_entropy rowsoftmax_cross_entropy bce bce_with_logits hinge".split()
)


def call(op: str, *args: Node, word: str = "") -> Node:
    """An operator or function applied, with the shape that follows."""
    return Node(op, args, _shape(op, args), word)


def number(word: str) -> Node:
    """A number as it is written."""
    return Node("number", (), SCALAR, word)


def constant(op: str, *dims: Dim) -> Node:
    """``I(n)``, ``ones(n)``, ``ones(m, n)``, ``zeros(m, n)``."""
    shape = (dims[0], dims[0]) if op == "I" else (*dims, 1)[:2]
    return Node(op, (), (shape[0], shape[1]), ", ".join(map(str, dims)))


def _shape(op: str, args: tuple[Node, ...]) -> Shape:
    shapes = [arg.shape for arg in args]
    rows, columns = shapes[0]
    if op in TOTALS:
        return SCALAR
    if op in SAME:
        return shapes[0]
    if op in ("'", "transpose"):
        return columns, rows
    if op in ("rowsum", "rowmean", "rowlogsumexp", "diagonal"):
        return rows, 1
    if op in ("colsum", "colmean"):
        return 1, columns
    if op == "diag":
        return rows, rows
    if op == "outer":
        return rows, shapes[1][0]
    if op == "kron":
        return _times(rows, shapes[1][0]), _times(columns, shapes[1][1])
    if op in ("*", "affine"):
        if op == "*" and SCALAR in shapes:
            return shapes[1] if shapes[0] == SCALAR else shapes[0]
        assert columns == shapes[1][0], f"{op} of {shapes}"
        return rows, shapes[1][1]
    return _broadcast(shapes)


def _times(first: Dim, second: Dim) -> Dim:
    if 1 in (first, second):
        return second if first == 1 else first
    if isinstance(first, int) and isinstance(second, int):
        return first * second
    return f"{first}*{second}"


def _broadcast(shapes: list[Shape]) -> Shape:
    found: list[Dim] = [1, 1]
    for shape in shapes:
        for axis, dim in enumerate(shape):
            assert dim == 1 or found[axis] in (1, dim), f"no common shape: {shapes}"
            found[axis] = found[axis] if dim == 1 else dim
    return found[0], found[1]


# How tightly an operator binds, and what its operands need to stand without brackets.
INFIX: Final[Mapping[str, tuple[int, int, int]]] = {
    **{op: (0, 1, 1) for op in ("<", "<=", ">", ">=")},
    **{op: (1, 1, 2) for op in "+-"},
    **{op: (2, 2, 3) for op in ("*", ".*", "./", "/")},
    **{op: (4, 5, 3) for op in ("^", ".^")},
}
ATOM: Final = 6


def _text(node: Node) -> tuple[str, int]:
    """The text, and how tightly its outermost operator binds."""
    if node.op in ("number", "name", "size"):
        return node.word, ATOM
    if not node.args:
        return f"{node.op}({node.word})", ATOM
    if node.op in INFIX:
        level, left, right = INFIX[node.op]
        texts = (_bracketed(node.args[0], left), node.word or node.op)
        return " ".join((*texts, _bracketed(node.args[1], right))), level
    if node.op == "neg":
        return f"-{_bracketed(node.args[0], 3)}", 3
    if node.op == "'":
        return f"{_bracketed(node.args[0], 5)}{node.word or node.op}", 5
    return f"{node.op}({', '.join(_text(arg)[0] for arg in node.args)})", ATOM


def _bracketed(node: Node, least: int) -> str:
    text, level = _text(node)
    return text if level >= least else f"({text})"


def walk(node: Node) -> Iterator[Node]:
    """The node and everything inside it."""
    yield node
    for arg in node.args:
        yield from walk(arg)


def names_of(node: Node) -> set[str]:
    """The names of variables and definitions in it."""
    return {part.word for part in walk(node) if part.op == "name"}


def dims_of(node: Node) -> set[str]:
    """The dimensions that it names as numbers or in constants."""
    words = {
        part.word for part in walk(node) if not part.args and part.op not in ("number", "name")
    }
    return {dim for word in words for dim in word.split(", ") if not dim.isdigit()}


def sub(node: Node, path: tuple[int, ...], new: Node) -> Node:
    """The tree with another part at a path, shapes computed anew."""
    if not path:
        return new
    at, *rest = path
    args = list(node.args)
    args[at] = sub(args[at], tuple(rest), new)
    return call(node.op, *args, word=node.word)
