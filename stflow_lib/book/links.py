"""Links inside the built site that lead nowhere: files and anchors, also those in raw HTML."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINKS = {"a": "href", "img": "src", "script": "src", "link": "href", "source": "src"}


class _Page(HTMLParser):
    """The anchors of a page and what it links to."""

    def __init__(self, text: str):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {name for key in ("id", "name") if (name := given.get(key))}
        if link := given.get(LINKS.get(tag, "")):
            self.links.append(link)


def broken(site: Path) -> list[str]:
    """ "PAGE: LINK" for each link of the site's pages without its file, or its anchor there."""
    found = [path for path in site.rglob("*.html") if site / "_static" not in path.parents]
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in found}
    return sorted(
        f"{path.relative_to(site)}: {link}"
        for path, page in pages.items()
        for link in set(page.links)
        if not _leads_somewhere(link, path, pages)
    )


def _leads_somewhere(link: str, source: Path, pages: dict[Path, _Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:  # another host, mail, data
        return True
    target = (source.parent / unquote(parts.path)).resolve() if parts.path else source
    if target in pages and parts.fragment:
        return unquote(parts.fragment) in pages[target].anchors
    return target.exists()
