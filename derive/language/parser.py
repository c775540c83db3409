"""From text to statements: the grammar, and the syntax tree made of what it accepts."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from derive.errors import InputError
from derive.language.complaints import explain
from derive.language.source import DEEPEST, Source, lay_out
from derive.language.tree import (
    Declared,
    Defined,
    Name,
    Node,
    Remark,
    Requested,
    Span,
    Statement,
)
from derive.language.words import CONSTANTS, in_latin, spelled_out
from derive.problem import RequestKind
from derive.vocabulary import FUNCTIONS

__all__ = ["parse_statements", "parse_sum"]

PRODUCTS: Final[Mapping[str, str]] = {
    "*": "product",
    "@": "product",
    "·": "product",
    ".*": "hadamard",
    "⊙": "hadamard",
    "/": "divide",
    "./": "hadamard_divide",
    "⊘": "hadamard_divide",
}
POWERS: Final[Mapping[str, str]] = {
    "^": "power",
    "**": "power",
    ".^": "hadamard_power",
}


@cache
def _grammar() -> Lark:
    return Lark.open_from_package(
        "derive.language",
        "grammar.lark",
        ("",),
        parser="lalr",
        lexer="basic",
        start=["start", "sum"],
        propagate_positions=True,
        maybe_placeholders=False,
    )


def parse_statements(source: Source) -> tuple[Statement, ...]:
    """The statements of a problem, in order.

    Raises:
        InputError: The text is not in the language; the message points at the place.
    """
    tree = _parse(source, "start")
    nodes = _Nodes(source)
    for subtree in tree.iter_subtrees():
        nodes.convert(subtree)
    return tuple(nodes.statement(child) for child in tree.children)


def parse_sum(source: Source) -> Node:
    """A single expression.

    Raises:
        InputError: The text is not an expression; the message points at the place.
    """
    tree = _parse(source, "sum")
    nodes = _Nodes(source)
    for subtree in tree.iter_subtrees():
        nodes.convert(subtree)
    return nodes.of(tree)


def _parse(source: Source, start: str) -> Tree[Token]:
    text = lay_out(source)
    try:
        return _grammar().parse(text, start=start)
    except UnexpectedInput as error:
        raise explain(source, error) from None


class _Nodes:
    """Syntax nodes of the subtrees met so far; children are met before their parents."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.made: dict[int, Node] = {}

    def of(self, tree: Any) -> Node:
        """The node of a subtree."""
        return self.made[id(tree)]

    def convert(self, tree: Tree[Token]) -> None:
        """Make the node of a subtree, if it is part of an expression."""
        maker = MAKERS.get(tree.data)
        if maker is None:
            return
        node = maker(self, tree, (tree.meta.start_pos, tree.meta.end_pos))
        if node.depth > DEEPEST:
            raise InputError(
                "nested too deeply",
                (f"At most {DEEPEST} operations may be nested. Give a part of it a name.",),
                self.source.place((node.span[0], node.span[0] + 1)),
            )
        self.made[id(tree)] = node

    def join(
        self, kind: str, span: Span, *children: Node, value: str = "", sizes: tuple[Node, ...] = ()
    ) -> Node:
        """A node over others."""
        depth = 1 + max((child.depth for child in (*children, *sizes)), default=0)
        return Node(kind, span, value, children, sizes, depth)

    def statement(self, tree: Any) -> Statement:
        """The statement of a subtree whose expressions are made."""
        span = (tree.meta.start_pos, tree.meta.end_pos)
        parts = tree.children
        match tree.data:
            case "declaration":
                name, shape, *facts = parts
                dimensions = tuple(self.of(part) for part in shape.children)
                words = tuple(self.name(fact) for fact in facts)
                return Declared(self.name(name), dimensions, words, span)
            case "definition":
                return Defined(self.name(parts[0]), self.of(parts[1]))
            case "request":
                question, expression, wanted = parts
                (first, *_) = wanted.children
                joint = isinstance(first, Tree)
                names = tuple(self.name(n) for n in (first if joint else wanted).children)
                kind = cast(RequestKind, str(question.children[0]))
                return Requested(kind, self.of(expression), names, joint, span)
            case _:
                return Remark(str(tree.data), span)

    def name(self, token: Token) -> Name:
        """A name, its letters in the form that Python gives them."""
        span = (token.start_pos or 0, token.end_pos or 0)
        return Name(self.word(token), span)

    def letters(self, token: Token) -> str:
        """The letters of a name, in Latin and Greek; a Greek letter alone by its name."""
        word = spelled_out(unicodedata.normalize("NFKC", str(token)))
        latin = in_latin(word)
        if latin != word and latin.isascii():
            (start, end) = (token.start_pos or 0, token.end_pos or 0)
            stranger = next(place for place in range(len(word)) if word[place] != latin[place])
            letter, alphabet = word[stranger], unicodedata.name(word[stranger]).split()[0]
            at = start + stranger if end - start == len(word) else start
            raise InputError(
                f"{word} is not written in Latin letters: its {letter} is "
                f"{alphabet.capitalize()}, and looks like {latin[stranger]}",
                (f"Write {latin}.",),
                self.source.place((at, at + 1)),
            )
        return word

    def word(self, token: Token) -> str:
        """The letters of a name that can name a quantity."""
        word = self.letters(token)
        if not word.isidentifier() or word.startswith("_"):
            span = (token.start_pos or 0, token.end_pos or 0)
            raise InputError(
                f"{word} is not a name: a name starts with a letter and goes on with letters, "
                "digits and _",
                (),
                self.source.place(span),
            )
        return word


def _number(nodes: _Nodes, tree: Tree[Token], span: Span) -> Node:
    return Node("number", span, str(tree.children[0]))


def _name(nodes: _Nodes, tree: Tree[Token], span: Span) -> Node:
    word = nodes.word(cast(Token, tree.children[0]))
    if word in CONSTANTS and CONSTANTS[word][0] == 0:
        return Node("constant", span, word)
    return Node("name", span, word)


def _call(nodes: _Nodes, tree: Tree[Token], span: Span) -> Node:
    function, *arguments = tree.children
    word = nodes.letters(cast(Token, function))
    inner = tuple(nodes.of(argument) for argument in arguments)
    if word in CONSTANTS:
        return nodes.join("constant", span, value=word, sizes=inner)
    row = FUNCTIONS.get(word)
    sizes = [place for place in range(len(inner)) if row is not None and row.is_size(place)]
    first = sizes[0] if sizes else len(inner)
    return nodes.join("call", span, *inner[:first], value=word, sizes=inner[first:])


def _comparison(nodes: _Nodes, tree: Tree[Token], span: Span) -> Node:
    left, operator, right = tree.children
    return nodes.join("comparison", span, nodes.of(left), nodes.of(right), value=str(operator))


def _group(nodes: _Nodes, tree: Tree[Token], span: Span) -> Node:
    inner = nodes.of(tree.children[0])
    return replace(inner, span=span)


def _sum(nodes: _Nodes, tree: Tree[Token], span: Span) -> Node:
    terms = [nodes.of(tree.children[0])]
    for sign, part in zip(tree.children[1::2], tree.children[2::2], strict=True):
        term = nodes.of(part)
        terms.append(term if sign == "+" else nodes.join("negative", term.span, term))
    return nodes.join("sum", span, *terms)


def _product(nodes: _Nodes, tree: Tree[Token], span: Span) -> Node:
    """Left to right; a run of the same product is one node."""
    run = [nodes.of(tree.children[0])]
    kind = ""
    for operator, part in zip(tree.children[1::2], tree.children[2::2], strict=True):
        found = PRODUCTS[str(operator)]
        if kind and (found != kind or kind.endswith("divide")):
            run = [nodes.join(kind, (span[0], run[-1].span[1]), *run)]
        kind = found
        run.append(nodes.of(part))
    return nodes.join(kind, span, *run)


def _power(nodes: _Nodes, tree: Tree[Token], span: Span) -> Node:
    base, operator, exponent = tree.children
    raised = nodes.of(exponent)
    inner = raised.children[0] if raised.kind == "negative" else raised
    if inner.kind == "transpose" and inner.children[0].kind == "number":
        left, right = nodes.of(base), nodes.source.text[slice(*inner.children[0].span)]
        sign = "-" if inner is not raised else ""
        power = f"{nodes.source.excerpt(*left.span)}{operator}{sign}{right}"
        raise InputError(
            f"{power}' transposes the {right}, since ' binds tighter than {operator}",
            (f"Write ({power})'.",),
            nodes.source.place(inner.span),
        )
    return nodes.join(POWERS[str(operator)], span, nodes.of(base), raised)


def _transpose(nodes: _Nodes, tree: Tree[Token], span: Span) -> Node:
    return nodes.join("transpose", span, nodes.of(tree.children[0]))


def _negative(nodes: _Nodes, tree: Tree[Token], span: Span) -> Node:
    return nodes.join("negative", span, nodes.of(tree.children[-1]))


def _entry(nodes: _Nodes, tree: Tree[Token], span: Span) -> Node:
    operand, *indices = (nodes.of(child) for child in tree.children)
    return nodes.join("entry", span, operand, sizes=tuple(indices))


def _slice(nodes: _Nodes, tree: Tree[Token], span: Span) -> Node:
    first = tree.children[0]
    bounds = tuple(nodes.of(child) for child in tree.children if isinstance(child, Tree))
    value = ("stop" if isinstance(first, Token) else "start") if len(bounds) == 1 else ""
    return nodes.join("slice", span, value=value, sizes=bounds)


MAKERS: Final[Mapping[str, Callable[[_Nodes, Tree[Token], Span], Node]]] = {
    "number": _number,
    "name": _name,
    "call": _call,
    "comparison": _comparison,
    "group": _group,
    "sum": _sum,
    "product": _product,
    "power": _power,
    "transpose": _transpose,
    "negative": _negative,
    "entry": _entry,
    "slice": _slice,
}
"""How each rule of the grammar becomes a node."""
