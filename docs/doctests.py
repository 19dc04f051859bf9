"""Examples of docstrings as code blocks of the API page; an extension of griffe, which mkdocstrings reads with."""

import re

import griffe

EXAMPLES = re.compile(r"^([ \t]*)>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)
REFERENCE = re.compile(r"\](?=\[)")
"""In Markdown two pairs of brackets are a link; in docstrings, indices."""


class FencedDoctests(griffe.Extension):
    """Fence doctests, and keep brackets of the text from being links."""

    def on_instance(self, *, obj: griffe.Object, **_: object) -> None:
        """Change the docstring before it is parsed."""
        if not obj.is_alias and obj.docstring is not None:
            value, place, parts = obj.docstring.value, 0, []
            for found in EXAMPLES.finditer(value):
                parts += [
                    REFERENCE.sub(r"]\\", value[place : found.start()]),
                    f"{found[1]}```pycon\n{found[0]}\n{found[1]}```",
                ]
                place = found.end()
            obj.docstring.value = "".join([*parts, REFERENCE.sub(r"]\\", value[place:])])
