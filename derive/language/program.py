"""The statements of a problem put in order: what is declared, defined, asked and left open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import sympy

from derive.errors import DeriveError, InputError, UnsupportedError, suggest
from derive.language.source import ASKING, Source
from derive.language.tree import (
    Declared,
    Defined,
    Name,
    Node,
    Remark,
    Requested,
    Span,
    Statement,
    in_order,
)
from derive.language.words import CALLABLE, CONSTANTS, FILLED, function_of, role_of
from derive.problem import check_facts, sort_definitions
from derive.shapes import Dim, Shape, as_dim, is_at_least
from derive.vocabulary import FUNCTIONS

__all__ = ["Program", "collect", "dimension", "index_of", "refuse_misuse", "size_of"]


@dataclass
class Program:
    """The statements of a problem, sorted.

    Attributes:
        source: Where they stand.
        shapes: Of declared names.
        facts: Of declared names.
        definitions: By name, each after those that it uses.
        requests: In order.
        sizes: Names of dimensions.
        open: Names that are used and neither declared nor defined, in order of appearance.
        scalars: Those of them that stand where only a scalar can.
    """

    source: Source
    shapes: dict[str, Shape] = field(default_factory=dict)
    facts: dict[str, frozenset[str]] = field(default_factory=dict)
    definitions: dict[str, Node] = field(default_factory=dict)
    requests: tuple[Requested, ...] = ()
    sizes: set[str] = field(default_factory=set)
    open: tuple[str, ...] = ()
    scalars: frozenset[str] = frozenset()

    def look_around(self, roots: Iterable[Node]) -> None:
        """Find the sizes and open names in expressions, and refuse misused words."""
        nodes = [node for root in roots for node in in_order(root)]
        for node in nodes:
            refuse_misuse(self.source, node)
            self._take_sizes(node)
        taken = {*self.shapes, *self.definitions, *self.sizes, "e", "pi"}
        used = dict.fromkeys(node.value for node in nodes if node.kind == "name")
        self.open = tuple(name for name in used if name not in taken)
        self.scalars = frozenset(_scalar_places(nodes)) & frozenset(self.open)

    def _take_sizes(self, node: Node) -> None:
        """The names of sizes in the brackets of a node."""
        for child in node.sizes:
            self._take_sizes(child)
            for part in in_order(child):
                if part.kind != "name":
                    continue
                if part.value in self.shapes or part.value in self.definitions:
                    owner = "an index" if node.kind in ("entry", "slice") else node.value
                    verb = "is made of" if owner == "an index" else "takes"
                    raise InputError(
                        f"{owner} {verb} sizes, and {part.value} is not a size",
                        ("A size is a positive integer or the name of a dimension.",),
                        self.source.place(part.span),
                    )
                dimension(self.source, part)
                self.sizes.add(part.value)
            if child.kind != "slice":
                is_index = node.kind in ("entry", "slice")
                (index_of if is_index else size_of)(self.source, child)


def _scalar_places(nodes: Sequence[Node]) -> Iterable[str]:
    """Names that stand where only a scalar can: divisors, exponents, scalar arguments."""
    for node in nodes:
        places: tuple[Node, ...] = ()
        if node.kind in ("divide", "power"):
            places = node.children[1:]
        elif node.kind == "call" and node.value in FUNCTIONS:
            function = function_of(node)
            if function.signature is not None:
                pairs = zip(node.children, function.pattern[0], strict=False)
                places = tuple(child for child, axes in pairs if axes == ("1", "1"))
        elif node.kind == "call" and node.value in FILLED:
            places = node.children
        yield from (place.value for place in places if place.kind == "name")


def collect(source: Source, statements: Sequence[Statement]) -> Program:
    """The program that statements make.

    Raises:
        InputError: A name is declared or defined twice, reserved, or defined by itself; a
            dimension or a fact is wrong; nothing is asked.
        UnsupportedError: A function or statement that is not supported yet.
    """
    program = Program(source)
    lines: dict[str, int] = {}
    for statement in statements:
        if isinstance(statement, Remark):
            raise _refuse_remark(source, statement)
        if isinstance(statement, Declared | Defined):
            _claim(source, statement.name, lines)
        if isinstance(statement, Declared):
            _declare(program, statement)
        elif isinstance(statement, Defined):
            program.definitions[statement.name.text] = statement.expression
        else:
            program.requests += (statement,)
    asked = [request.expression for request in program.requests]
    program.look_around((*program.definitions.values(), *asked))
    if not asked:
        raise InputError(f"nothing is asked in {source.name}", (ASKING,))
    for statement in statements:
        if isinstance(statement, Declared | Defined) and statement.name.text in program.sizes:
            raise _is_a_size(source, statement.name)
    for request in program.requests:
        _check_names(program, request)
    program.definitions = _sort(program)
    return program


def _refuse_remark(source: Source, remark: Remark) -> DeriveError:
    start, end = remark.span
    if remark.kind == "check":
        return UnsupportedError(
            "check is a statement of the language that is not supported yet",
            (),
            source.place((start, start + len("check"))),
        )
    return InputError(
        f"{source.excerpt(start, end)} alone asks nothing",
        ("Define it (z = W*x), declare it (x : (n)), or " + ASKING[0].lower() + ASKING[1:],),
        source.place(remark.span),
    )


def _claim(source: Source, name: Name, lines: dict[str, int]) -> None:
    role = role_of(name.text)
    if role is not None:
        raise InputError(
            f"{name.text} is {role}, and cannot name a quantity",
            ("Choose another name.",),
            source.place(name.span),
        )
    line = source.line_of(name.span[0])
    if name.text in lines:
        raise InputError(
            f"{name.text} stands for two things: line {lines[name.text]} has it already",
            ("Choose another name for one of them.",),
            source.place(name.span),
        )
    lines[name.text] = line


def _declare(program: Program, statement: Declared) -> None:
    source, name = program.source, statement.name.text
    if len(statement.dimensions) > 2:
        first, last = statement.dimensions[0], statement.dimensions[-1]
        raise InputError(
            f"{name} has {len(statement.dimensions)} dimensions, and a matrix has two",
            ("Write (m, n) for a matrix, (n) for a column vector, () for a scalar.",),
            source.place((first.span[0], last.span[1])),
        )
    shape = tuple(dimension(source, node) for node in statement.dimensions)
    program.sizes |= {node.value for node in statement.dimensions if node.kind == "name"}
    for fact in statement.facts:
        try:
            check_facts(name, shape, (fact.text,))
        except InputError as error:
            raise error.at(source.place(fact.span)) from None
    program.shapes[name] = shape
    program.facts[name] = frozenset(fact.text for fact in statement.facts)


def dimension(source: Source, node: Node) -> Dim:
    """The size that a node denotes.

    Raises:
        InputError: It is neither a positive integer nor a name.
    """
    if node.kind == "number" and node.value.isdigit() and 0 < int(node.value[:20]) < 10**18:
        return as_dim(int(node.value))
    if node.kind == "name":
        role = role_of(node.value)
        if role is None:
            return as_dim(node.value)
        raise InputError(
            f"{node.value} is {role}, and cannot name a dimension",
            ("Choose another name.",),
            source.place(node.span),
        )
    raise _is_no_size(source, node)


def size_of(source: Source, node: Node) -> Dim:
    """The size that is written in a formula: ``n``, ``2*n + 1``.

    Raises:
        InputError: It is not made of whole numbers and names, or is not known to be positive.
    """
    found = _whole_number(source, node)
    if found is None or found == 0 or not is_at_least(found, sympy.Integer(0)):
        raise _is_no_size(source, node)
    return found


def index_of(source: Source, node: Node) -> Dim:
    """The index that is written: ``0``, ``-1``, ``n - 1``.

    Raises:
        InputError: It is not made of whole numbers and names.
    """
    found = _whole_number(source, node)
    if found is None:
        raise InputError(
            f"an index is a whole number, or made of sizes, got {source.excerpt(*node.span)}",
            (),
            source.place(node.span),
        )
    return found


def _whole_number(source: Source, node: Node) -> Dim | None:
    """What is made of whole numbers and names of dimensions with ``+ - *``; else None."""
    stack: list[Dim] = []
    for part in in_order(node):
        operands = [stack.pop() for _ in part.children][::-1]
        if part.kind in ARITHMETIC:
            stack.append(sympy.expand(ARITHMETIC[part.kind](*operands)))
        elif part.kind == "number" and part.value.isdigit() and len(part.value) < 19:
            stack.append(sympy.Integer(int(part.value)))
        elif part.kind == "name":
            stack.append(dimension(source, part))
        else:
            return None
    return stack[0]


ARITHMETIC: Final[Mapping[str, Callable[..., Dim]]] = {
    "sum": lambda *terms: sympy.Add(*terms),
    "product": lambda *factors: sympy.Mul(*factors),
    "negative": lambda term: -term,
}
"""Operations of which sizes may be made."""


def _is_no_size(source: Source, node: Node) -> InputError:
    return InputError(
        f"a dimension is a positive integer or a name, got {source.excerpt(*node.span)}",
        (),
        source.place(node.span),
    )


def _is_a_size(source: Source, name: Name) -> InputError:
    return InputError(
        f"{name.text} is a dimension, and cannot stand for anything else",
        (f"In a formula, {name.text} is that size. Choose another name for one of them.",),
        source.place(name.span),
    )


def refuse_misuse(source: Source, node: Node) -> None:
    """Refuse a word of the language that is used in a way that it has not.

    Raises:
        InputError: An unknown function, a wrong number of arguments, a function without any.
    """
    word = node.value
    if node.kind == "entry" and len(node.sizes) > 2:
        raise InputError(
            f"a matrix has rows and columns, got {len(node.sizes)} indices",
            (),
            source.place((node.sizes[0].span[0], node.sizes[-1].span[1])),
        )
    if node.kind == "name" and word not in ("e", "pi"):
        role = role_of(word)
        if role is not None:
            usage = FUNCTIONS[word].usage if word in FUNCTIONS else f"{word}(...)"
            advice = "Choose another name." if role == "a fact" else f"Write {usage}."
            raise InputError(f"{word} is {role}", (advice,), source.place(node.span))
    if node.kind == "constant":
        low, high = CONSTANTS[word]
        if not low <= len(node.sizes) <= high:
            told = "1 size" if high == 1 else "1 or 2 sizes"
            raise InputError(
                f"{word} takes {told}, got {len(node.sizes)}", (), source.place(node.span)
            )
    if node.kind == "call":
        _refuse_call(source, node)


def _refuse_call(source: Source, node: Node) -> None:
    word, count = node.value, len(node.children) + len(node.sizes)
    start = node.span[0]
    function = (start, start + source.text[start:].index("("))
    if word not in CALLABLE:
        advice = suggest(word, CALLABLE) or (f"A product is written with *: {word}*(...)",)
        if word == "sigma":
            advice = ("Write sigmoid(...) for the function.",)
        raise InputError(f"there is no function {word}", advice, source.place(function))
    if word in FILLED:
        low, high, usage, told = 1, 1, f"{word}(c)", "1 argument"
    else:
        row = function_of(node)
        (low, high), usage, told = row.arity, row.usage, row.count
    if not low <= count <= high:
        raise InputError(f"{usage} takes {told}, got {count}", (), source.place(node.span))
    if word == "where" and node.children[0].kind != "comparison":
        raise InputError(
            "the first argument of where is a comparison",
            ("Write, for example: where(x > 0, x, 0)",),
            source.place(node.children[0].span),
        )


def _check_names(program: Program, request: Requested) -> None:
    """Every name that a request differentiates by, or asks about alone, is a quantity."""
    source = program.source
    known = (*program.shapes, *program.definitions, *program.open)
    for name in request.wrt:
        if name.text in program.sizes:
            raise InputError(
                f"{name.text} is a dimension, and there is no derivative by a size",
                (),
                source.place(name.span),
            )
        role = role_of(name.text)
        if role is not None:
            raise InputError(
                f"{name.text} is {role}, and there is no derivative by it",
                ("After wrt stand names of quantities.",),
                source.place(name.span),
            )
        if name.text not in known:
            raise InputError(
                f"there is no {name.text} in the problem",
                suggest(name.text, known),
                source.place(name.span),
            )
    alone = request.expression
    if alone.kind == "name" and alone.value in program.open:
        uses = [node.value for root in program.definitions.values() for node in in_order(root)]
        others = {name.text for r in program.requests for name in r.wrt}
        if alone.value not in uses and alone.value not in others:
            raise InputError(
                f"{alone.value} is not defined",
                suggest(alone.value, program.definitions) or (f"Write {alone.value} = ...",),
                source.place(alone.span),
            )


def _sort(program: Program) -> dict[str, Node]:
    """The definitions, each after those that it uses; otherwise in the order written."""
    definitions = program.definitions
    uses = {
        name: [node.value for node in in_order(root) if node.kind == "name"]
        for name, root in definitions.items()
    }
    order, circle = sort_definitions(uses)
    if circle:
        raise _circle(program, circle)
    return {name: definitions[name] for name in order}


def _circle(program: Program, names: Sequence[str]) -> InputError:
    shown = [*names[:4], "...", names[-1]] if len(names) > 8 else names
    circle = " -> ".join((*shown, names[0]))
    span = _use(program.definitions, names)
    if len(names) == 1:
        return InputError(f"{names[0]} is defined by itself", (), program.source.place(span))
    return InputError(
        "the definitions go round in a circle",
        (f"Each uses the next: {circle}.",),
        program.source.place(span),
    )


def _use(definitions: Mapping[str, Node], names: Sequence[str]) -> Span:
    """Where the last of a circle of definitions uses the first."""
    spans = (n.span for n in in_order(definitions[names[-1]]) if n.value == names[0])
    return next(spans)
