"""``derive verify``: the numerical check alone."""

from __future__ import annotations

import click

from derive.cli.options import given_problem, problem_argument, seed_option

__all__ = ["verify"]


@click.command(short_help="Check the derivation and the code numerically.")
@problem_argument
@seed_option
def verify(source: str | None, text: str | None, seed: int) -> None:
    """Check every step, every gradient and every generated function of PROBLEM at random points.

    Leaves with exit code 1 if anything fails, and says at which point, with both values.
    """
    problem = given_problem(source, text)
    from derive import check, derive
    from derive.workflow import check_code, require

    derivation = derive(problem)
    reports = {
        "the derivation": check(derivation, seed),
        "the generated code": check_code(derivation, seed),
    }
    for what, report in reports.items():
        require(report, what)
    for what, report in reports.items():
        click.echo(f"{what}: {report.summary()}")
        for note in report.notes:
            click.echo(f"  {note}")
