"""Text to trees: a reader of its own, so that a problem can be judged from its text alone.

Comments say what the language has no words for: ``# x : (n)`` is a variable that is not declared,
``# p: probability`` a fact of a definition.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tests.oracle.sizes import Dim, minus, plus, times
from tests.oracle.tree import (
    INFIX,
    SCALAR,
    Node,
    Request,
    Task,
    Variable,
    call,
    constant,
    extent,
    number,
)

__all__ = ["read", "read_expression"]

TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)|(?P<word>[^\W\d]\w*)|(?P<index>\[[^\]]*\])"
    r"|(?P<op>\.T\b|\*\*|<=|>=|\.[*/^]|[-+*/@^'(),<>⊙⊘]))"
)
SPELLINGS: Final[Mapping[str, str]] = {"@": "*", "**": "^", "⊙": ".*", "⊘": "./", ".T": "'"}


class _Reader:
    """Reads one expression."""

    def __init__(self, text: str, names: Mapping[str, Node], dims: set[str]) -> None:
        self.names, self.dims = names, dims
        self.tokens: list[tuple[str, str]] = []
        end = 0
        while match := TOKEN.match(text, end):
            assert match.lastgroup
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            end = match.end()
        assert not text[end:].strip(), f"not read: {text[end:]!r}"
        self.tokens.append(("end", ""))

    def take(self, *words: str) -> str:
        """The next token, if it is one of these."""
        return self.tokens.pop(0)[1] if self.tokens[0][1] in words else ""

    def expression(self, level: int = 0) -> Node:
        """Operators that bind at least as tightly as ``level``."""
        left = self.prefixed(level)
        while True:
            spelling = self.tokens[0][1]
            op = SPELLINGS.get(spelling, spelling)
            if self.tokens[0][0] != "op" or op not in INFIX or INFIX[op][0] < level:
                return left
            self.take(spelling)
            word = "" if op == spelling else spelling
            left = call(op, left, self.expression(INFIX[op][2]), word=word)

    def prefixed(self, level: int) -> Node:
        if self.take("-"):
            return call("neg", self.expression(3))
        node = self.atom()
        while True:
            if self.tokens[0][0] == "index":
                node = call("[]", node, word=self.tokens.pop(0)[1][1:-1])
            elif spelling := self.take("'", ".T"):
                node = call("'", node, word="" if spelling == "'" else spelling)
            else:
                return node

    def atom(self) -> Node:
        kind, word = self.tokens.pop(0)
        if kind == "number":
            return number(word)
        if word == "(":
            inner = self.expression()
            assert self.take(")")
            return inner
        if word in ("pi", "e"):
            return number(word)
        if not self.take("("):
            return Node("size", (), SCALAR, word) if word in self.dims else self.names[word]
        args: list[Node] = []
        while not self.take(")"):
            args.append(self.expression())
            self.take(",")
        if word in ("I", "ones", "zeros"):
            return constant(word, *map(_size, args))
        if word in ("unvec", "commutation"):
            first = int(word == "unvec")
            return call(word, *args[:first], *(extent(_size(arg)) for arg in args[first:]))
        return call(word, *args)


def _size(node: Node) -> Dim:
    """The size that an expression over sizes is."""
    if not node.args:
        return plus(node.word, 0)
    return {"+": plus, "-": minus, "*": times}[node.op](*map(_size, node.args))


def read_expression(text: str, names: Mapping[str, Node], dims: set[str]) -> Node:
    """The tree of an expression.

    Args:
        text: In the language.
        names: What stands for a name.
        dims: Names of dimensions.
    """
    reader = _Reader(text, names, dims)
    found = reader.expression()
    assert reader.tokens == [("end", "")], f"not read: {text}"
    return found


def read(text: str) -> Task:
    """The tree of a problem."""
    variables: list[Variable] = []
    definitions: list[tuple[str, Node]] = []
    requests: list[Request] = []
    facts: dict[str, tuple[str, ...]] = {}
    names: dict[str, Node] = {}
    dims: set[str] = set()
    for line in filter(None, map(str.strip, text.splitlines())):
        if given := re.fullmatch(r"(# )?(\w+) : \((.*?)\)(.*)", line):
            comment, name, inner, known = given.groups()
            own = tuple(plus(dim.strip(), 0) for dim in inner.split(",") if dim)
            variables.append(Variable(name, own, tuple(known.split()), not comment))
            names[name] = Node("name", (), variables[-1].shape, name)
            dims.update(dim for dim in own if isinstance(dim, str) and dim.isidentifier())
        elif known_of := re.fullmatch(r"# (\w+): (.*)", line):
            facts[known_of[1]] = tuple(known_of[2].split())
        elif asked := re.fullmatch(r"(grad|jacobian|hessian) (.*) wrt (.*)", line):
            of = read_expression(asked[2], names, dims)
            wrt = tuple(asked[3].strip("()").split(", "))
            requests.append(Request(of, wrt, asked[1], asked[3].startswith("(")))
        else:
            name, _, body = line.partition(" = ")
            definitions.append((name, read_expression(body, names, dims)))
            names[name] = Node("name", (), definitions[-1][1].shape, name)
    return Task(tuple(variables), tuple(definitions), tuple(requests), facts)
