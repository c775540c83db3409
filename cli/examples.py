"""``derive examples``: the problems that come with the package."""

from __future__ import annotations

import click

from derive.examples import descriptions

__all__ = ["examples"]


@click.command(short_help="List the problems that come with it.")
@click.option("--names", is_flag=True, help="Names alone, one a line.")
@click.option(
    "--index", metavar="DIR", help="Write an index page of them into DIR, where each was built."
)
@click.option("--force", is_flag=True, help="Replace an index that exists.")
def examples(names: bool, index: str | None, force: bool) -> None:
    """List the problems that come with derive; `derive explain NAME` derives one."""
    if index is not None:
        from derive.workflow import build_index

        click.echo("\n".join(f"wrote {path}" for path in build_index(index, force=force)))
        return
    known = descriptions()
    width = max(map(len, known))
    for name, words in known.items():
        click.echo(name if names else f"{name:{width}}  {words}")
