"""Problems as trees, and their text: nothing here is shared with what reads and derives them.

Every quantity has rows and columns. A scalar is 1 x 1, a vector has one column; a size is a number,
the name of a dimension, or a sum of products of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from tests.oracle.sizes import Dim, minus, names_in, plus, times

__all__ = [
    "SCALAR",
    "Dim",
    "Node",
    "Request",
    "Shape",
    "Task",
    "Variable",
    "block",
    "call",
    "chosen",
    "constant",
    "dims_of",
    "extent",
    "names_of",
    "number",
    "order_of",
    "sub",
    "walk",
]

Shape = tuple[Dim, Dim]

SCALAR: Final[Shape] = (1, 1)


@dataclass(frozen=True)
class Node:
    """An operator, a function, a name, a number or a constant, with what it is applied to.

    Attributes:
        op: An operator, the name of a function, ``number``, ``name``, ``size``, ``extent`` (a size
            that a function takes) or a constant.
        args: Its operands.
        shape: Rows and columns of the value.
        word: A name or a number as written; of an operator, a spelling that is not the usual one;
            of ``[]``, what stands in the brackets.
    """

    op: str
    args: tuple[Node, ...]
    shape: Shape
    word: str = ""

    def __str__(self) -> str:
        return _text(self)[0]


@dataclass(frozen=True)
class Variable:
    """What is given: its dimensions (none, one or two), its facts, and whether that is said."""

    name: str
    dims: tuple[Dim, ...]
    facts: tuple[str, ...] = ()
    declared: bool = True

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        rows, columns = (*self.dims, 1, 1)[:2]
        return (rows, columns)

    def __str__(self) -> str:
        dims = ", ".join(map(str, self.dims))
        comment = "" if self.declared else "# "
        return " ".join((f"{comment}{self.name} : ({dims})", *self.facts))


@dataclass(frozen=True)
class Request:
    """What is asked: gradients, Jacobians or Hessians, with respect to some names.

    Attributes:
        of: What is differentiated.
        wrt: The names.
        kind: ``grad``, ``jacobian`` or ``hessian``.
        joint: Whether the whole Hessian is asked for, mixed blocks too.
    """

    of: Node
    wrt: tuple[str, ...]
    kind: str = "grad"
    joint: bool = False

    def __str__(self) -> str:
        names = ", ".join(self.wrt)
        return f"{self.kind} {self.of} wrt {f'({names})' if self.joint else names}"


@dataclass(frozen=True)
class Task:
    """Variables, definitions in order, requests, and what is known of definitions.

    What the language has no words for stands in its text as a comment: variables that are not
    declared, facts of definitions.
    """

    variables: tuple[Variable, ...]
    definitions: tuple[tuple[str, Node], ...]
    requests: tuple[Request, ...]
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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

    def order(self, name: str) -> int:
        """How many axes an array of this name has."""
        declared = {variable.name: len(variable.dims) for variable in self.variables}
        shape = self.shapes[name]
        return declared.get(name, order_of(shape))

    @property
    def size(self) -> int:
        """How many operators, functions, names and numbers it has."""
        roots = [node for _, node in self.definitions] + [r.of for r in self.requests]
        return sum(1 for root in roots for _ in walk(root))

    def __str__(self) -> str:
        lines = [*map(str, self.variables)]
        for name, node in self.definitions:
            lines.append(f"{name} = {node}")
            if name in self.facts:
                lines.append(f"# {name}: {' '.join(self.facts[name])}")
        return "\n".join([*lines, *map(str, self.requests)]) + "\n"


SAME: Final = frozenset(
    "neg ^ inv cholesky expm expm_frechet tril triu softmax log_softmax rowsoftmax rowlog_softmax "
    "layernorm rowlayernorm batchnorm rmsnorm rowrmsnorm".split()
)
"""Of the shape of the first operand."""

TOTALS: Final = frozenset(
    "sum mean prod var tr det logdet dot norm2 norm norm1 norminf logsumexp sse huber kl nll mse "
    "mae cross_entropy softmax_cross_entropy rowsoftmax_cross_entropy bce bce_with_logits "
    "hinge".split()
)
PER_ROW: Final = frozenset(
    "rowsum rowmean rowlogsumexp rowmax rowmin rowvar diagonal".split(),
)
PER_COLUMN: Final = frozenset("colsum colmean colmax colmin colvar".split())


def order_of(shape: Shape) -> int:
    """How many axes an array has that is computed: a row has two."""
    return 2 - (shape[1] == 1) - (shape == SCALAR)


def call(op: str, *args: Node, word: str = "") -> Node:
    """An operator or function applied, with the shape that follows."""
    return Node(op, args, _shape(op, args, word), word)


def number(word: str) -> Node:
    """A number as it is written."""
    return Node("number", (), SCALAR, word)


def extent(dim: Dim) -> Node:
    """A size that a function takes."""
    return Node("extent", (), SCALAR, str(dim))


def constant(op: str, *dims: Dim) -> Node:
    """``I(n)``, ``ones(n)``, ``ones(m, n)``, ``zeros(m, n)``."""
    shape = (dims[0], dims[0]) if op == "I" else (*dims, 1)[:2]
    return Node(op, (), (shape[0], shape[1]), ", ".join(map(str, dims)))


def block(of: Node, *choices: str) -> Node:
    """``A[i, j]``, ``A[a:b, :]``, ``v[i]``: an entry or a block."""
    return call("[]", of, word=", ".join(choices))


def chosen(choice: str, size: Dim) -> tuple[Dim, Dim]:
    """First and last but one of what is chosen from an axis.

    >>> chosen("-1", "n"), chosen("1:", "n"), chosen("n:", "k + n"), chosen(":", 3)
    (('n - 1', 'n'), (1, 'n'), ('n', 'k + n'), (0, 3))
    """
    start, colon, stop = choice.partition(":")
    if not colon:
        first = _counted(start, size)
        return first, plus(first, 1)
    return _counted(start or "0", size), _counted(stop, size) if stop else size


def _counted(index: str, size: Dim) -> Dim:
    return minus(size, int(index[1:])) if index.startswith("-") else plus(index, 0)


def _shape(op: str, args: tuple[Node, ...], word: str) -> Shape:
    shapes = [arg.shape for arg in args]
    rows, columns = shapes[0]
    if op in TOTALS or (op in ("max", "min") and len(args) == 1):
        return SCALAR
    if op in SAME:
        return shapes[0]
    if op in ("'", "transpose", "pinv"):
        return columns, rows
    if op in PER_ROW:
        return rows, 1
    if op in PER_COLUMN:
        return 1, columns
    if op in SPECIAL:
        return SPECIAL[op](args, word)
    if op in ("*", "affine"):
        if op == "*" and SCALAR in shapes:
            return shapes[1] if shapes[0] == SCALAR else shapes[0]
        assert columns == shapes[1][0], f"{op} of {shapes}"
        return rows, shapes[1][1]
    return _broadcast(shapes)


def _kronecker(args: tuple[Node, ...], word: str) -> Shape:
    (rows, columns), (down, across) = args[0].shape, args[1].shape
    return times(rows, down), times(columns, across)


def _entries(args: tuple[Node, ...], word: str) -> Shape:
    found: list[Dim] = []
    for choice, size in zip(word.split(","), args[0].shape, strict=False):
        start, stop = chosen(choice.strip(), size)
        found.append(minus(stop, start))
    return (found[0], found[1] if len(found) == 2 else 1)


SPECIAL: Final[Mapping[str, Callable[[tuple[Node, ...], str], Shape]]] = {
    "diag": lambda args, _: (args[0].shape[0],) * 2,
    "outer": lambda args, _: (args[0].shape[0], args[1].shape[0]),
    "solve": lambda args, _: args[1].shape,
    "kron": _kronecker,
    "commutation": lambda args, _: (times(args[0].word, args[1].word),) * 2,
    "vec": lambda args, _: (times(*args[0].shape), 1),
    "unvec": lambda args, _: (plus(args[1].word, 0), plus(args[2].word, 0)),
    "hcat": lambda args, _: (args[0].shape[0], reduce(plus, (a.shape[1] for a in args))),
    "vcat": lambda args, _: (reduce(plus, (a.shape[0] for a in args)), args[0].shape[1]),
    "attention": lambda args, _: (args[0].shape[0], args[2].shape[1]),
    "[]": _entries,
}


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
    if node.op in ("number", "name", "size", "extent"):
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
    if node.op == "[]":
        return f"{_bracketed(node.args[0], 5)}[{node.word}]", 5
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
    """The dimensions that it names as numbers, in constants, or between brackets."""
    named = [
        part.word
        for part in walk(node)
        if part.op == "[]" or (not part.args and part.op not in ("number", "name"))
    ]
    return {name for words in named for dim in re.split("[,:]", words) for name in names_in(dim)}


def sub(node: Node, path: tuple[int, ...], new: Node) -> Node:
    """The tree with another part at a path, shapes computed anew."""
    if not path:
        return new
    at, *rest = path
    args = list(node.args)
    args[at] = sub(args[at], tuple(rest), new)
    return call(node.op, *args, word=node.word)
