"""Links inside a site that lead nowhere are named; all others are left alone."""

from stflow_lib.book.links import broken


def test_only_dead_links_are_named(tmp_path):
    """Raw HTML is no markup of Sphinx, which never looks at what it links to."""
    (tmp_path / "nb").mkdir()
    (tmp_path / "a b.png").write_bytes(b"")
    (tmp_path / "index.html").write_text(
        '<h1 id="top">T</h1><a name="old"></a><a href="#top"></a><a href="#old"></a>'
        '<a href="nb/x.html#there"></a><a href="nb/x.html#gone"></a><a href="nb/"></a>'
        '<img src="a%20b.png"><img src="c.png"><img src="data:image/png;base64,AA">'
        '<a href="https://example.org/nowhere"></a><a href="mailto:a@b.c"></a><a></a>'
    )
    (tmp_path / "nb/x.html").write_text(
        '<p id="there"></p><a href="../index.html?q=1#top"></a><script src="y.js"></script>'
    )
    assert broken(tmp_path) == [
        "index.html: c.png", "index.html: nb/x.html#gone", "nb/x.html: y.js",
    ]  # fmt: skip


def test_templates_among_the_static_files_are_no_pages(tmp_path):
    """The theme leaves some whose links are not filled in."""
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static/macros.html").write_text('<a href="{{ pathto(1) }}"></a>')
    assert not broken(tmp_path)
