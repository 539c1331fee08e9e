"""How does documentation become a site? ``python -m sphinx -W -b html docs build/docs``."""

import sys
from pathlib import Path

from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

project = "OpenPrequal"
copyright = "the OpenPrequal authors"
exclude_patterns = ["**/node_modules"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.zopeext.autointerface"]
# Links to headings, as the forge makes them.
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_format = "short"

# What is left out of an example (…) is in no language's grammar; whether the rest is, the tests say.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "OpenPrequal"
# The pages are written to be read on the forge too, where their sources are at hand.
html_copy_source = False


def _outside_as_text(app: Sphinx, document: nodes.document) -> None:
    """A link to a directory, or to a page that is not in docs/, leads somewhere on the forge, and nowhere on a site."""
    page = Path(app.env.doc2path(app.env.docname))
    for link in list(document.findall(pending_xref)):
        if link.get("reftype") == "myst" and (
            (page.parent / link["reftarget"]).is_dir() or Path(f"{link['reftarget']}.md").is_absolute()
        ):
            link.replace_self(link.children)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("doctree-read", _outside_as_text)
    for language in ("haproxy", "layers", "mermaid"):
        app.add_lexer(language, TextLexer)
