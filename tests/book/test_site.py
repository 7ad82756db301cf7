"""The site asks no other host, shows no fault, and is made again only when it must."""

from pathlib import Path

import pytest

from stflow_lib.book import site


def test_the_site_brings_its_own_scripts(tmp_path, monkeypatch):
    """Formulas must work without a network, and not weigh 24 MB."""
    monkeypatch.setattr(site, "STATIC", tmp_path)
    site.vendor_scripts()
    assert {path.name for path in tmp_path.iterdir()} == {"mathjax"}
    assert (tmp_path / "mathjax/tex-mml-chtml.js").exists()
    assert list(tmp_path.glob("mathjax/output/chtml/fonts/woff-v2/*Main-Regular.woff"))
    files = [path for path in (tmp_path / "mathjax").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 4 * 10**6


@pytest.fixture
def pamphlet(tmp_path, monkeypatch):
    """A root with a site of one page."""
    (tmp_path / "book/_static").mkdir(parents=True)
    root = Path(__file__).resolve().parents[2]
    (tmp_path / "_config.yml").write_text((root / "_config.yml").read_text())
    (tmp_path / "book/references.bib").write_text("")
    for name in (
        "logo.svg",
        "favicon.svg",
        "stflow.css",
        "stflow.js",
        "slider_map.js",
        "slider_map.css",
    ):
        (tmp_path / "book/_static" / name).write_text("<svg/>")
    (tmp_path / "book/_toc.yml").write_text("format: jb-book\nroot: book/index\n")
    (tmp_path / "book/index.md").write_text("# Title\n")
    monkeypatch.setattr(site, "ROOT", tmp_path)
    monkeypatch.setattr(site, "STATIC", tmp_path / "book/_static")
    return tmp_path


def test_a_fault_in_a_page_fails_the_build_of_the_site(pamphlet):
    """A broken link must stop the build and be shown, not end up on the site."""
    (pamphlet / "book/index.md").write_text("# Title\n\n[gone](nowhere.md)\n")
    with pytest.raises(site.SiteError, match="faults:\n.*WARNING.*nowhere.md"):
        site.build("smoke", pamphlet / "book")
    (pamphlet / "book/index.md").write_text("# Title\n")
    assert site.build("smoke", pamphlet / "book").exists()


def test_a_site_is_made_again_only_when_something_in_it_changed(pamphlet, monkeypatch):
    """`make book` after `make test` copies the site that was tested."""
    made = []
    html = Path("_build/html/index.html")

    def make(folder):
        made.append(folder)
        (folder / html).parent.mkdir(parents=True, exist_ok=True)
        (folder / html).write_text((pamphlet / "book/index.md").read_text())

    monkeypatch.setattr(site, "_make", make)
    kept = pamphlet / "build/site/smoke"
    assert site.build("smoke", kept) == kept / html
    stray = pamphlet / "book/_build/html/old.html"
    stray.parent.mkdir(parents=True)
    stray.write_text("a page of an earlier book")
    assert site.build("smoke", pamphlet / "book") == pamphlet / "book" / html
    assert made == [kept] and (pamphlet / "book" / html).exists() and not stray.exists()
    (pamphlet / "book/index.md").write_text("# Another title\n")
    assert "Another" in site.build("smoke", pamphlet / "book").read_text()
    assert made == [kept, kept]


def test_a_site_that_could_not_be_made_is_tried_again(pamphlet, monkeypatch):
    """A site with a fault must never count as made, nor an old one stand for it."""
    tried = []

    def fail(folder):
        tried.append(folder)
        raise site.SiteError("fault")

    kept = pamphlet / "build/site/smoke"
    monkeypatch.setattr(site, "_make", lambda folder: folder.mkdir(parents=True))
    site.build("smoke", kept)
    monkeypatch.setattr(site, "_make", fail)
    site.build("smoke", kept)
    assert not tried
    (pamphlet / "book/index.md").write_text("# Another title\n")
    for _ in "ab":
        with pytest.raises(site.SiteError):
            site.build("smoke", kept)
    assert tried == [kept, kept] and not (kept / "made_from").exists()
