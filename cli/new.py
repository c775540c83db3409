"""``derive new``: a problem to start from."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["new"]


@click.group(short_help="Write a problem to start from.")
def new() -> None:
    """Write a problem to start from."""


@new.command(short_help="A dense network and its loss.")
@click.option("--layers", required=True, metavar="2,4,1", help="Inputs, units, outputs.")
@click.option("--hidden", default="relu", show_default=True, help="Function of the layers inside.")
@click.option(
    "--head", default="sigmoid", show_default=True, help="Last layer: identity, sigmoid, softmax."
)
@click.option("--loss", default=None, help="One that goes with the head.  [default: the usual one]")
@click.option(
    "--batch", default="columns", show_default=True, help="Examples as columns, rows, or none."
)
@click.option("-o", "--output", metavar="FILE", help="The file to write; otherwise it is printed.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def net(
    layers: str,
    hidden: str,
    head: str,
    loss: str | None,
    batch: str,
    output: str | None,
    force: bool,
) -> None:
    """Write a problem file for a dense network, layer by layer, with every gradient asked for."""
    from derive.files import write_files
    from derive.language.networks import HEADS, network_problem

    usual = HEADS.get(head, ("",))[0]
    text = network_problem(_widths(layers), hidden, head, loss or usual, batch)
    if output is None:
        click.echo(text, nl=False)
        return
    write_files({Path(output): text}, force=force)
    click.echo(f"wrote {output}")


def _widths(layers: str) -> list[int]:
    from derive.errors import InputError

    try:
        return [int(width) for width in layers.split(",")]
    except ValueError:
        raise InputError(
            f"--layers takes numbers with commas between them, got {layers}",
            ("As in --layers 2,4,1",),
        ) from None
