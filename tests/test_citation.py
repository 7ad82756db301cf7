"""What a citation says agrees with the package, the book's bibliography and the pages."""

import datetime
import re
from pathlib import Path

import pytest
import yaml

import stflow_lib

ROOT = Path(__file__).resolve().parents[1]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
KINDS = {"article": "article", "inproceedings": "conference-paper"}


def bibliography(key: str) -> tuple[str, dict[str, str]]:
    """Kind and fields of an entry of book/references.bib."""
    text = (ROOT / "book/references.bib").read_text()
    kind, body = re.search(rf"@(\w+)\{{{key},\n(.*?)\n\}}", text, re.DOTALL).groups()
    return kind, dict(re.findall(r"(\w+)\s*=\s*\{(.*)\}", body))


def repository() -> str:
    """The one setting that holds the repository's address."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    return config["sphinx"]["config"]["html_theme_options"]["repository_url"]


def test_what_the_format_demands_is_there():
    """CFF 1.2.0: these four; and authors of references with a title and a kind."""
    assert CITATION["cff-version"] == "1.2.0" and CITATION["message"] and CITATION["title"]
    assert CITATION["authors"] == [{"name": "The STFlow authors"}]
    assert all({"type", "title", "authors"} <= set(one) for one in CITATION["references"])


def test_version_and_date_are_those_of_the_package():
    assert CITATION["version"] == stflow_lib.__version__
    assert CITATION["license"] == "MIT"
    assert isinstance(CITATION["date-released"], datetime.date)
    assert f"## {CITATION['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_repository_is_that_of_the_book_or_not_said():
    """The day it has an address, both files have to name it."""
    assert CITATION.get("repository-code", "") == repository()


@pytest.mark.parametrize("number, key", [*enumerate(["urbanstc", "stbat", "tsjt"])])
def test_the_papers_are_cited_as_in_the_book(number, key):
    reference, (kind, fields) = CITATION["references"][number], bibliography(key)
    assert len(CITATION["references"]) == 3 and reference["type"] == KINDS[kind]
    assert reference["title"].lower() == fields["title"].lower()
    names = [f"{a['family-names']}, {a['given-names']}" for a in reference["authors"]]
    assert " and ".join(names) == fields["author"]
    assert str(reference["year"]) == fields["year"]
    for ours, theirs in (("doi", "doi"), ("volume", "volume"), ("issue", "number")):
        assert str(reference.get(ours, "")) == fields.get(theirs, "")
    place = reference.get("journal") or reference["collection-title"]
    assert place == fields.get("journal", fields.get("booktitle"))


@pytest.mark.parametrize("page", ["README.md", "book/index.md"])
def test_pages_say_how_to_cite(page):
    text = " ".join((ROOT / page).read_text().split())
    title = CITATION["title"]
    assert f"The STFlow authors, *{title}*, version {CITATION['version']}, " in text
