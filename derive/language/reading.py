"""The road from text to a problem: parse, sort, infer shapes, build expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from derive.errors import InputError
from derive.language.building import build
from derive.language.inference import Shapes
from derive.language.kinds import settle
from derive.language.parser import parse_statements, parse_sum
from derive.language.program import Program, collect
from derive.language.source import ASKING, Source, clean, read_source
from derive.language.tree import Node, Requested
from derive.language.words import spelled_out
from derive.problem import Definition, Problem, Request, Variable, free_name
from derive.shapes import Dim, as_dim, shape_of_extent
from derive.vocabulary import Expression, extent_of

__all__ = ["parse", "parse_expression", "read"]


def read(path: Path | str) -> Problem:
    """The problem in a file, or on standard input for ``-``.

    Raises:
        InputError: The file is missing, unreadable, too large or not text; or as :func:`parse`.
        UnsupportedError: As :func:`parse`.
    """
    text, name = read_source(path)
    return parse(text, name, "problem" if name == "<stdin>" else Path(path).stem)


def parse(text: str, source: str = "<expression>", name: str = "problem") -> Problem:
    """The problem that a text states.

    Args:
        text: Statements of the language.
        source: What messages call the text.
        name: Of the problem.

    Raises:
        InputError: The text is not in the language, shapes do not fit, nothing is asked.
        UnsupportedError: It uses a part of the language that is not supported yet.

    >>> problem = parse("J = norm2(A*x - b)^2; grad J wrt x")
    >>> {variable.name: str(variable.shape) for variable in problem.variables.values()}
    {'A': '(m, n)', 'x': '(n,)', 'b': '(m,)'}
    """
    laid = clean(text, source)
    statements = parse_statements(laid)
    if not statements:
        raise InputError(f"nothing is asked in {source}: it is empty", (ASKING,))
    program = collect(laid, statements)
    shapes, notes = settle(program)
    definitions: dict[str, Definition] = {}
    names: dict[str, Expression] = {}
    for label, root in program.definitions.items():
        expression = build(shapes, root, names)
        definitions[label] = Definition(label, expression, shapes.shape(label))
    variables = {
        label: Variable(label, shape, program.facts[label])
        for label, shape in program.shapes.items()
    } | {label: Variable(label, shapes.shape(label), inferred=True) for label in program.open}
    requests = _requests(shapes, names, variables, definitions)
    return Problem(variables, definitions, requests, name, text, notes)


def _requests(
    shapes: Shapes,
    names: Mapping[str, Expression],
    variables: Mapping[str, Variable],
    definitions: dict[str, Definition],
) -> tuple[Request, ...]:
    """The requests; an expression in one becomes a definition, called ``f``."""
    unnamed: dict[Expression, str] = {}
    requests = []
    for request in shapes.program.requests:
        root = request.expression
        if root.kind == "name" and (root.value in variables or root.value in definitions):
            of = root.value
        else:
            expression = build(shapes, root, names)
            if expression not in unnamed:
                label = free_name("f", (*variables, *definitions, *shapes.program.sizes))
                shape = shape_of_extent(extent_of(expression))
                definitions[label] = Definition(label, expression, shape, given=False)
                unnamed[expression] = label
            of = unnamed[expression]
        wrt = tuple(wanted.text for wanted in request.wrt)
        place = shapes.program.source.place(request.span)
        if request.kind != "derivative":
            wrt = tuple(dict.fromkeys(wrt))
        elif request.joint:
            raise InputError(
                "a derivative is by one variable after the other",
                (f"Write wrt {', '.join(wrt)}, without brackets.",),
                place,
            )
        requests.append(Request(request.kind, of, wrt, request.joint and len(wrt) > 1, place))
    return tuple(requests)


def parse_expression(
    text: str, problem: Problem, shapes: Mapping[str, Sequence[int | str | Dim]] | None = None
) -> Expression:
    """An expression in the names and sizes of a problem, as SymPy's.

    Args:
        text: An expression of the language.
        problem: Its variables and definitions are the names that are known.
        shapes: Of further names.

    Raises:
        InputError: As :func:`parse`.
        UnsupportedError: As :func:`parse`.
    """
    laid = clean(text, "<expression>")
    root = parse_sum(laid)
    program = _surroundings(laid, problem, shapes or {}, root)
    solved, _ = settle(program)
    given = (*problem.variables, *problem.definitions)
    names = {spelled_out(name): problem.symbol(name) for name in given if spelled_out(name) != name}
    return build(solved, root, names)


def _surroundings(
    laid: Source, problem: Problem, shapes: Mapping[str, Sequence[int | str | Dim]], root: Node
) -> Program:
    """A program that asks about one expression, among the names of a problem."""
    program = Program(laid, sizes=set(problem.sizes))
    program.shapes = {
        spelled_out(name): problem.shape(name)
        for name in (*problem.variables, *problem.definitions)
    } | {name: tuple(as_dim(dim) for dim in shape) for name, shape in shapes.items()}
    program.sizes |= {
        s.name for shape in program.shapes.values() for d in shape for s in d.free_symbols
    }
    program.look_around((root,))
    program.requests = (Requested("jacobian", root, (), False, root.span),)
    return program
