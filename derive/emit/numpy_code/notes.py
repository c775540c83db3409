"""What a generated module says about itself: the formulas, the layout, the shapes, the check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from derive.calculus.derivation import Derivation, Result, Sweep
from derive.emit.numpy_code.layout import WIDTH, paragraph
from derive.emit.numpy_code.names import identifier
from derive.emit.text import name_of, text
from derive.notation.answers import closed_form, explained, explanation
from derive.notation.board import definition_form, written_form
from derive.notation.expression import Expr, oriented
from derive.notation.raising import raised
from derive.problem import Problem
from derive.shapes import Shape
from derive.tensor.nodes import Variable

__all__ = ["argument_text", "module_notes", "shape_code"]

FACT_WORDS: Final = {
    "symmetric": "symmetric",
    "positive_definite": "symmetric and positive definite",
    "diagonal": "diagonal",
    "orthogonal": "orthogonal",
    "lower_triangular": "lower triangular",
    "positive": "with entries > 0",
    "nonnegative": "with entries >= 0",
    "signs": "with entries +1 or -1",
    "probability": "sums to 1",
    "onehot": "one-hot",
    "integer": "of whole numbers",
}

SYMMETRIC: Final = frozenset({"symmetric", "positive_definite"})

MOST_CLOSED: Final = 12
"""With more answers than this, no closed forms are written out."""

COLUMN: Final = 64


def shape_code(shape: Shape) -> str:
    """A shape as NumPy prints it: ``(3,)``, ``(m, 2)``, ``()``."""
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def argument_text(problem: Problem, names: Iterable[str], sizes: Iterable[str] = ()) -> str:
    """Arguments with their shapes and facts: ``x (3,), y (2,) sums to 1``; and sizes."""
    parts = []
    for name in names:
        variable = problem.variables[name]
        facts = [FACT_WORDS[fact] for fact in FACT_WORDS if fact in variable.facts]
        if "sums to 1" in facts and len(variable.shape) == 2:
            facts[facts.index("sums to 1")] = "with rows that sum to 1"
        words = f" {', '.join(facts)}" if facts else ""
        part = f"{identifier(name)} {shape_code(variable.shape)}{words}"
        parts.append(part.replace(" ", "\N{NO-BREAK SPACE}"))
    parts += [f"{identifier(size)}\N{NO-BREAK SPACE}a\N{NO-BREAK SPACE}size" for size in sizes]
    return ", ".join(parts)


GRADIENTS: Final = "Gradients; each has the shape of its variable:"
DERIVATIVES: Final = "Derivatives; in Jacobians and Hessians a matrix counts by its vec:"
HIGHER: Final = (
    "Derivatives of third and higher order have no function here; derive explain prints them."
)


def module_notes(
    derivation: Derivation,
    title: str,
    verified: str,
    switch: str,
    arguments: tuple[Sequence[str], Sequence[str]],
) -> list[str]:
    """The docstring of the module, line by line.

    Args:
        derivation: What is computed.
        title: The first line.
        verified: What was checked.
        switch: The name that switches the check of shapes off.
        arguments: Variables and sizes that the functions take.
    """
    problem = derivation.problem
    inputs, sizes = arguments
    lines = [title, ""]
    forward = {v: None for sweep in derivation.sweeps for v in sweep.forward}
    if forward:
        lines += ["Forward pass:", "", *_formulas(derivation, forward), ""]
    of_vecs = any(sweep.kind != "grad" for sweep in derivation.sweeps)
    lines += [DERIVATIVES if of_vecs else GRADIENTS, ""]
    for sweep in derivation.sweeps:
        if not sweep.results[0].through:
            lines += [*_results(derivation, sweep), ""]
    if any(result.through for result in derivation.results):
        lines += [*paragraph(HIGHER), ""]
    for name in dict.fromkeys(r.wrt for r in derivation.results if r.structure in SYMMETRIC):
        lines += [f"{identifier(name)} is symmetric, and so is its gradient, (G + Gᵀ) / 2.", ""]
    several = len(derivation.sweeps) > 1 or len(inputs) < len(problem.variables)
    lines += paragraph(
        f"Arguments, by keyword: {argument_text(problem, inputs, sizes)}. A vector has one axis, "
        f"a matrix two, a scalar none. Their shapes are checked unless {switch} is False."
        + (" What a function does not need it accepts and leaves alone." if several else "")
    )
    if verified:
        lines += ["", *(part for line in verified.splitlines() for part in paragraph(line))]
    return lines


def _formulas(derivation: Derivation, variables: Iterable[Variable]) -> list[str]:
    lines: list[str] = []
    for variable in variables:
        formula = f"{name_of(variable)} = {text(written_form(variable, derivation))}"
        lines += _beside(formula, shape_code(_shape(derivation.problem, variable)))
    return lines


def _results(derivation: Derivation, sweep: Sweep) -> list[str]:
    """The gradients, and what the names in them stand for that the forward pass lacks.

    Closed forms; in a problem with many answers each goes back one step, and all steps are listed.
    """
    problem = derivation.problem
    lines: list[str] = []
    closed = len(derivation.results) <= MOST_CLOSED
    given: dict[Variable, Expr] = {}
    if not closed:
        given = {s.adjoint: definition_form(s.adjoint) for s in sweep.steps if not s.sought}
    for result in sweep.results:
        form = closed_form(result, derivation) if closed else _one_step(derivation, result)
        is_gradient = result.kind == "grad"
        shape = problem.shape(result.wrt) if is_gradient else result.gradient.shape
        lines += _beside(f"{_quotient(derivation, result)} = {text(form)}", shape_code(shape))
        if closed:
            names = explained(result, derivation)
            given.update({name: explanation(name, derivation) for name in names})
    shapes = {step.adjoint: _shape(problem, step.quantity) for step in sweep.steps}
    bars = {adjoint: form for adjoint, form in given.items() if adjoint in shapes}
    if bars:
        lines += ["", "where v̄ is the gradient with respect to v:", ""]
    for adjoint, form in bars.items():
        lines += _beside(f"{name_of(adjoint)} = {text(form)}", shape_code(shapes[adjoint]))
    return lines


def _quotient(derivation: Derivation, result: Result) -> str:
    """``∂J/∂w``, ``∂²J/∂w²`` or ``∂²J/∂w∂b``."""
    of, wrt = (name_of(derivation.names[name]) for name in (result.of, result.wrt))
    if result.kind != "hessian":
        return f"∂{of}/∂{wrt}"
    by = name_of(derivation.names[result.by])
    return f"∂²{of}/∂{wrt}²" if result.by == result.wrt else f"∂²{of}/∂{by}∂{wrt}"


def _one_step(derivation: Derivation, result: Result) -> Expr:
    return oriented(raised(result.gradient), derivation.names[result.wrt].row)


def _shape(problem: Problem, quantity: Variable) -> Shape:
    """The declared shape of a quantity, if it was not introduced."""
    name = quantity.name
    known = name in problem.variables or name in problem.definitions
    return problem.shape(name) if known else quantity.shape


def _beside(formula: str, shape: str) -> list[str]:
    """A formula with its shape in a column."""
    if len(formula) + len(shape) + 6 > WIDTH:
        return paragraph(f"{formula}    {shape}", 4, 4)
    combining = sum(character in "\u0304\u0305" for character in formula)
    return [f"    {formula:<{COLUMN + combining}}  {shape}"]
