"""What Sphinx does beside its settings: alt texts, and sections of result pages that open.

Named in `_config.yml` among the extensions.
"""

import json
from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from stflow_lib.book.published import NARROW, is_of_results

PHONE = "(max-width: 600px)"  # as in stflow.css
KEPT = ("remember", "summary")  # words in the heading of a section that is always open


class Picture(nodes.General, nodes.Element):
    """An image, after its form for narrow screens."""


class Narrow(nodes.image):
    """The form of an image for narrow screens; it has no place of its own on the page."""


class AltTexts(SphinxPostTransform):
    """A picture of a notebook takes its plain text, which says what it shows, as alt text."""

    default_priority = 3  # before one of the two is chosen and the other lost

    def run(self, **given) -> None:
        """Go through all outputs that have several forms."""
        last = None
        for bundle in list(self.document.findall(_is_bundle)):
            forms = {form["mime_type"]: form for form in bundle.children}
            plain = forms.get("text/plain")
            for image in list(bundle.findall(nodes.image)) if plain else ():
                if plain.astext() == NARROW:
                    last.insert(0, Narrow("", **image.attributes))
                    bundle.parent.remove(bundle)
                else:
                    last = _framed(image, plain.astext())


def _framed(image: nodes.image, said: str) -> Picture:
    """Put an image into a frame, with what it shows as its alt text."""
    image["alt"] = " ".join(said.split())
    frame, picture = nodes.container(classes=["picture"]), Picture()
    image.replace_self(frame)
    frame += picture
    picture += image
    return picture


def _is_bundle(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "mime_bundle"


class Fold(nodes.General, nodes.Element):
    """The body of a section that is closed until the reader asks for it."""


class FoldSections(SphinxPostTransform):
    """On a result page sections are closed but the first with a result and the last word."""

    default_priority = 200  # after cells have been folded
    formats = ("html",)

    def run(self, **given) -> None:
        """Close the bodies of the sections under the title."""
        title = next(iter(self.document.findall(nodes.section)), None)
        if title is None or not self._shows_results():
            return
        sections = [node for node in title.children if isinstance(node, nodes.section)]
        first = next((node for node in sections if any(_counts(node.children))), None)
        for section in sections:
            if section is not first and not _is_kept(section):
                _close(section)

    def _shows_results(self) -> bool:
        source = Path(self.env.doc2path(self.env.docname))
        if source.suffix != ".ipynb":
            return False
        return is_of_results(json.loads(source.read_text(encoding="utf-8"))["cells"])


def _is_kept(section: nodes.section) -> bool:
    heading = section.next_node(nodes.title).astext().lower()
    return any(word in heading for word in KEPT)


def _close(section: nodes.section) -> None:
    """Put all but the heading of a section into a Fold that says what is inside."""
    heading, *body = section.children
    fold = Fold(summary=_contents(body))
    fold.extend(body)
    section.children = [heading]
    section.append(fold)


def _contents(body: list[nodes.Node]) -> str:
    """What a closed section holds, as "Show this section: 2 figures, 1 table"."""
    named = zip(_counts(body), ("figure", "table"), strict=True)
    parts = [f"{n} {what}" + "s" * (n > 1) for n, what in named if n]
    return "Show this section" + ": " * bool(parts) + ", ".join(parts)


def _counts(body: list[nodes.Node]) -> tuple[int, int]:
    """How many pictures and tables some nodes hold."""
    pictures = sum(len(list(node.findall(_is_image))) for node in body)
    pages = [raw.astext() for node in body for raw in node.findall(nodes.raw)]
    return pictures, sum(page.count("<table") for page in pages)


def _is_image(node: nodes.Node) -> bool:
    return isinstance(node, nodes.image) and not isinstance(node, Narrow)


def _open_picture(self, node: Picture) -> None:
    self.body.append("<picture>")


def _close_picture(self, node: Picture) -> None:
    self.body.append("</picture>")


def _name_source(self, node: Narrow) -> None:
    """The file that a browser takes instead of the image's own where the window is narrow."""
    file = f"{self.builder.imgpath}/{quote(self.builder.images[node['uri']])}"
    self.body.append(f'<source media="{PHONE}" srcset="{file}">')
    raise nodes.SkipNode


def _visit(self, node: Fold) -> None:
    self.body.append(f'<details class="section"><summary>{node["summary"]}</summary>')


def _depart(self, node: Fold) -> None:
    self.body.append("</details>")


def keep_list_items(app: Sphinx, page: str, template: str, context: dict, tree) -> None:
    """Entries of the list of references are its items: docutils gives them a role without one."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict:
    """Entry of the extension."""
    app.add_node(Fold, html=(_visit, _depart))
    app.add_node(Picture, html=(_open_picture, _close_picture))
    app.add_node(Narrow, html=(_name_source, None))
    app.add_post_transform(AltTexts)
    app.add_post_transform(FoldSections)
    app.connect("html-page-context", keep_list_items)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
