"""Writes random trees, with the variables that they need.

Functions stay inside their domains by construction: what goes into a logarithm is positive, what is
inverted is positive definite.
"""

from __future__ import annotations

import random
from typing import Final

from tests.oracle.rules import ANY, BOUNDED, COLUMNS, ROWS, SCALARS, SQUARES
from tests.oracle.sizes import Dim, minus, plus, split, times
from tests.oracle.tree import SCALAR, Node, Shape, Variable, block, call, constant, number

__all__ = ["Writer"]

MATRIX_NAMES: Final = tuple(
    "A B C D F G H K L M N P Q R S T U V W X Y Z E W1 W2 X_bar Z_inv".split()
)
VECTOR_NAMES: Final = tuple(
    "a b d f g h p q r s t u v w x y z x1 x_hat x_bar np out i j theta1 v_x len class".split()
)
SCALAR_NAMES: Final = tuple("alpha beta c gamma lambda mu rho sigma tau t0 eta k0 phi".split())
DIM_NAMES: Final = ("n", "m", "k", "N", "l")

FREE_FACTS: Final = ("", "", "", "", "", "", "positive", "nonnegative", "signs", "integer")
SUMMING_FACTS: Final = (*FREE_FACTS, "probability", "onehot")
SQUARE_FACTS: Final = (
    "",
    "",
    "symmetric",
    "symmetric",
    "positive_definite",
    "diagonal",
    "orthogonal",
    "lower_triangular",
    "symmetric positive",
    "diagonal nonnegative",
    "probability",
)


class Writer:
    """Writes one problem.

    Attributes:
        dims: The sizes that variables are declared with.
        compound: Sums and products of these.
        unasked: Variables that no request may ask about.
    """

    def __init__(self, source: random.Random) -> None:
        self.random = source
        count = self.random.choice((1, 2, 2, 3))
        self.dims: list[Dim] = [*self.random.sample(DIM_NAMES, count)]
        if self.random.random() < 0.4:
            self.dims.append(self.random.choice((1, 2, 3)))
        self.compound = self._compounds()
        self.unasked: set[str] = set()
        self.variables: list[Variable] = []
        self.definitions: list[tuple[str, Node]] = []
        self.taken: set[str] = {str(dim) for dim in self.dims}
        self.most = self.random.randint(3, 7)

    def _compounds(self) -> list[Dim]:
        if self.chance(0.5):
            return []
        pairs = [self.random.choices(self.dims, k=2) for _ in range(2)]
        found = [self.random.choice((plus, plus, times))(*pair) for pair in pairs]
        if self.chance(0.2) and isinstance(self.dims[0], str):
            found.append(minus(self.dims[0], 1))
        return [dim for dim in found if dim != 1]

    def choose(self, *options: str) -> str:
        return self.random.choice(options)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def dim(self) -> Dim:
        if self.compound and self.chance(0.25):
            return self.random.choice(self.compound)
        return self.random.choice(self.dims)

    def shape(self) -> Shape:
        """A matrix, a column, a row or a scalar."""
        rows, columns = self.dim(), self.dim()
        kinds: list[Shape] = [(rows, columns)] * 4 + [(rows, rows)] * 2 + [(rows, 1)] * 5
        kinds += [(1, columns), SCALAR]
        return self.random.choice(kinds)

    # Leaves

    def name(self, shape: Shape) -> str:
        pool = MATRIX_NAMES if 1 not in shape else VECTOR_NAMES
        if shape == SCALAR:
            pool = SCALAR_NAMES
        free = [name for name in pool if name not in self.taken and f"{name}_" not in self.taken]
        found = self.random.choice(free or [f"v{len(self.taken)}"])
        self.taken.add(found)
        return found

    def declare(self, shape: Shape, facts: str | None = None) -> Node:
        """A new variable."""
        rows, columns = shape
        dims: tuple[Dim, ...] = shape
        if shape == SCALAR:
            dims = self.random.choice(((), (), (), (1,), (1, 1)))
        elif columns == 1 and self.chance(0.85):
            dims = (rows,)
        if facts is None:
            facts = self.choose(*self.facts_for(dims))
        variable = Variable(self.name(shape), dims, tuple(facts.split()))
        self.variables.append(variable)
        return Node("name", (), shape, variable.name)

    def may_declare(self, shape: Shape) -> bool:
        """Whether a variable can have the shape, and there are not too many yet."""
        plain = not any(map(split, shape))
        return plain and (shape == SCALAR or len(self.variables) < self.most)

    def facts_for(self, dims: tuple[Dim, ...]) -> tuple[str, ...]:
        if len(dims) == 2 and dims[0] == dims[1] != 1:
            return SQUARE_FACTS
        alone = not dims or dims[-1] == 1
        return FREE_FACTS if alone else SUMMING_FACTS

    def known(self, shape: Shape) -> list[Node]:
        given = [Node("name", (), v.shape, v.name) for v in self.variables]
        defined = [Node("name", (), node.shape, name) for name, node in self.definitions]
        return [node for node in given + defined * 2 if node.shape == shape]

    def leaf(self, shape: Shape) -> Node:
        if shape == SCALAR and self.chance(0.5):
            return self.literal()
        options = self.known(shape)
        if shape[0] != shape[1]:
            options += [call("'", node) for node in self.known((shape[1], shape[0]))]
        if options and (self.chance(0.75) or len(self.variables) >= self.most):
            return self.random.choice(options)
        if any(map(split, shape)):
            return self.assembled(shape)
        if len(self.variables) < self.most or shape == SCALAR or self.chance(0.5):
            return self.declare(shape)
        if shape[0] == shape[1]:
            return constant("I", shape[0])
        return constant("ones", *(shape[:1] if shape[1] == 1 and self.chance(0.8) else shape))

    def assembled(self, shape: Shape) -> Node:
        """An array with a size that nothing is declared with, made of leaves."""
        if self.chance(0.15):
            return constant("I", shape[0]) if shape[0] == shape[1] else constant("ones", *shape)
        rows, columns = shape
        across = not split(rows)
        kind, first, second = split(columns if across else rows) or ("", 0, 0)
        if kind == "-":
            choice = self.choose("1:", ":-1", f"1:{first}")
            whole = self.leaf((rows, first) if across else (first, columns))
            return block(whole, *((":", choice) if across else (choice, ":")))
        if kind == "+":
            parts = [(rows, dim) if across else (dim, columns) for dim in (first, second)]
            return call("hcat" if across else "vcat", *map(self.leaf, parts))
        if columns == 1 and self.chance(0.6):
            return call("vec", self.leaf((second, first)))
        if across:
            return call("kron", self.leaf((rows, first)), self.leaf((1, second)))
        return call("kron", self.leaf((first, columns)), self.leaf((second, 1)))

    def literal(self) -> Node:
        names = [dim for dim in self.dims if isinstance(dim, str)]
        if names and self.chance(0.15):
            return Node("size", (), SCALAR, self.choose(*names))
        if self.chance(0.15):
            return call("/", number("1"), number(self.choose("2", "3", "4")))
        return number(self.choose("2", "3", "0.5", "1", "0.1", "4", "0"))

    # Expressions

    def expression(self, shape: Shape, depth: int) -> Node:
        """A well-typed tree of this shape."""
        if depth <= 0 or self.chance(0.08):
            return self.leaf(shape)
        rules = list(ANY)
        if shape == SCALAR:
            rules = SCALARS * 2 + ANY[:8]
        elif shape[1] == 1:
            rules += COLUMNS
        elif shape[0] == 1:
            rules += ROWS
        elif shape[0] == shape[1]:
            rules += SQUARES
        return self.random.choice(rules)(self, shape, depth - 1)

    def argument(self, depth: int) -> Node:
        """An array of some shape that the problem may reduce."""
        return self.expression(self.shape(), depth)

    def broadcast(self, shape: Shape, depth: int) -> list[Node]:
        """Two trees whose common shape is this one."""
        shapes = [shape, shape]
        if self.chance(0.35):
            thin: list[Shape] = [(1, shape[1]), (shape[0], 1), SCALAR]
            shapes[1] = self.random.choice(thin)
            if self.chance(0.2):
                shapes = [(shape[0], 1), (1, shape[1])]
        if self.chance(0.3):
            shapes.reverse()
        return [self.expression(own, depth) for own in shapes]

    def bounded(self, shape: Shape, depth: int) -> Node:
        return call(self.choose(*BOUNDED), self.expression(shape, depth - 1))

    def positive(self, shape: Shape, depth: int) -> Node:
        """A tree whose entries are greater than 0."""
        kinds = "exp softplus square sigmoid abs variable variable sum cosh one".split()
        kind = self.choose(*kinds)
        if kind == "variable" or depth <= 0:
            named = {v.name for v in self.variables if "positive" in v.facts}
            found = [node for node in self.known(shape) if node.word in named]
            if shape == SCALAR and self.chance(0.4):
                return number(self.choose("2", "0.5", "1.5"))
            if not found and any(map(split, shape)):
                return call("exp", self.bounded(shape, depth))
            return self.random.choice(found) if found else self.declare(shape, "positive")
        if kind in ("exp", "cosh"):
            return call(kind, self.bounded(shape, depth))
        if kind in ("softplus", "sigmoid"):
            return call(kind, self.expression(shape, depth - 1))
        if kind == "sum":
            return call("+", self.positive(shape, depth - 1), self.positive(shape, depth - 1))
        if kind == "one" and shape[1] == 1 and shape != SCALAR:
            return call("softmax", self.expression(shape, depth - 1))
        inner = self.expression(shape, depth - 1)
        above = call(".^", inner, number("2")) if kind == "square" else call("abs", inner)
        return call("+", *self.random.sample([above, number("1")], 2))

    def probability(self, shape: Shape, depth: int) -> Node:
        """A tree whose entries lie between 0 and 1."""
        if self.chance(0.7):
            return call("sigmoid", self.expression(shape, depth - 1))
        small = call("/", call("tanh", self.expression(shape, depth - 1)), number("3"))
        return call("+", small, number("0.5"))

    def invertible(self, dim: Dim, depth: int) -> Node:
        """A positive definite matrix."""
        if depth > 0 and self.chance(0.25):
            spread = call("diag", self.positive((dim, 1), depth - 1))
            return call("+", spread, constant("I", dim)) if self.chance(0.6) else spread
        return self.definite(dim, depth)

    def definite(self, dim: Dim, depth: int) -> Node:
        """A matrix that is seen to be positive definite."""
        shape = (dim, dim)
        if not split(dim) and (depth <= 0 or self.chance(0.3)):
            named = {v.name for v in self.variables if "positive_definite" in v.facts}
            found = [node for node in self.known(shape) if node.word in named]
            return found[0] if found else self.declare(shape, "positive_definite")
        factor = self.expression((dim, self.dim()), depth - 1)
        if self.chance(0.5):
            factor = call("tanh", factor)
        squares = call("*", factor, call("'", factor))
        return call("+", squares, constant("I", dim))
