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
    checks = {"the derivation": check, "the generated code": check_code}
    lines = []
    for what, run in checks.items():
        report = run(derivation, seed)
        require(report, what)
        lines += [f"{what}: {report.summary()}", *(f"  {note}" for note in report.notes)]
    click.echo("\n".join(lines))
