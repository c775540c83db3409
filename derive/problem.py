"""A problem: symbols with shapes and facts, definitions, and the question asked of them.

The language and Python meet here. Every expression in a :class:`Problem` is SymPy's: matrices and
vectors are ``MatrixSymbol`` (a vector has one column), scalars are real ``Symbol``, sizes are
positive integer ``Symbol``. A definition refers to the ones before it by its symbol, so that no
expression grows with the depth of a network.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

import sympy
from sympy import MatrixSymbol

from derive.errors import InputError, Place, UnsupportedError, suggest
from derive.shapes import Shape, as_dim, extent_of_shape, same, shape_of_extent, shape_text
from derive.vocabulary import (
    FACTS,
    FUNCTIONS,
    Expression,
    extent_of,
    scalar,
    settle_entries,
    sizes_in,
    without_blocks,
)

__all__ = [
    "ASKED",
    "Definition",
    "Note",
    "Problem",
    "Request",
    "RequestKind",
    "Variable",
    "check_facts",
    "free_name",
    "sort_definitions",
    "symbol_of",
]

RequestKind: TypeAlias = Literal["grad", "jacobian", "hessian", "derivative"]

ASKED: Final[Mapping[RequestKind, str]] = {
    "grad": "gradient", "jacobian": "Jacobian", "hessian": "Hessian",
    "derivative": "higher derivative",
}  # fmt: skip
"""What each kind of request asks for, in words."""

SQUARE_FACTS: Final = frozenset(
    {"symmetric", "positive_definite", "diagonal", "orthogonal", "lower_triangular"}
)
"""Facts that only a square matrix can have."""

SUMMING_FACTS: Final = frozenset({"probability", "onehot"})
"""Facts about the entries of an array together, which a scalar cannot have."""


class Note(str):
    """A sentence on how a problem was read; its phrase and what fills it are kept.

    >>> Note("{name} is taken as a {found}", name="N", found="scalar")
    'N is taken as a scalar'
    """

    phrase: str
    places: Mapping[str, str]

    def __new__(cls, phrase: str, **places: str) -> Note:
        """The phrase with its places filled."""
        note = super().__new__(cls, phrase.format(**places))
        note.phrase, note.places = phrase, places
        return note


@dataclass(frozen=True, slots=True)
class Variable:
    """A symbol that is given: a parameter, a datum, a constant.

    Attributes:
        name: As written.
        shape: ``()``, ``(n,)`` or ``(m, n)``.
        facts: Declared properties, from :data:`derive.vocabulary.FACTS`.
        inferred: Whether the shape was inferred and not declared.
    """

    name: str
    shape: Shape
    facts: frozenset[str] = frozenset()
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """A name for an expression; later expressions use the name.

    Attributes:
        name: As written.
        expression: SymPy's, over symbols of variables, sizes and earlier definitions.
        shape: Of the value; 1 x 1 is a scalar ``()``.
        facts: Declared properties of the value.
        given: Whether the user chose the name; False for the name ``f`` of an unnamed request.
    """

    name: str
    expression: Expression
    shape: Shape
    facts: frozenset[str] = frozenset()
    given: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """One question: the derivative of a quantity with respect to others.

    Attributes:
        kind: ``grad``, ``jacobian``, ``hessian`` or ``derivative`` (of third or higher order, by
            the variables in turn).
        of: Name of a definition (or variable).
        wrt: Names of variables or definitions.
        joint: Whether the variables form one block (``wrt (w, b)``).
        place: Where it stands, if it was read from text.
    """

    kind: RequestKind
    of: str
    wrt: tuple[str, ...]
    joint: bool = False
    place: Place | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        wrt = (self.wrt,) if isinstance(self.wrt, str | sympy.Basic) else self.wrt
        object.__setattr__(self, "wrt", tuple(str(name) for name in wrt))
        object.__setattr__(self, "of", str(self.of))


def symbol_of(name: str, shape: Shape) -> Expression:
    """The SymPy symbol that stands for a name of this shape."""
    if not shape:
        return sympy.Symbol(name, real=True)
    return MatrixSymbol(name, *extent_of_shape(shape))


def free_name(wish: str, taken: Collection[str]) -> str:
    """``wish``, or ``wish`` with the least number from 2 that makes it a new name.

    >>> free_name("f", ("f", "f2"))
    'f3'
    """
    names = itertools.chain((wish,), (f"{wish}{count}" for count in itertools.count(2)))
    return next(name for name in names if name not in taken)


def check_facts(name: str, shape: Shape, facts: Iterable[str]) -> None:
    """Refuse facts that do not exist, or that a quantity of this shape cannot have.

    Raises:
        InputError: Says which fact, and what it needs.
    """
    for fact in facts:
        if fact not in FACTS:
            advice = suggest(fact, FACTS) or (f"Facts are {', '.join(FACTS)}.",)
            raise InputError(f"{fact} is not a fact", advice)
        rows, columns = extent_of_shape(shape)
        if fact in SQUARE_FACTS and not same(rows, columns):
            raise InputError(
                f"{fact} needs a square matrix, and {name} is {shape_text(shape)}",
                (f"Declare {name} : {shape_text((rows, rows))}.",),
            )
        if fact in SUMMING_FACTS and not shape:
            raise InputError(f"{fact} is said of several entries, and {name} is a scalar")


def sort_definitions(uses: Mapping[str, Iterable[str]]) -> tuple[list[str], list[str]]:
    """Names in an order in which each comes after those that it uses.

    Args:
        uses: The names that each definition uses; names that are no keys do not count.

    Returns:
        The names in order, otherwise as given; and a circle of names, each of which uses the
        next and the last the first, if there is one: then the order is not complete.
    """
    done: dict[str, None] = {}
    for first in uses:
        path: dict[str, None] = {}
        stack = [first]
        while stack:
            name = stack[-1]
            if name in done:
                stack.pop()
            elif name in path:
                del path[name]
                done[name] = None
            else:
                path[name] = None
                for other in reversed([u for u in uses[name] if u in uses and u not in done]):
                    if other in path:
                        return list(done), list(path)[list(path).index(other) :]
                    stack.append(other)
    return list(done), []


@dataclass(frozen=True)
class Problem:
    """Symbols, definitions in order, and requests.

    Attributes:
        variables: By name, in order of appearance.
        definitions: By name; each uses only variables and definitions before it.
        requests: In order.
        name: Of the problem (the file's stem), for titles.
        source: The text it was read from, if any.
        notes: What was assumed while reading, one sentence each (inferred kinds).
    """

    variables: Mapping[str, Variable]
    definitions: Mapping[str, Definition]
    requests: tuple[Request, ...]
    name: str = "problem"
    source: str = ""
    notes: tuple[Note, ...] = ()
    sizes: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        names: dict[str, None] = {}
        shapes = [quantity.shape for quantity in self.variables.values()]
        shapes += [quantity.shape for quantity in self.definitions.values()]
        for shape in shapes:
            for dim in shape:
                for symbol in sorted(dim.free_symbols, key=str):
                    names.setdefault(symbol.name)
        for definition in self.definitions.values():
            written = {s.name for s in definition.expression.free_symbols if s.is_integer}
            names |= dict.fromkeys(sorted(written - names.keys()))
        object.__setattr__(self, "sizes", tuple(names))

    def shape(self, name: str) -> Shape:
        """Shape of a variable or definition."""
        quantity = self.variables.get(name) or self.definitions[name]
        return quantity.shape

    def facts(self, name: str) -> frozenset[str]:
        """Declared facts of a variable or definition."""
        quantity = self.variables.get(name) or self.definitions[name]
        return quantity.facts

    def symbol(self, name: str) -> Expression:
        """The SymPy symbol of a variable or definition."""
        return symbol_of(name, self.shape(name))

    @classmethod
    def build(
        cls,
        definitions: Mapping[str, Expression],
        requests: Sequence[Request],
        facts: Mapping[str, Iterable[str]] | None = None,
        *,
        variables: Sequence[Expression] = (),
        name: str = "problem",
    ) -> Problem:
        """The problem that SymPy expressions state.

        Args:
            definitions: Expressions by the names of their values. A ``MatrixSymbol`` or
                ``Symbol`` named as another definition stands for it.
            requests: What is asked.
            facts: Properties of variables, by name.
            variables: Symbols in the order wanted; others follow as they appear. A symbol that
                no expression has is a variable too.
            name: Of the problem.

        Raises:
            InputError: A name, a fact, a request or an expression is wrong.
            UnsupportedError: An expression has a SymPy sum in it.

        >>> A, x = MatrixSymbol("A", 3, 3), MatrixSymbol("x", 3, 1)
        >>> problem = Problem.build({"J": x.T * A * x}, [Request("grad", "J", ("x",))])
        >>> problem.shape("x"), problem.definitions["J"].expression
        ((3,), Trace(x.T*A*x))
        """
        return _Builder(definitions, variables).build(requests, facts or {}, name)


class _Builder:
    """Brings SymPy expressions into the form in which a problem holds them.

    Sizes become positive integer symbols and scalars real ones, whatever assumptions they were
    made with; a column is a vector, a 1 x 1 value a scalar.
    """

    def __init__(self, definitions: Mapping[str, Any], variables: Sequence[Any]) -> None:
        self.expressions = {
            _check_name(label): _check_expression(label, expression)
            for label, expression in definitions.items()
        }
        first = [_check_expression(str(symbol), symbol) for symbol in variables]
        everything = (*first, *self.expressions.values())
        self.sizes = {symbol for e in everything for symbol in sizes_in(e)}
        self.symbols: dict[str, Expression] = {}
        for expression in everything:
            scalars = expression.free_symbols - self.sizes
            matrices = expression.atoms(MatrixSymbol)
            for symbol in sorted(scalars | matrices, key=lambda s: (s.name, s.is_Matrix)):
                self._take(symbol)

    def _take(self, symbol: Any) -> None:
        label = _check_name(str(symbol.name))
        known = self.symbols.setdefault(label, symbol)
        if extent_of(known) != extent_of(symbol):
            raise InputError(
                f"{label} is {_shape_words(known)} in one place, and {_shape_words(symbol)} in "
                "another"
            )
        if any(size.name == label for size in self.sizes):
            raise InputError(f"{label} is a dimension, and cannot stand for anything else")

    def build(
        self, requests: Sequence[Request], facts: Mapping[str, Iterable[str]], name: str
    ) -> Problem:
        """The problem, checked."""
        rename: dict[Any, Any] = {size: as_dim(size) for size in self.sizes}
        for expression in self.expressions.values():
            for symbol in expression.free_symbols | expression.atoms(MatrixSymbol):
                if symbol not in self.sizes:
                    rename[symbol] = symbol_of(symbol.name, _shape(symbol))
        definitions = self._define(rename)
        variables = {}
        for label, symbol in self.symbols.items():
            if label not in definitions:
                known = frozenset(facts.get(label, ()))
                check_facts(label, _shape(symbol), sorted(known))
                variables[label] = Variable(label, _shape(symbol), known)
        unknown = sorted(facts.keys() - variables.keys())
        if unknown:
            raise _unknown(unknown[0], variables)
        problem = Problem(variables, definitions, tuple(requests), name)
        for request in problem.requests:
            _check_request(problem, request)
        return problem

    def _define(self, rename: Mapping[Any, Any]) -> dict[str, Definition]:
        """The definitions, each after those that it uses."""
        names = {
            label: e.free_symbols | e.atoms(MatrixSymbol) for label, e in self.expressions.items()
        }
        uses = {label: sorted(symbol.name for symbol in used) for label, used in names.items()}
        order, circle = sort_definitions(uses)
        if circle:
            raise InputError(
                "the definitions go round in a circle",
                (f"Each uses the next: {' -> '.join((*circle, circle[0]))}.",),
            )
        definitions = {}
        for label in order:
            expression = settle_entries(scalar(self.expressions[label].xreplace(rename)))
            shape = shape_of_extent(extent_of(expression))
            symbol = self.symbols.get(label)
            if symbol is not None and shape_of_extent(extent_of_shape(_shape(symbol))) != shape:
                raise InputError(
                    f"{label} is defined as {shape_text(shape)} and used as {_shape_words(symbol)}"
                )
            definitions[label] = Definition(label, expression, shape)
        return definitions


def _shape(symbol: Expression) -> Shape:
    """The shape of a symbol, its sizes as a problem has them."""
    if not isinstance(symbol, MatrixSymbol):
        return ()
    rows, columns = (as_dim(dim) for dim in symbol.shape)
    return (rows,) if columns == 1 else (rows, columns)


def _shape_words(symbol: Expression) -> str:
    return shape_text(_shape(symbol))


def _check_name(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"{name!r} is not a name: a name is letters, digits and _")
    if name in FUNCTIONS:
        raise InputError(f"{name} is a function, and cannot name a quantity")
    return name


def _check_expression(name: str, expression: object) -> Any:
    if isinstance(expression, sympy.Expr):
        if expression.has(sympy.Sum):
            raise UnsupportedError(
                f"{name} has a sum over an index, which SymPy makes of an entry of a product",
                ("Write derive.entries(A*B, i, j) for an entry of A*B.",),
            )
        return without_blocks(expression)
    if isinstance(expression, int | float) and not isinstance(expression, bool):
        return sympy.sympify(expression)
    advice: tuple[str, ...] = ()
    if isinstance(expression, str):
        advice = ("Text is read by derive.language.parse.",)
    elif isinstance(expression, sympy.MatrixBase):
        advice = ("Use a MatrixSymbol in place of a matrix of entries.",)
    kind = type(expression).__name__
    raise InputError(f"{name} is to be a SymPy expression, got {kind}", advice)


def _unknown(name: str, known: Iterable[str]) -> InputError:
    return InputError(f"there is no {name} in the problem", suggest(name, known))


def _check_request(problem: Problem, request: Request) -> None:
    if request.kind not in get_args(RequestKind):
        raise InputError(
            f"{request.kind} is no question: ask for grad, jacobian, hessian or derivative"
        )
    known = (*problem.variables, *problem.definitions)
    for name in (request.of, *request.wrt):
        if name not in known:
            raise _unknown(name, known)
    if not request.wrt:
        raise InputError(f"nothing to differentiate {request.of} by")
    shape = problem.shape(request.of)
    if request.kind != "jacobian" and shape_of_extent(extent_of_shape(shape)) != ():
        raise InputError(
            f"{request.of} is {shape_text(shape)}, and only a scalar has a {ASKED[request.kind]}",
            ("Ask for its Jacobian, or for the gradient of a scalar made of it.",),
        )
