"""What Sphinx does beside its settings: alt texts, and sections of result pages that open.

Named in `_config.yml` among the extensions.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from stflow_lib.book.published import RECORDS

OPEN = 1  # sections of a result page that are open
KEPT = ("remember", "summary")  # words in the heading of one that always is


class AltTexts(SphinxPostTransform):
    """A picture of a notebook takes its plain text, which says what it shows, as alt text."""

    default_priority = 3  # before one of the two is chosen and the other lost

    def run(self, **given) -> None:
        """Go through all outputs that have several forms."""
        for bundle in self.document.findall(_is_bundle):
            forms = {form["mime_type"]: form for form in bundle.children}
            plain = forms.get("text/plain")
            for image in list(bundle.findall(nodes.image)) if plain else ():
                image["alt"] = " ".join(plain.astext().split())
                frame = nodes.container(classes=["picture"])
                image.replace_self(frame)
                frame += image


def _is_bundle(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "mime_bundle"


class Fold(nodes.General, nodes.Element):
    """The body of a section that is closed until the reader asks for it."""


class FoldSections(SphinxPostTransform):
    """On a page of recorded runs all sections but the first and the last word are closed."""

    default_priority = 200  # after cells have been folded
    formats = ("html",)

    def run(self, **given) -> None:
        """Close the bodies of the sections under the title."""
        source = open(self.env.doc2path(self.env.docname), encoding="utf-8").read()
        title = next(iter(self.document.findall(nodes.section)), None)
        if f"{RECORDS}:" not in source or title is None:
            return
        sections = [node for node in title.children if isinstance(node, nodes.section)]
        for section in sections[OPEN:]:
            if not any(
                word in section.next_node(nodes.title).astext().lower() for word in KEPT
            ):
                _close(section)


def _close(section: nodes.section) -> None:
    """Put all but the heading of a section into a Fold that says what is inside."""
    heading, *body = section.children
    fold = Fold(summary=_contents(body))
    fold.extend(body)
    section.children = [heading]
    section.append(fold)


def _contents(body: list[nodes.Node]) -> str:
    """What a closed section holds, as "Show this section: 2 figures, 1 table"."""
    pictures = sum(len(list(node.findall(nodes.image))) for node in body)
    tables = sum(
        raw.astext().count("<table") for node in body for raw in node.findall(nodes.raw)
    )
    parts = [f"{n} {what}" + "s" * (n > 1)
             for n, what in ((pictures, "figure"), (tables, "table")) if n]  # fmt: skip
    return "Show this section" + ": " * bool(parts) + ", ".join(parts)


def _visit(self, node: Fold) -> None:
    self.body.append(f'<details class="section"><summary>{node["summary"]}</summary>')


def _depart(self, node: Fold) -> None:
    self.body.append("</details>")


def setup(app: Sphinx) -> dict:
    """Entry of the extension."""
    app.add_node(Fold, html=(_visit, _depart))
    app.add_post_transform(AltTexts)
    app.add_post_transform(FoldSections)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
