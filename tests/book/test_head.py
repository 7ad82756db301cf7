"""Descriptions and social cards of pages; buttons that one setting switches."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from docutils import nodes

from stflow_lib.book import head

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "https://github.com/Some/book"


def app(address: str) -> SimpleNamespace:
    options = {"repository_url": address, "article_header_end": ["search-button.html"]}
    return SimpleNamespace(config=SimpleNamespace(html_theme_options=options))


def tree(*texts: str) -> nodes.document:
    document = nodes.Element()
    document += [nodes.paragraph("", text) for text in texts]
    return document


@pytest.mark.parametrize("address", ["", ADDRESS])
def test_one_setting_switches_all_buttons(address):
    """A button without an address behind it is worse than none."""
    made = app(address)
    head.switch_buttons(None, made.config)
    options = made.config.html_theme_options
    assert [options[name] for name in head.BUTTONS] == [bool(address)] * 3
    assert (head.TEMPLATE in options["article_header_end"]) == bool(address)
    context = {"title": "A", "metatags": "", "header_buttons": []}
    head.complete(made, "book/nb/kernels/01_conserve", "page.html", context, tree("x" * 70))
    links = [button["url"] for button in context["header_buttons"]]
    want = "https://mybinder.org/v2/gh/Some/book/HEAD?labpath=notebooks/kernels/01_conserve.py"
    assert links == [want] * bool(address)
    assert (ROOT / want.partition("labpath=")[2]).exists()
    assert ("og:image" in context["metatags"]) == bool(address)


def test_pages_that_are_no_notebooks_do_not_run():
    context = {"title": "A", "metatags": "", "header_buttons": []}
    head.complete(app(ADDRESS), "book/index", "page.html", context, tree())
    head.complete(app(ADDRESS), "search", "search.html", context, None)
    assert not context["header_buttons"] and context["metatags"].count("og:title") == 1


def test_the_setting_is_there_and_empty_until_there_is_a_repository():
    config = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]
    address = config["html_theme_options"]["repository_url"]
    assert re.fullmatch(r"(https://github\.com/[\w-]+/[\w.-]+)?", address)
    assert {"stflow_lib.book.head", "stflow_lib.book.api"} <= set(config["extensions"])


def test_a_description_is_the_first_real_paragraph_cut_at_a_word():
    short, long = "Too short.", "word " * 100
    text = head.description(tree(short, long, "Another paragraph " * 9))
    assert text.startswith("word word") and text.endswith("word …")
    assert len(text) <= head.MOST + 2
    assert head.description(tree(short)) == ""


def test_tags_survive_quotes():
    tags = head.metatags('A "b"', 'x < y & "z"', ADDRESS)
    assert 'content="A &quot;b&quot;"' in tags and "x &lt; y &amp; &quot;z&quot;" in tags
    picture = re.search(r'og:image" content="https://some.github.io/book/(\S+)"', tags)[1]
    assert (ROOT / "book" / picture).exists()
