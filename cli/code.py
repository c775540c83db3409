"""``derive code``: the NumPy module."""

from __future__ import annotations

from pathlib import Path

import click

from derive.cli.options import given_problem, problem_argument, seed_option

__all__ = ["code"]


@click.command(short_help="Write the NumPy module.")
@problem_argument
@click.option(
    "-o", "--output", metavar="OUT.py", help="The file to write; otherwise it is printed."
)
@click.option("--test", is_flag=True, help="Write test_OUT.py beside it, for pytest and NumPy.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@seed_option
def code(
    source: str | None, text: str | None, output: str | None, test: bool, force: bool, seed: int
) -> None:
    """Write a NumPy module with a function for everything that PROBLEM asks.

    Derivation and functions are checked first; nothing is written if a check fails.
    """
    if test and output is None:
        raise click.UsageError("--test needs -o", click.get_current_context())
    problem = given_problem(source, text)
    from derive import derive
    from derive.workflow import code as generated
    from derive.workflow import write_code

    if output is None:
        click.echo(generated(derive(problem), seed=seed), nl=False)
        return
    written = write_code(derive(problem), Path(output), test=test, force=force, seed=seed)
    click.echo("\n".join(f"wrote {path}" for path in written))
