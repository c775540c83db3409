"""Notes as one HTML file: MathML, pictures and colours, and nothing from elsewhere."""

from derive.emit.html.document import html_notes

__all__ = ["html_notes"]
