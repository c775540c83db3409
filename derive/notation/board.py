"""What is written on the board: a derivation's steps as lines of matrix notation.

Every printing of a derivation (terminal, notes) shows these lines, each with its shapes and its
reasons; nothing else decides what a reader sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from derive.calculus.derivation import Derivation, Source, Step, Sweep
from derive.calculus.jacobians import is_zero
from derive.calculus.layout import Layout, in_layout
from derive.calculus.rules import RULES
from derive.notation.examples import over_examples
from derive.notation.expression import (
    Expr,
    local_jacobian,
    number,
    ones,
    oriented,
    product,
    total,
    transposed,
)
from derive.notation.opening import without_adjoints
from derive.notation.raising import raised
from derive.notation.transcription import transcribed
from derive.tensor.algebra import transpose
from derive.tensor.facts import Reason, is_symmetric
from derive.tensor.lowering import is_row, lowered_parts
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.substitution import substitute, variables_of
from derive.vocabulary import Expression, extent_of

__all__ = [
    "BoardStep",
    "Row",
    "board",
    "definition_form",
    "quantity_form",
    "written_form",
]

WORKED = 24
"""At most this many symbols are in a chain of Jacobians that is written out before it is worked."""

SHORT = 11
"""At most this many symbols are written out behind a result that is written with names."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: expressions that equal each other and the line before.

    Attributes:
        forms: The expressions, joined by equals signs.
        factors: Parts of the last product on the line, whose shapes are shown.
        reasons: The laws, facts and simplifications that lead to it.
        tensors: The tensors whose index notation the line has, for proofs.
    """

    forms: tuple[Expr, ...]
    factors: tuple[Expr, ...]
    reasons: tuple[Reason, ...]
    tensors: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class BoardStep:
    """One step as it is written: the adjoint, and lines from the chain rule to the result."""

    step: Step
    left: Expr
    rows: tuple[Row, ...]


def quantity_form(variable: Variable) -> Expr:
    """A quantity by its name, a row as a row."""
    return oriented(raised(variable), variable.row)


def definition_form(variable: Variable) -> Expr:
    """The formula of a quantity, oriented as it is."""
    assert variable.value is not None
    return oriented(raised(variable.value), variable.row)


def written_form(variable: Variable, derivation: Derivation) -> Expr:
    """The formula of a quantity as its author wrote it, what was given a name by that name."""
    definition = derivation.problem.definitions.get(variable.name)
    assert variable.value is not None
    if definition is None:
        return definition_form(variable)
    introduced = _introduced(variable.value)
    parts = _named_parts(definition.expression, derivation, introduced) if introduced else {}
    form = transcribed(definition.expression, derivation.names, parts)
    direct = {part for part in variables_of(variable.value) if part in introduced}
    return definition_form(variable) if form is None or not direct <= _symbols(form) else form


def _introduced(tensor: Tensor) -> dict[Variable, Tensor]:
    """The names that derive gave to parts of a formula, and what each stands for without them."""
    found: dict[Variable, Tensor] = {}
    for part in variables_of(tensor):
        if part.role == "introduced" and part.value is not None:
            inner = _introduced(part.value)
            found |= inner
            found[part] = substitute(part.value, inner)
    return found


def _named_parts(
    expression: Expression, derivation: Derivation, introduced: Mapping[Variable, Tensor]
) -> dict[Expression, Expr]:
    """What is written for the parts of a formula that have a name."""
    names = {tensor: raised(variable) for variable, tensor in introduced.items()}
    matrices = [(tensor, form) for tensor, form in names.items() if tensor.order == 2]
    names |= {transpose(tensor): transposed(form) for tensor, form in matrices}
    lowered = lowered_parts(expression, derivation.names)
    return {
        part: oriented(names[tensor], tensor.order == 1 and is_row(extent_of(part)))
        for part, tensor in lowered.items()
        if tensor in names and part is not expression
    }


def _symbols(form: Expr) -> set[Variable]:
    """The variables that are written in an expression."""
    found = {form.value} if form.op == "symbol" else set()
    return found.union(*(_symbols(arg) for arg in form.args))


def board(sweep: Sweep, layout: Layout = "numerator") -> tuple[BoardStep, ...]:
    """All steps of a sweep as they are written, Jacobians in a layout.

    The steps in it are those of the sweep in that layout.

    Raises:
        InputError: There is no such layout.
    """
    steps = in_layout(sweep, layout).steps
    return tuple(BoardStep(x, quantity_form(x.adjoint), _rows(x, layout)) for x in steps)


def _rows(step: Step, layout: Layout) -> tuple[Row, ...]:
    if step.adjoint.role == "jacobian":
        return (*_jacobian_rows(step, layout), *_one_by_one(step))
    turned = _by_symmetry(step)
    rows = _chain_rows(step, turned, layout)
    for place, line in enumerate(step.lines[1:], start=1):
        form = _line_form(step, line.tensor, place < turned)
        if form == rows[-1].forms[-1]:
            continue
        reasons = tuple(r for r in line.reasons if r.law != "inserted")
        inserted = len(reasons) < len(line.reasons)
        if inserted:
            names = tuple(s.adjoint for s in step.sources if s.adjoint)
            shown = any(r.law == "chain_rule" for row in rows for r in row.reasons)
            reasons = (Reason("multiplied_out") if shown else Reason("inserted", names),)
            if not shown and form.size < rows[-1].forms[-1].size:
                reasons += (Reason("entrywise" if step.quantity.order else "cancelled"),)
        told = {reason for row in rows for reason in row.reasons}
        reasons = tuple(r for r in reasons if r not in told) or reasons
        rows.append(Row((form,), _factors(form), reasons, (line.tensor,)))
    return tuple(_with_short_form(step, rows))


def _jacobian_rows(step: Step, layout: Layout) -> tuple[Row, ...]:
    """``∂y/∂v = (∂y/∂u) (∂u/∂v)``, what these two are, and the result."""
    row = step.adjoint.row
    if not step.sources:
        named, whole = (oriented(raised(line.tensor), row) for line in step.lines)
        return (Row((named, whole), _factors(whole), step.lines[0].reasons, (step.result,)),)
    telling = [s for s in step.sources if not is_zero(s.sent)] or list(step.sources)
    laws = dict.fromkeys(law for source in telling for law in source.laws)
    silent = [law for s in step.sources if s not in telling for law in s.laws]
    laws |= dict.fromkeys(law for law in silent if law.law in RULES)
    written = [oriented(raised(line.tensor), row) for line in step.lines]
    tensors = tuple(line.tensor for line in step.lines)
    place = 1 + any(r.law == "inserted" for line in step.lines[1:2] for r in line.reasons)
    forms = [written[place - 1]]
    if any(source.adjoint is not None for source in telling):
        chain = total([_chained(source, step, layout) for source in telling])
        worked = _worked(telling, step, layout, place > 1)
        forms = [chain, *([worked] if worked is not None and worked != forms[0] else []), *forms]
    rows = [Row(tuple(forms), _factors(forms[-1]), tuple(laws), tensors[place - 1 : place])]
    for form, line in zip(written[place:], step.lines[place:], strict=True):
        if form != rows[-1].forms[-1]:
            rows.append(Row((form,), _factors(form), line.reasons, (line.tensor,)))
    return tuple(rows)


def _one_by_one(step: Step) -> Iterator[Row]:
    """The Jacobian that was sought as a sum over examples, where that is easier to read."""
    form = raised(step.result)
    found = over_examples(step.result, form) if step.sought else form
    if found is not form:
        form = oriented(found, step.adjoint.row)
        yield Row((form,), _factors(form), (Reason("one_by_one"),), (step.result,))


def _chained(source: Source, step: Step, layout: Layout) -> Expr:
    """``(∂y/∂u) (∂u/∂v)`` by their names, turned round in denominator layout.

    What y takes from v itself has no name beside the whole of ``∂y/∂v``, and is written out.
    """
    if source.adjoint is None:
        return oriented(raised(source.sent), step.adjoint.row)
    pair = (quantity_form(source.adjoint), local_jacobian(source.user, step.quantity, layout))
    return _unmerged_product(pair if layout == "numerator" else pair[::-1])


def _worked(sources: Sequence[Source], step: Step, layout: Layout, inserted: bool) -> Expr | None:
    """The chain with every Jacobian written out and nothing multiplied.

    None where that is long, or everything is 0.

    Args:
        sources: What the step takes its parts from.
        step: The step.
        layout: Of its Jacobians.
        inserted: Whether the step writes the Jacobians above it out.
    """
    terms = []
    for source in sources:
        if source.adjoint is None:
            terms.append(oriented(raised(source.sent), step.adjoint.row))
            continue
        above, local = source.adjoint, source.jacobian
        assert above.value is not None and local is not None
        if is_zero(above.value) or is_zero(local):
            return None
        first = raised(above.value if inserted else above)
        second = raised(local)
        by_row = local.order == 1 and (layout == "numerator") is not bool(source.user.order)
        pair = (oriented(first, above.row), oriented(second, by_row))
        terms.append(_side_by_side(pair if layout == "numerator" else pair[::-1]))
    found = total(terms)
    return None if found.has_index or found.size > WORKED else found


def _side_by_side(pair: Sequence[Expr]) -> Expr:
    """Two Jacobians as factors of one product; multiples of the identity are numbers in front."""
    front: list[Expr] = []
    parts: list[Expr] = []
    for part in pair:
        if part.op == "number" and not part.is_scalar:
            part = product([number(part.value), ones(part.rows, part.cols)])
        flat = part.args if part.op == "product" else (part,)
        if flat[-1].op == "identity":
            front.extend(flat[:-1])
        else:
            spread = not parts or not flat[0].is_scalar
            parts.extend(flat if spread else (part,))
    told = [part for part in (*front, *parts) if part != number(1)]
    return _unmerged_product(told or pair[:1])


def _line_form(step: Step, tensor: Tensor, both_ways: bool) -> Expr:
    """A line of a step; on request with symmetric matrices read both ways, ``S x + Sᵀ x``."""
    form = oriented(raised(tensor), step.quantity.row)
    if both_ways:
        names = _symmetric_names(tensor)
        plain = substitute(tensor, {v: Variable(v.name, v.shape, role=v.role) for v in names})
        wide = oriented(raised(plain), step.quantity.row)
        if wide.transposes != form.transposes:
            return wide
    return form


def _symmetric_names(tensor: Tensor) -> list[Variable]:
    return [v for v in variables_of(tensor) if v.order == 2 and is_symmetric(v)]


def _by_symmetry(step: Step) -> int:
    """The line for which a symmetric matrix was read in the other direction; else 0."""
    places = (p for p, x in enumerate(step.lines) if any(r.law == "symmetric" for r in x.reasons))
    return next(places, 0)


def _chain_rows(step: Step, turned: int, layout: Layout) -> list[Row]:
    """The chain rule: what comes from each quantity that is computed from this one."""
    laws = tuple(dict.fromkeys(law for source in step.sources for law in source.laws))
    laws = tuple(law for law in laws if law.law != "summed") or laws
    tensor = step.lines[0].tensor
    sent, both = _line_form(step, tensor, False), _line_form(step, tensor, True)
    if turned and sent == _line_form(step, step.lines[turned].tensor, False):
        laws += tuple(r for r in step.lines[turned].reasons if r.law == "symmetric")
    elif turned:
        sent = both
    elif sent != both:
        laws += tuple(Reason("symmetric", (name,)) for name in _symmetric_names(tensor))
    tensors = (tensor,)
    if len(step.sources) == 1 and not step.quantity.row:
        (source,) = step.sources
        local = _local(source)
        if local is not None and source.adjoint is not None:
            return _through_jacobian(step, source, local, (laws, sent), layout)
    return [Row((sent,), _factors(sent), tuple(_sided(law, sent) for law in laws), tensors)]


def _sided(law: Reason, form: Expr) -> Reason:
    """The law of the matrix product for the side on which the adjoint is written."""
    if law.law not in ("left_factor", "right_factor"):
        return law
    parts = form.args if form.op == "add" else (form,)
    ends = [_factors(part)[-1] for part in parts]
    at_end = any(end.op == "symbol" and end.value.role == "adjoint" for end in ends)
    return Reason("right_factor" if at_end else "left_factor", law.subjects)


def _local(source: Source) -> Expr | None:
    """The local Jacobian in matrix notation, where it is a matrix worth showing."""
    if source.jacobian is None or source.user.row:
        return None
    if source.jacobian.order != 2:
        return None
    form = raised(source.jacobian)
    return None if form.op in ("index", "identity") else form


def _through_jacobian(
    step: Step,
    source: Source,
    local: Expr,
    arrived: tuple[tuple[Reason, ...], Expr],
    layout: Layout,
) -> list[Row]:
    """``v̄ = (∂u/∂v)ᵀ ū`` with the local Jacobian written out, and what arrives by which laws."""
    (laws, sent), adjoint = arrived, source.adjoint
    assert adjoint is not None and adjoint.value is not None
    above = quantity_form(adjoint)
    turned = transposed(local)
    tensors = (step.lines[0].tensor,)
    if local.op == "diag" or (local.op == "negative" and local.args[0].op == "diag"):
        chain = product([turned, above])
        return [Row((chain, sent), _factors(chain), laws, tensors)]
    laws = tuple(_sided(law, sent) for law in laws)
    if local.op != "add":
        return [Row((sent,), _factors(sent), laws, tensors)]
    named = local_jacobian(source.user, step.quantity, layout)
    symbolic = product([named if layout == "denominator" else transposed(named), above])
    rows = [Row((symbolic,), _factors(symbolic), (Reason("chain_rule"),))]
    inserted = any(r.law == "inserted" for line in step.lines for r in line.reasons)
    coming = raised(adjoint.value) if inserted else above
    chain = _unmerged_product([turned, coming])
    rows.append(Row((chain,), _factors(chain), laws, tensors))
    if not inserted and sent != chain:
        rows.append(Row((sent,), _factors(sent), (Reason("multiplied_out"),), tensors))
    return rows


def _unmerged_product(parts: Sequence[Expr]) -> Expr:
    """A product of exactly these parts, signs and fractions left inside them."""
    if len(parts) == 1:
        return parts[0]
    arrays = [part for part in parts if not part.is_scalar] or parts
    return Expr("product", tuple(parts), arrays[0].rows, arrays[-1].cols)


def _factors(form: Expr) -> tuple[Expr, ...]:
    """The factors whose shapes explain a product; the form itself where it is none."""
    inner = form.args[0] if form.op == "negative" else form
    if inner.op == "fraction":
        inner = inner.args[0]
    if inner.op != "product":
        return (form,)
    arrays = tuple(arg for arg in inner.args if not arg.is_scalar)
    return arrays if len(arrays) > 1 else (form,)


def _with_short_form(step: Step, rows: list[Row]) -> list[Row]:
    """The last line with the result written out, where that is short."""
    result = step.result
    found = without_adjoints(result, SHORT)
    if found is None or found[0] is result:
        return rows
    form = oriented(found[1], step.quantity.row)
    last = rows[-1]
    if form == last.forms[-1] or form.op == "index":
        return rows
    rows[-1] = Row((*last.forms, form), last.factors, last.reasons, last.tensors)
    return rows
