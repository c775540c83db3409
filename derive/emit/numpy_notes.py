"""What a generated module says about itself: the formulas, the layout, the shapes, the check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from derive.calculus.derivation import Derivation
from derive.emit.numpy_layout import WIDTH, paragraph
from derive.emit.numpy_names import identifier
from derive.emit.text import name_of, text
from derive.notation.board import closed_form, definition_form, explained
from derive.notation.expression import Expr
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

COLUMN: Final = 64


def shape_code(shape: Shape) -> str:
    """A shape as NumPy prints it: ``(3,)``, ``(m, 2)``, ``()``."""
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def argument_text(problem: Problem, names: Iterable[str]) -> str:
    """Arguments with their shapes and facts: ``x (3,), y (2,) sums to 1``."""
    parts = []
    for name in names:
        variable = problem.variables[name]
        facts = [FACT_WORDS[fact] for fact in FACT_WORDS if fact in variable.facts]
        if "sums to 1" in facts and len(variable.shape) == 2:
            facts[facts.index("sums to 1")] = "with rows that sum to 1"
        words = f" {', '.join(facts)}" if facts else ""
        part = f"{identifier(name)} {shape_code(variable.shape)}{words}"
        parts.append(part.replace(" ", "\N{NO-BREAK SPACE}"))
    return ", ".join(parts)


def module_notes(
    derivation: Derivation, title: str, verified: str, switch: str, inputs: Sequence[str]
) -> list[str]:
    """The docstring of the module, line by line."""
    problem = derivation.problem
    lines = [title, ""]
    forward = {v: None for sweep in derivation.sweeps for v in sweep.forward}
    if forward:
        lines += ["Forward pass:", "", *_formulas(problem, forward), ""]
    lines += ["Gradients; each has the shape of its variable:", "", *_results(derivation), ""]
    lines += paragraph(
        f"Arguments, by keyword: {argument_text(problem, inputs)}. A vector has one axis, a matrix "
        f"two, a scalar none. Their shapes are checked unless {switch} is False."
    )
    if verified:
        lines += ["", *(part for line in verified.splitlines() for part in paragraph(line))]
    return lines


def _formulas(problem: Problem, variables: Iterable[Variable]) -> list[str]:
    lines: list[str] = []
    for variable in variables:
        name = variable.name
        declared = name in problem.variables or name in problem.definitions
        shape = problem.shape(name) if declared else variable.shape
        formula = f"{name_of(variable)} = {text(definition_form(variable))}"
        lines += _beside(formula, shape_code(shape))
    return lines


def _results(derivation: Derivation) -> list[str]:
    """The closed forms, and what the names in them stand for that the forward pass lacks."""
    lines: list[str] = []
    given: dict[Variable, Expr] = {}
    for result in derivation.results:
        of, wrt = (name_of(derivation.names[name]) for name in (result.of, result.wrt))
        formula = f"∂{of}/∂{wrt} = {text(closed_form(result, derivation))}"
        lines += _beside(formula, shape_code(derivation.problem.shape(result.wrt)))
        given.update(explained(result))
    bars = {variable: form for variable, form in given.items() if variable.role == "adjoint"}
    if bars:
        lines += ["", "where v̄ is the gradient with respect to v:", ""]
    for variable, form in bars.items():
        lines += _beside(f"{name_of(variable)} = {text(form)}", shape_code(variable.shape))
    return lines


def _beside(formula: str, shape: str) -> list[str]:
    """A formula with its shape in a column."""
    if len(formula) + len(shape) + 6 > WIDTH:
        return paragraph(f"{formula}    {shape}", 4, 4)
    combining = sum(character in "\u0304\u0305" for character in formula)
    return [f"    {formula:<{COLUMN + combining}}  {shape}"]
