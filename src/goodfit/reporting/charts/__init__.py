"""The charts of reports, tours and notebooks: from numbers to altair, one function each, in the theme of all."""
