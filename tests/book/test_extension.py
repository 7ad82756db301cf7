"""What Sphinx is told beside its settings: alt texts and sections of pages of records."""

import json
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from stflow_lib.book import extension
from stflow_lib.book.published import NARROW


def bundle(*forms):
    found = nodes.container(nb_element="mime_bundle")
    for kind, child in forms:
        form = nodes.container(mime_type=kind)
        form += child
        found += form
    return found


def source(parameters):
    cell = {"metadata": {"tags": ["parameters"]}, "source": parameters}
    return json.dumps({"cells": [cell]})


def section(title, *children):
    found = nodes.section(ids=[title.lower()])
    found += nodes.title(text=title)
    found += list(children)
    return found


@pytest.fixture
def document(tmp_path):
    found = new_document("page")
    path = tmp_path / "page.ipynb"
    path.write_text(source("train_missing: bool = False"))
    found.settings.env = SimpleNamespace(docname="page", doc2path=lambda name: str(path))
    found.path = path
    return found


def apply(transform, document):
    transform(document).run()


def test_a_picture_takes_its_plain_text_as_alt_text(document):
    """Without it the alt text is the path of the file."""
    image = nodes.image(uri="a/b.png")
    plain = nodes.literal_block(text="Errors.\n x: days")
    document += bundle(("image/png", image), ("text/plain", plain))
    document += bundle(("image/png", nodes.image(uri="c.png")))
    apply(extension.AltTexts, document)
    first, second = document.findall(nodes.image)
    assert first["alt"] == "Errors. x: days" and "alt" not in second
    assert first.parent.parent["classes"] == ["picture"]


def test_the_narrow_form_of_a_picture_stands_inside_it(document):
    """A second image on the page would be read out, counted and loaded twice."""
    for uri, said in (("a.png", "Errors"), ("b.png", "Costs"), ("c.png", NARROW)):
        plain = nodes.literal_block(text=said)
        document += bundle(("image/png", nodes.image(uri=uri)), ("text/plain", plain))
    apply(extension.AltTexts, document)
    alone, both = document.findall(extension.Picture)
    assert [image["uri"] for image in both.children] == ["c.png", "b.png"]
    assert isinstance(both[0], extension.Narrow) and both[1]["alt"] == "Costs"
    assert len(alone.children) == 1 and len(document.children) == 2
    assert extension._counts([document])[0] == 2


def test_a_phone_is_told_the_file_of_the_narrow_form():
    builder = SimpleNamespace(imgpath="../_images", images={"x/c d.png": "c d.png"})
    page = SimpleNamespace(builder=builder, body=[])
    with pytest.raises(nodes.SkipNode):
        extension._name_source(page, extension.Narrow(uri="x/c d.png"))
    assert page.body == ['<source media="(max-width: 600px)" srcset="../_images/c%20d.png">']


def test_sections_but_the_first_result_are_closed_and_say_what_they_hold(document):
    """The last word stays open: it is what people should take along."""
    table = nodes.raw("", "<table></table><table></table>", format="html")
    parts = section("1", nodes.image()), section("2", nodes.image(), table)
    document += section("Page", *parts, section("What to remember"))
    apply(extension.FoldSections, document)
    folds = list(document.findall(extension.Fold))
    assert [fold["summary"] for fold in folds] == ["Show this section: 1 figure, 2 tables"]
    assert folds[0].parent["ids"] == ["2"] and isinstance(folds[0].parent[0], nodes.title)
    assert len(list(document.findall(nodes.raw))) == 1


def test_pages_about_methods_stay_open(document):
    document.path.write_text(source("n: int = 3"))
    document += section("Page", section("1"), section("2", nodes.paragraph()))
    apply(extension.FoldSections, document)
    assert not list(document.findall(extension.Fold))


def test_references_are_items_of_their_list():
    """A list without items is announced as empty."""
    context = {"body": '<div role="list"><div id="a" role="doc-biblioentry">x</div></div>'}
    extension.keep_list_items(None, "references", "page.html", context, None)
    assert context["body"] == '<div role="list"><div id="a" role="listitem">x</div></div>'
    extension.keep_list_items(None, "search", "page.html", empty := {}, None)
    assert empty == {}
