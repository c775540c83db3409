"""``derive examples``: the problems that come with the package."""

from __future__ import annotations

import click

from derive.examples import descriptions

__all__ = ["examples"]


@click.command(short_help="List the problems that come with it.")
@click.option("--names", is_flag=True, help="Names alone, one a line.")
def examples(names: bool) -> None:
    """List the problems that come with derive; `derive explain NAME` derives one."""
    known = descriptions()
    width = max(map(len, known))
    for name, words in known.items():
        click.echo(name if names else f"{name:{width}}  {words}")
