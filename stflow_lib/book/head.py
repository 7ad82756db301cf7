"""What a page says of itself to search engines and messengers, and its buttons.

One setting drives the buttons: `repository_url` in `_config.yml`. While it is empty a page has
none; with an address it links to the repository, can be downloaded, and opens in Binder.
Named in `_config.yml` among the extensions.
"""

import html
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

BUTTONS = ("use_repository_button", "use_issues_button", "use_download_button")
TEMPLATE = "article-header-buttons.html"
NOTEBOOKS = "book/nb/"
PICTURE = "_static/coarse_true_inferred.png"
LEAST, MOST = 60, 200  # letters of a description


def setup(app: Sphinx) -> dict[str, bool]:
    """Switch the buttons, then complete each page's head after the theme has."""
    app.connect("config-inited", switch_buttons)
    app.connect("html-page-context", complete, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def switch_buttons(app: Sphinx | None, config: Config) -> None:
    """All on where the repository has an address, else all off."""
    options = config.html_theme_options
    on = bool(options.get("repository_url"))
    options.update(dict.fromkeys(BUTTONS, on))
    if on and TEMPLATE not in options["article_header_end"]:
        options["article_header_end"] = [TEMPLATE, *options["article_header_end"]]


def complete(app: Sphinx, page: str, template: str, context: dict[str, Any], tree) -> None:
    """Description and social card of a page, and the button that runs a notebook."""
    if tree is None:  # search, index
        return
    repository = app.config.html_theme_options.get("repository_url", "")
    title = f"{nodes.Text(context['title']).astext()} · STFlow"
    context["metatags"] += metatags(title, description(tree), repository)
    if repository and page.startswith(NOTEBOOKS):
        context["header_buttons"].append(binder(repository, page))


def description(tree: nodes.document) -> str:
    """The first paragraph with something to say, cut at a word."""
    texts = (" ".join(node.astext().split()) for node in tree.findall(nodes.paragraph))
    first = next((text for text in texts if len(text) >= LEAST), "")
    return first if len(first) <= MOST else first[:MOST].rpartition(" ")[0] + " …"


def metatags(title: str, text: str, repository: str) -> str:
    """Tags of the page's head; a picture needs a full address, so one of a repository."""
    said = {"og:type": "article", "og:site_name": "STFlow", "og:title": title,
            "og:description": text, "twitter:card": "summary"}  # fmt: skip
    if repository:
        said["og:image"] = f"{site_address(repository)}/{PICTURE}"
    tags = [f'<meta property="{key}" content="{html.escape(v)}" />' for key, v in said.items()]
    return "\n".join(["", f'<meta name="description" content="{html.escape(text)}" />', *tags])


def site_address(repository: str) -> str:
    """Where GitHub's Pages of a repository are: OWNER.github.io/NAME."""
    owner, name = urlsplit(repository).path.strip("/").split("/")[:2]
    return f"https://{owner.lower()}.github.io/{name}"


def binder(repository: str, page: str) -> dict[str, str]:
    """The button that opens a notebook's source on mybinder.org, in the theme's form."""
    owner, name = urlsplit(repository).path.strip("/").split("/")[:2]
    path = f"notebooks/{page.removeprefix(NOTEBOOKS)}.py"
    return {
        "type": "link",
        "url": f"https://mybinder.org/v2/gh/{owner}/{name}/HEAD?labpath={path}",
        "text": "Run",
        "tooltip": "Run this page on Binder",
        "icon": "fas fa-rocket",
        "label": "launch-binder-button",
    }
