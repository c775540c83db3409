"""Problems to try: one NAME.derive each; `make gallery` builds them into output/NAME/."""

from importlib import resources

__all__ = ["descriptions", "example_text"]

ENDING = ".derive"


def descriptions() -> dict[str, str]:
    """What each example is about, by name: the first line of its file."""
    folder = resources.files("derive.examples")
    names = sorted(
        file.name.removesuffix(ENDING) for file in folder.iterdir() if file.name.endswith(ENDING)
    )
    return {name: example_text(name).partition("\n")[0].lstrip("# ") for name in names}


def example_text(name: str) -> str:
    """The text of an example.

    Raises:
        FileNotFoundError: There is no example of this name.
    """
    return (resources.files("derive.examples") / f"{name}{ENDING}").read_text(encoding="utf-8")
