"""What is said when shapes do not fit: the formula, both operands with their sizes, a remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from derive.errors import InputError
from derive.language.tree import Node, Requested, Span, in_order
from derive.language.words import default_kind, function_of
from derive.problem import ASKED, Note
from derive.shapes import ONE, Dim, Extent, same
from derive.vocabulary import EITHER, complaint

if TYPE_CHECKING:
    from derive.language.inference import Shapes

__all__ = [
    "Misfit",
    "base",
    "call",
    "choice",
    "divisor",
    "entrywise",
    "enumerate_names",
    "exponent",
    "filling",
    "gradient",
    "open_size",
    "product",
    "single_index",
    "taken_as",
    "undecided",
]


class Misfit(Exception):
    """Shapes that do not fit, for one choice of kinds.

    Attributes:
        error: What the user is told if no other choice fits.
        nodes: What the shapes at fault come from.
        final: Whether names of other kinds are no remedy.
        weak: Whether it is likelier that something else was meant than that a name is a scalar:
            two bare columns multiplied, a gradient of what is no scalar.
    """

    def __init__(
        self, error: InputError, nodes: Sequence[Node], weak: bool = False, final: bool = False
    ) -> None:
        super().__init__(error.summary)
        self.error = error
        self.final = final
        self.nodes = tuple(nodes)
        self.weak = weak


def _text(shapes: Shapes, span: Span) -> str:
    return shapes.program.source.excerpt(*span)


def _in_brackets(shapes: Shapes, node: Node) -> str:
    """The text of an operand, ready for a postfix or another operator."""
    text = _text(shapes, node.span)
    simple = node.kind in ("name", "number", "call", "constant", "transpose", "entry")
    return text if simple or text.startswith("(") else f"({text})"


def _undeclared(shapes: Shapes, nodes: Iterable[Node]) -> list[str]:
    """A line on the names in these expressions whose kind was taken from their spelling."""
    names = {n.value for root in nodes for n in in_order(root) if n.kind == "name"}
    found = [name for name in shapes.program.open if name in names]
    if not found:
        return []
    if len(found) == 1:
        kind = shapes.kinds[found[0]].replace("vector", "column vector")
        return [f"{found[0]} is not declared, and was taken as a {kind}."]
    return [f"{enumerate_names(found)} are not declared; their kinds follow from their spelling."]


def enumerate_names(names: Sequence[str], word: str = "and") -> str:
    """Some names in words; of many only the first are listed."""
    if len(names) > 5:
        return f"{', '.join(names[:4])} {word} {len(names) - 4} more"
    return f"{', '.join(names[:-1])} {word} {names[-1]}"


def _declarations(shapes: Shapes, *pairs: tuple[Node, Extent]) -> list[str]:
    """A line that proposes declarations, for those operands that are plain variables."""
    proposed = [
        f"{node.value} : {shapes.show(extent)}"
        for node, extent in pairs
        if node.kind == "name" and (node.value in shapes.program.shapes or _is_open(shapes, node))
    ]
    return [f"Declare {', or '.join(proposed)}."] if proposed else []


def _is_open(shapes: Shapes, node: Node) -> bool:
    return node.value in shapes.program.open


def product(shapes: Shapes, node: Node, position: int, left: Extent, right: Extent) -> Misfit:
    """``left*right`` where the columns on the left are not the rows on the right."""
    factors = node.children
    factor = factors[position]
    span = (factors[0].span[0], factors[position - 1].span[1])
    before = factors[0] if position == 1 else Node("product", span, "", factors[:position])
    first, second = _text(shapes, span), _text(shapes, factor.span)
    is_first, is_second = shapes.show(left), shapes.show(right)
    place = shapes.program.source.place(span, factor.span)
    facts = [f"{first} is {is_first}, {second} is {is_second}"]
    if same(left[1], ONE) and same(right[1], ONE):
        a, b = _in_brackets(shapes, before), _in_brackets(shapes, factor)
        facts[0] += "."
        facts.append(
            f"Write {a} .* {b} for the product entry by entry, {a}'*{b} for the inner product, "
            f"{a}*{b}' for the outer product."
        )
        bare = before.kind == factor.kind == "name"
        facts += _undeclared(shapes, (before, factor))
        error = InputError("two columns cannot be multiplied with *", facts, place)
        return Misfit(error, (before, factor), bare)
    columns, rows = (shapes.sizes.resolve(left[1]), shapes.sizes.resolve(right[0]))
    meeting = "the single column" if same(columns, ONE) else f"the {columns} columns"
    verb = "meets" if same(columns, ONE) else "meet"
    met = "the single row" if same(rows, ONE) else f"the {rows} rows"
    facts[0] += f": {meeting} of {first} {verb} {met} of {second}."
    facts += _undeclared(shapes, (before, factor))
    facts += _declarations(shapes, (factor, (columns, right[1])), (before, (left[0], rows)))
    whole = _text(shapes, (span[0], factor.span[1]))
    return Misfit(InputError(f"the shapes do not fit in {whole}", facts, place), (before, factor))


def entrywise(shapes: Shapes, node: Node, operands: Sequence[Extent], position: int) -> Misfit:
    """Operands of ``+``, ``.*`` or an entrywise function, of which one does not fit."""
    extents = [shapes.resolve(operand) for operand in operands]
    culprit = next(
        (p for p in range(position) if not _fit(extents[p], extents[position])), position - 1
    )
    both = left, right = [_unsigned(node.children[p]) for p in (culprit, position)]
    first, second = _text(shapes, left.span), _text(shapes, right.span)
    facts = [
        f"{first} is {shapes.show(extents[culprit])}, {second} is "
        f"{shapes.show(extents[position])}: entry by entry, both need the same shape, or size 1 "
        "along an axis."
    ]
    facts += _undeclared(shapes, both)
    rows, columns = extents[position]
    is_column = [same(extents[p][1], ONE) for p in (culprit, position)]
    if is_column == [False, True] and _fit(extents[culprit], (columns, rows)):
        facts.append(f"Write {_in_brackets(shapes, right)}' to repeat it along every row.")
    elif is_column[0] == is_column[1]:
        pairs = ((right, extents[culprit]), (left, extents[position]))
        facts += _declarations(shapes, *pairs[: 2 if len(node.children) == 2 else 1])
    whole = node.span if len(both) == len(node.children) else (left.span[0], right.span[1])
    error = InputError(
        f"the shapes do not fit in {_text(shapes, whole)}",
        facts,
        shapes.program.source.place(left.span, right.span),
    )
    return Misfit(error, both)


def _unsigned(node: Node) -> Node:
    """A term of a difference without the minus in front of it."""
    signed = node.kind == "negative" and node.children[0].span == node.span
    return node.children[0] if signed else node


def _fit(left: Extent, right: Extent) -> bool:
    """Whether two extents broadcast."""
    return all(same(a, b) or same(a, ONE) or same(b, ONE) for a, b in zip(left, right, strict=True))


def divisor(shapes: Shapes, node: Node, extent: Extent) -> Misfit:
    """``/`` by what is no scalar."""
    left, right = node.children
    a, b = _in_brackets(shapes, left), _in_brackets(shapes, right)
    facts = [f"{_text(shapes, right.span)} is {shapes.show(extent)}."]
    facts += _undeclared(shapes, (right,))
    remedy = f"Write {a} ./ {b} to divide entry by entry"
    square = same(*shapes.resolve(extent))
    facts.append(
        f"{remedy}, inv({_text(shapes, right.span)})*{a} or {a}*inv({_text(shapes, right.span)}) "
        "for a solution."
        if square
        else f"{remedy}."
    )
    error = InputError("/ divides by a scalar", facts, shapes.program.source.place(right.span))
    return Misfit(error, (right,))


def exponent(shapes: Shapes, node: Node, extent: Extent) -> Misfit:
    """``^`` with an exponent that is no scalar."""
    left, right = node.children
    facts = [f"{_text(shapes, right.span)} is {shapes.show(extent)}."]
    facts += _undeclared(shapes, (right,))
    facts.append(
        f"Write {_in_brackets(shapes, left)} .^ {_in_brackets(shapes, right)} for powers entry by "
        "entry."
    )
    error = InputError("an exponent is a scalar", facts, shapes.program.source.place(right.span))
    return Misfit(error, (right,))


def base(shapes: Shapes, node: Node, extent: Extent) -> Misfit:
    """``^`` of what is neither a scalar nor square."""
    left, right = node.children
    a, b = _in_brackets(shapes, left), _in_brackets(shapes, right)
    facts = [f"{_text(shapes, left.span)} is {shapes.show(extent)}."]
    facts += _undeclared(shapes, (left,))
    facts.append(f"Write {a} .^ {b} for powers entry by entry.")
    error = InputError(
        "^ needs a scalar or a square matrix", facts, shapes.program.source.place(left.span)
    )
    return Misfit(error, (left,))


def filling(shapes: Shapes, node: Node, extent: Extent) -> Misfit:
    """``vector(c)`` of what is no scalar."""
    (child,) = node.children
    error = InputError(
        f"{node.value}(c) fills with a scalar",
        (f"{_text(shapes, child.span)} is {shapes.show(extent)}.",),
        shapes.program.source.place(child.span),
    )
    return Misfit(error, (child,))


def call(shapes: Shapes, node: Node, operands: Sequence[Extent], position: int) -> Misfit:
    """A function of which one argument has not the shape that it needs."""
    function = function_of(node)
    if function.joins:
        return _joined(shapes, node, operands, position)
    argument = node.children[position]
    wanted = function.wants(position)
    axes = function.axes(position)
    text = _text(shapes, argument.span)
    facts = [f"{text} is {shapes.show(operands[position])}."]
    sizes = {"1": ONE}
    if node.sizes:
        needed = [f"{p} is {_text(shapes, n.span)}" for p, n in zip("mn", node.sizes, strict=True)]
        facts.append(f"{' and '.join(needed)}.")
    for owner in range(position):
        for part, axis in enumerate(function.axes(owner)):
            if axis.isalpha() and axis not in sizes:
                sizes[axis] = shapes.sizes.resolve(operands[owner][part])
                side = ("rows", "columns")[part]
                owner_text = _text(shapes, node.children[owner].span)
                if axis in axes and not same(sizes[axis], operands[position][axes.index(axis)]):
                    facts.append(f"{axis} is {sizes[axis]}, the {side} of {owner_text}.")
    facts += _undeclared(shapes, (argument,))
    wanted_rows, wanted_columns = (axes[1], "1") if axes[0] == EITHER else axes
    if wanted_rows == wanted_columns != "1":
        sizes = {wanted_rows: operands[position][0]}
    if wanted_rows in sizes and wanted_columns in sizes:
        proposed = (sizes[wanted_rows], sizes[wanted_columns])
        facts += _declarations(shapes, (argument, proposed))
    called = node.value if len(node.children) == 1 else function.usage
    takes = f"{called} takes {wanted}"
    if len(node.children) > 1:
        takes += f" as {function.parameters[position]}"
    error = InputError(takes, facts, shapes.program.source.place(argument.span))
    return Misfit(error, node.children)


def _joined(shapes: Shapes, node: Node, operands: Sequence[Extent], position: int) -> Misfit:
    """``hcat`` of arrays of different heights, ``vcat`` of different widths."""
    side = 0 if node.value == "hcat" else 1
    noun = ("rows", "columns")[side]
    both = [node.children[0], node.children[position]]
    told = [
        f"{_text(shapes, child.span)} is {shapes.show(extent)}"
        for child, extent in zip(both, (operands[0], operands[position]), strict=True)
    ]
    error = InputError(
        f"the arguments of {node.value} need equally many {noun}",
        (f"{', '.join(told)}.", *_undeclared(shapes, both)),
        shapes.program.source.place(both[0].span, both[1].span),
    )
    return Misfit(error, node.children)


def gradient(shapes: Shapes, request: Requested, extent: Extent) -> Misfit:
    """A gradient or a Hessian of what is no scalar."""
    text = _text(shapes, request.expression.span)
    names = ", ".join(name.text for name in request.wrt)
    asked = ASKED[request.kind]
    facts = [f"{text} is {shapes.show(extent)}."]
    facts += _undeclared(shapes, (request.expression,))
    if request.kind == "grad":
        facts.append(
            f"Ask for jacobian {text} wrt {names}, or for the gradient of a scalar made of it, "
            f"such as sum({text})."
        )
    else:
        facts.append(f"Ask for the {asked} of a scalar made of it, such as sum({text}).")
    error = InputError(
        f"{text} is not a scalar, and only a scalar has a {asked}",
        facts,
        shapes.program.source.place(request.expression.span),
    )
    return Misfit(error, (request.expression,), weak=True)


def open_size(shapes: Shapes, node: Node) -> Misfit:
    """A constant whose size nothing around it says."""
    usage = {"vector": "c*ones(n)", "matrix": "c*ones(m, n)"}.get(node.value, "I(n)")
    error = InputError(
        f"nothing says which size {_text(shapes, node.span)} has",
        (f"Write its size: {usage}.",),
        shapes.program.source.place(node.span),
    )
    return Misfit(error, (node,))


def single_index(shapes: Shapes, node: Node, extent: Extent) -> Misfit:
    """``A[i]`` of what is not a column."""
    (operand,) = node.children
    (index,) = node.sizes
    a, i = _in_brackets(shapes, operand), _text(shapes, index.span)
    facts = [f"{_text(shapes, operand.span)} is {shapes.show(extent)}."]
    facts += _undeclared(shapes, (operand,))
    facts.append(f"Write {a}[{i}, :] for rows, {a}[:, {i}] for columns.")
    error = InputError(
        "one index needs a column vector", facts, shapes.program.source.place(node.span)
    )
    return Misfit(error, (operand,))


def choice(
    shapes: Shapes, node: Node, axis: int, start: Dim, stop: Dim, size: Dim
) -> Misfit | None:
    """An index or a slice that is not inside, or not known to be."""
    (operand,) = node.children
    index = node.sizes[axis]
    noun = "entry" if len(node.sizes) == 1 else ("row", "column")[axis]
    owner = _text(shapes, operand.span)
    wrong = complaint(_text(shapes, index.span), noun, owner, start, stop, size)
    if wrong is None:
        return None
    summary, facts = wrong
    remedy: list[str] = []
    if stop.is_Integer and not size.is_Integer and stop > 0:
        extent = [*shapes.resolve(shapes.extent(operand))]
        extent[axis] = stop
        remedy = _declarations(shapes, (operand, (extent[0], extent[1])))
    error = InputError(
        summary,
        (*_undeclared(shapes, (operand,)), *(remedy or facts)),
        shapes.program.source.place(index.span),
    )
    return Misfit(error, (operand,))


def undecided(shapes: Shapes, node: Node, left: Dim, right: Dim) -> Misfit:
    """Sizes that several choices of names fulfil: ``m + k = 6``."""
    shapes.name_sizes()
    text = _text(shapes, node.span)
    left, right = shapes.sizes.resolve(left), shapes.sizes.resolve(right)
    sizes = left.free_symbols | right.free_symbols
    behind = {n.value for n in in_order(node) if n.kind == "name"}
    sized = [
        name
        for name in shapes.program.open
        if any(dim.free_symbols & sizes for dim in shapes.resolve(shapes.extents[name]))
    ]
    names = [name for name in sized if name in behind] or sized or [*shapes.program.open]
    listed = names[0] if len(names) == 1 else enumerate_names(names)
    error = InputError(
        f"the sizes of {listed} cannot be inferred",
        (
            f"{text} needs {left} to be {right}, and there are several ways.",
            f"Declare the shape of {listed.replace(' and ', ' or ')}.",
        ),
        shapes.program.source.place(node.span),
    )
    return Misfit(error, (node,), final=True)


def taken_as(name: str, kind: str, forced: bool) -> Note:
    """The note on a name that is not what its spelling says."""
    usual, found = (k.replace("vector", "column vector") for k in (default_kind(name), kind))
    return Note(FORCED if forced else MISFIT, name=name, usual=usual, found=found)


FORCED: Final = (
    "{name} is not declared, and is taken as a {found}: it stands where only a scalar can"
)
MISFIT: Final = "{name} is not declared, and is taken as a {found}: as a {usual} it would not fit"
