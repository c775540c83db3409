"""The templates of what is printed: Jinja2's, in which every name has to be known."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

__all__ = ["template"]


@cache
def template(name: str) -> Template:
    """A template by the name of its file in ``templates/``."""
    return environment().get_template(name)


@cache
def environment() -> Environment:
    """Where the templates are found, and how they are filled in."""
    return Environment(
        loader=PackageLoader("derive.templates", ""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=select_autoescape(["html.jinja"]),
    )
