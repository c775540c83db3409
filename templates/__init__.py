"""What the notes and the modules look like: Jinja templates, no mathematics."""
