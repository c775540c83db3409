"""``derive build``: a folder with all outputs."""

from __future__ import annotations

import click

from derive.cli.options import given_problem, problem_argument

__all__ = ["build"]


@click.command(short_help="Write all outputs into a folder.")
@problem_argument
@click.option("-o", "--output", metavar="DIR", required=True, help="The folder; made if missing.")
@click.option(
    "--lang",
    metavar="en|zh",
    multiple=True,
    default=["en"],
    show_default=True,
    help="A language of the notes; may be given more than once.",
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
def build(
    source: str | None, text: str | None, output: str, lang: tuple[str, ...], force: bool
) -> None:
    """Write PROBLEM, its notes in every format, its NumPy module and a test into a folder.

    All files are written or, if anything fails, none.
    """
    problem = given_problem(source, text)
    from derive import build as built

    paths = built(problem, output, lang=lang, force=force)
    click.echo("\n".join(f"wrote {path}" for path in paths))
