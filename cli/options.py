"""Arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from derive import Problem

__all__ = ["given_problem", "page_options", "problem_argument", "seed_option"]

Command = TypeVar("Command", bound=Callable[..., Any])


def problem_argument(command: Command) -> Command:
    """The problem: a file, an example, ``-``, or ``-e TEXT``."""
    text = click.option("-e", "--expression", "text", metavar="TEXT", help="The problem itself.")
    return click.argument("source", metavar="PROBLEM", required=False)(text(command))


def page_options(command: Command) -> Command:
    """How a derivation is written: its detail, notation, layout and language."""
    for option in (
        click.option(
            "--lang",
            metavar="en|zh",
            default="en",
            show_default=True,
            help="The language of the prose.",
        ),
        click.option(
            "--layout",
            type=click.Choice(["numerator", "denominator"]),
            default="numerator",
            show_default=True,
            help="Of Jacobians: rows are outputs, or columns are.",
        ),
        click.option(
            "--notation",
            type=click.Choice(["matrix", "index"]),
            default="matrix",
            show_default=True,
            help="How formulas are written.",
        ),
        click.option(
            "--detail",
            type=click.Choice(["result", "steps", "proof"]),
            default="steps",
            show_default=True,
            help="The closed forms; each step; or each law spelled out too.",
        ),
    ):
        command = option(command)
    return command


seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of the random points at which everything is checked.",
)


def given_problem(source: str | None, text: str | None) -> Problem:
    """The problem that the arguments name.

    Raises:
        click.UsageError: They name none, or two.
        derive.DeriveError: It is wrong.
    """
    if (source is None) == (text is None):
        both = "a PROBLEM or -e, not both" if source else "a PROBLEM: a file, an example, - or -e"
        raise click.UsageError(f"name {both}", click.get_current_context())
    if text is not None:
        from derive import parse

        return parse(text)
    from derive.workflow import open_problem

    return open_problem(str(source))
