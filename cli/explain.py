"""``derive explain``: the derivation on the screen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from derive.cli.options import given_problem, page_options, problem_argument, seed_option

if TYPE_CHECKING:
    from derive.emit.page import Layout, Page

__all__ = ["explain"]

SIGNS = "⊙ᵀ‖δ∂"


@click.command(short_help="Print the derivation.")
@problem_argument
@click.option("--wrt", metavar="A,B", help="Variables to differentiate by, instead of those asked.")
@page_options
@click.option("--ascii", is_flag=True, help="Print ASCII only.")
@click.option("--no-check", is_flag=True, help="Do not check the steps numerically.")
@seed_option
def explain(
    source: str | None,
    text: str | None,
    wrt: str | None,
    detail: str,
    notation: str,
    layout: Layout,
    lang: str,
    ascii: bool,
    no_check: bool,
    seed: int,
) -> None:
    """Print the derivation of what PROBLEM asks: symbols, forward pass, each step, closed forms."""
    problem = given_problem(source, text)
    from derive import check, derive
    from derive.workflow import ask, page, require

    if wrt is not None:
        problem = ask(problem, [name.strip() for name in wrt.split(",")])
    derivation = derive(problem)
    report = None
    if not no_check:
        report = check(derivation, seed)
        require(report, "the derivation")
    found = page(derivation, report, detail=detail, notation=notation, layout=layout, lang=lang)
    _print(found, ascii or not _can_print(SIGNS))


def _print(found: Page, ascii: bool) -> None:
    """Print all at once, so that a failure on the way prints nothing."""
    from derive.emit.terminal import make_console, print_page

    console = make_console(ascii=ascii)
    with console.capture() as captured:
        print_page(found, console)
    click.echo(captured.get(), nl=False, color=console.is_terminal)


def _can_print(signs: str) -> bool:
    """Whether standard output has these characters."""
    try:
        signs.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
