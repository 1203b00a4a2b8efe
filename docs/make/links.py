"""Checks every link of the built site: that the page, the file and the anchor are there, that nothing
is loaded from elsewhere, and that what a link names in the repository is in it.
Usage: links.py SITE
"""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

REPOSITORY = "https://github.com/versioner-io/libversioner"
# What a page loads by itself; a link is only followed by whoever clicks it.
LOADED = {("script", "src"), ("img", "src"), ("source", "src"), ("iframe", "src")}


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loads = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors.update(value for name in ("id", "name") if (value := given.get(name)))
        for name, value in attributes:
            loads = (tag, name) in LOADED or (
                tag == "link" and name == "href" and given.get("rel") in ("stylesheet", "icon", "preload")
            )
            if loads:
                self.loads.append(value)
            elif tag == "a" and name == "href":
                self.links.append(value)


def main(site):
    site = Path(site).resolve()
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    ).stdout.split("\n")
    known = set(tracked) | {str(parent) for name in tracked for parent in Path(name).parents}
    # What a language's own tool makes is that tool's to check.
    own = [
        page
        for page in site.rglob("*.html")
        if page.relative_to(site).parts[0] != "reference" or len(page.relative_to(site).parts) == 2
    ]
    pages = {page: Page(page) for page in own}
    wrong = []

    def follow(page, link):
        parts = urlsplit(link)
        if link.startswith(REPOSITORY):
            form, _, path = link[len(REPOSITORY) :].strip("/").partition("/main/")
            if form in ("blob", "tree") and urlsplit(path).path not in known:
                return f"{link} is not in the repository"
        if parts.scheme or link.startswith("//"):
            return ""
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            return f"{link} is not there"
        if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            return f"{link} has no such anchor"
        return ""

    for page, content in pages.items():
        if page.name == "404.html":
            continue
        name = page.relative_to(site)
        wrong += [f"{name}: {said}" for link in content.links + content.loads if (said := follow(page, link))]
        wrong += [
            f"{name}: loads {load}"
            for load in content.loads
            if urlsplit(load).scheme or load.startswith("//")
        ]
    if wrong:
        sys.exit("\n".join(sorted(set(wrong))))
    print(f"{sum(len(page.links) for page in pages.values())} links on {len(pages)} pages lead somewhere")


if __name__ == "__main__":
    main(sys.argv[1])
