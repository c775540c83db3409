"""``derive notes``: the derivation on paper and on screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from derive.cli.options import given_problem, page_options, problem_argument, seed_option

if TYPE_CHECKING:
    from derive.emit.page import Layout

__all__ = ["notes"]


@click.command(short_help="Write the notes.")
@problem_argument
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    help="The file; its ending (.tex, .pdf, .html, .md, .json, .txt) is the format.",
)
@click.option("--wrt", metavar="A,B", help="Variables to differentiate by, instead of those asked.")
@page_options
@click.option(
    "--style",
    type=click.Choice(["bold", "plain"]),
    default="bold",
    show_default=True,
    help="How vectors and matrices are set.",
)
@click.option("--fragment", is_flag=True, help="Leave out what makes a document of it.")
@click.option("--pdf", is_flag=True, help="Set the .tex as PDF too, with the TeX that is there.")
@click.option("--no-code", is_flag=True, help="Do not list the NumPy module.")
@click.option("--no-check", is_flag=True, help="Do not check numerically; lists no code either.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@seed_option
def notes(
    source: str | None,
    text: str | None,
    output: str,
    wrt: str | None,
    detail: str,
    notation: str,
    layout: Layout,
    lang: str,
    style: str,
    fragment: bool,
    pdf: bool,
    no_code: bool,
    no_check: bool,
    force: bool,
    seed: int,
) -> None:
    """Write the derivation of what PROBLEM asks as notes: LaTeX, PDF, HTML, Markdown, JSON, text.

    The derivation and the code are checked first; nothing is written if a check fails.
    """
    problem = given_problem(source, text)
    from derive import check, derive
    from derive.notes import write_notes
    from derive.workflow import ask, code, page, require

    if wrt is not None:
        problem = ask(problem, [name.strip() for name in wrt.split(",")])
    derivation = derive(problem)
    report, module = None, ""
    if not no_check:
        report = check(derivation, seed)
        require(report, "the derivation")
        module = "" if no_code else code(derivation, seed=seed, report=report)
    found = page(derivation, report, detail=detail, notation=notation, layout=layout, lang=lang)
    written = write_notes(
        found, Path(output), code=module, style=style, fragment=fragment, pdf=pdf, force=force
    )
    click.echo("\n".join(f"wrote {path}" for path in written))
