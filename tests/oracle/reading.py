"""Text to trees: a reader of its own, so that a problem can be judged from its text alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tests.oracle.tree import INFIX, Dim, Node, Request, Task, Variable, call, constant, number

__all__ = ["read"]

TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<word>[^\W\d]\w*)|(?P<op>\.T\b|<=|>=|\.[*/^]|[-+*@/^'(),<>⊙⊘]))"
)
SPELLINGS: Final[Mapping[str, str]] = {"@": "*", "⊙": ".*", "⊘": "./", ".T": "'"}


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
        while spelling := self.take("'", ".T"):
            node = call("'", node, word="" if spelling == "'" else spelling)
        return node

    def atom(self) -> Node:
        kind, word = self.tokens.pop(0)
        if kind == "number":
            return number(word)
        if word == "(":
            inner = self.expression()
            assert self.take(")")
            return inner
        if not self.take("("):
            return Node("size", (), (1, 1), word) if word in self.dims else self.names[word]
        args: list[Node] = []
        while not self.take(")"):
            args.append(self.expression())
            self.take(",")
        if word in ("I", "ones", "zeros"):
            return constant(word, *(_dim(arg.word) for arg in args))
        return call(word, *args)


def _dim(word: str) -> Dim:
    return int(word) if word.isdigit() else word


def read(text: str) -> Task:
    """The tree of a problem."""
    variables: list[Variable] = []
    definitions: list[tuple[str, Node]] = []
    requests: list[Request] = []
    names: dict[str, Node] = {}
    dims: set[str] = set()

    def expression(text: str) -> Node:
        reader = _Reader(text, names, dims)
        found = reader.expression()
        assert reader.take("") == "" and len(reader.tokens) == 0, f"not read: {text}"
        return found

    for line in filter(None, map(str.strip, text.splitlines())):
        if declared := re.fullmatch(r"(\w+) : \((.*?)\)(.*)", line):
            name, inner, facts = declared.groups()
            own = tuple(_dim(dim) for dim in inner.replace(" ", "").split(",") if dim)
            variables.append(Variable(name, own, tuple(facts.split())))
            names[name] = Node("name", (), variables[-1].shape, name)
            dims.update(dim for dim in own if isinstance(dim, str))
        elif asked := re.fullmatch(r"grad (.*) wrt (.*)", line):
            requests.append(Request(expression(asked[1]), tuple(asked[2].split(", "))))
        else:
            name, _, body = line.partition(" = ")
            definitions.append((name, expression(body)))
            names[name] = Node("name", (), definitions[-1][1].shape, name)
    return Task(tuple(variables), tuple(definitions), tuple(requests))
