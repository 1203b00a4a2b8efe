"""Puts the pages of the site together from docs/pages and the READMEs, for the generator.

A page takes what a README says in place of saying it again, by a comment that stands alone:

    <!-- page FILE -->                      all of it, with its title
    <!-- intro FILE -->                     what stands between its title and its first section
    <!-- section FILE: TITLE -->            what is in one section; the page's own title is its heading
    <!-- sections FILE: TITLE; TITLE -->    some sections, each with its heading
    <!-- rest FILE -->                      the sections that no other page has taken
    <!-- generated NAME -->                 what reference.py makes

Every section of a file that is taken in parts stands on exactly one page, so nothing is lost when a
README grows. Links go to the page that has what they name, else to the repository.

Usage: assemble.py FOLDER PROGRAMS   PROGRAMS: folder with versioner and versioner-server
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from posixpath import dirname, join, normpath

import reference

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "pages"
REPOSITORY = "https://github.com/versioner-io/libversioner"
DIRECTIVE = re.compile(r"^<!-- (page|intro|sections?|rest|generated) (\S+?)(?:: (.+?))? -->$", re.M)
FENCE = re.compile(r"^\s*```")
# A link, or a span of code, in which nothing is one.
LINK = re.compile(r"(`+)(?:(?!\1).)+\1|(\]\()([^)\s]+)(\))")
# What a picture in a README shows: a line of markup, not of Markdown.
SHOWN = re.compile(r'\b(src|srcset)="([^"]+)"')


class Wrong(Exception):
    """A page that cannot be put together, said in a sentence."""


def slug(heading):
    """The anchor of a heading, as GitHub makes it and as the generator is set to."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"\s", "-", re.sub(r"[^\w\- ]", "", text).strip())


def outside_code(text):
    """The lines of a text with whether each is text, and not inside a block of code."""
    in_code = False
    for line in text.splitlines():
        fence = bool(FENCE.match(line))
        yield line, not in_code and not fence
        in_code ^= fence


def headings(text):
    return [line for line, is_text in outside_code(text) if is_text and re.match(r"#{1,6} ", line)]


class Readme:
    """A file of the repository, by its sections."""

    def __init__(self, path):
        self.path = path
        self.title = ""
        self.sections = {"": []}
        at = ""
        for line, is_text in outside_code((ROOT / path).read_text(encoding="utf-8")):
            if is_text and line.startswith("# "):
                self.title = line[2:]
            elif is_text and line.startswith("## "):
                at = line[3:]
                self.sections[at] = []
            else:
                self.sections[at].append(line)

    def body(self, title):
        if title not in self.sections:
            raise Wrong(f"{self.path} has no section {title!r}: it has {', '.join(self.sections)}")
        return "\n".join(self.sections[title]).strip("\n")


class Site:
    def __init__(self, programs):
        self.programs = programs
        self.readmes = {}
        self.pages = {
            page.relative_to(PAGES).as_posix(): page.read_text(encoding="utf-8")
            for page in sorted(PAGES.rglob("*.md"))
        }
        self.pages = {name: text for name, text in self.pages.items() if self.is_there(text)}
        self.taken = {}  # (file, section) -> page and where on it; the section is "" for the intro
        self.places = {}  # (file, anchor) -> (page, anchor); the anchor is "" for the whole
        files = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\n")
        self.files = {name for name in files if (ROOT / name).is_file()}
        self.folders = {str(parent) for name in self.files for parent in Path(name).parents}

    @staticmethod
    def is_there(text):
        """A page about something that is in the repository only sometimes is left out without it."""
        needed = re.match(r"<!-- needs (\S+) -->\n", text)
        return not needed or (ROOT / needed[1]).exists()

    def readme(self, path):
        if path not in self.readmes:
            if not (ROOT / path).is_file():
                raise Wrong(f"a page takes from {path}, which is not there")
            self.readmes[path] = Readme(path)
        return self.readmes[path]

    def directives(self):
        for page, text in self.pages.items():
            for found in DIRECTIVE.finditer(text):
                yield page, found

    def take(self, path, section, place):
        earlier = self.taken.setdefault((path, section), place)
        if earlier != place:
            raise Wrong(f"{section!r} of {path} is on {earlier[0]} and on {place[0]}")

    def wanted(self, kind, path, titles):
        """The sections that a directive takes."""
        readme = self.readme(path)
        if kind == "page":
            return list(readme.sections)
        if kind == "intro":
            return [""]
        if kind == "rest":
            return [title for title in readme.sections if (path, title) not in self.taken]
        return titles.split("; ")

    def settle(self):
        """Decides what stands where, the rests last."""
        for last in (False, True):
            for page, found in self.directives():
                kind, path, titles = found.groups()
                if kind == "generated" and path in reference.SHOWN:
                    self.places[reference.SHOWN[path], ""] = (page, "")
                if kind == "generated" or (kind == "rest") != last:
                    continue
                for title in self.wanted(kind, path, titles):
                    self.readme(path).body(title)
                    self.take(path, title, (page, found.start()))
                    self.place(path, title, page, alone=kind == "section")
        for path, readme in self.readmes.items():
            lost = [
                title for title in readme.sections if (path, title) not in self.taken and readme.body(title)
            ]
            if lost:
                raise Wrong(f"{path}: {', '.join(lost)} is on no page of docs/pages")

    def place(self, path, title, page, alone):
        # Who names the whole file is led to where it begins.
        if not title or (path, "") not in self.places:
            self.places[path, ""] = (page, "")
        if title:
            self.places[path, slug(title)] = (page, "" if alone else slug(title))
        for heading in headings(self.readme(path).body(title)):
            anchor = slug(heading.lstrip("# "))
            self.places[path, anchor] = (page, anchor)

    def render(self, page):
        def replace(found):
            kind, path, titles = found.groups()
            if kind == "generated":
                return reference.GENERATED[path](ROOT, self.programs)
            readme = self.readme(path)
            parts = [f"# {readme.title}"] if kind == "page" else []
            for title in (
                title for title in readme.sections if self.taken.get((path, title)) == (page, found.start())
            ):
                body = readme.body(title)
                if kind == "section":
                    body = "\n".join(
                        line[1:] if is_text and line.startswith("###") else line
                        for line, is_text in outside_code(body)
                    )
                elif title:
                    parts.append(f"## {title}")
                parts.append(body)
            return self.relink("\n\n".join(parts), path, page)

        # Where a directive begins is how its sections are known.
        own, at = [], 0
        for found in DIRECTIVE.finditer(self.pages[page]):
            own += [self.relink_own(self.pages[page][at : found.start()]), replace(found)]
            at = found.end()
        own.append(self.relink_own(self.pages[page][at:]))
        return spaced(re.sub(r"\A<!-- needs \S+ -->\n", "", "\n".join(own))) + "\n"

    def relink_own(self, text):
        """Links of a page of ours: to other pages as they stand, `repository:PATH` to the repository."""
        return self.links(
            text,
            lambda link: (
                self.to_repository(link.removeprefix("repository:"))
                if link.startswith("repository:")
                else link
            ),
        )

    def relink(self, text, path, page):
        lines = [
            SHOWN.sub(lambda found: f'{found[1]}="{self.shown(found[2], path, page)}"', line)
            if is_text and line.lstrip().startswith("<")
            else line
            for line, is_text in outside_code(text)
        ]
        return self.links("\n".join(lines), lambda link: self.link(link, path, page))

    def shown(self, picture, path, page):
        """Where a picture of a README is on the site."""
        file = normpath(join(dirname(path), picture))
        if file not in self.files:
            raise Wrong(f"{path} shows {file}, which is not in the repository")
        if not file.startswith("docs/pages/"):
            raise Wrong(f"{path} shows {file}, which is not below docs/pages and so not on the site")
        return "../" * page.count("/") + file.removeprefix("docs/pages/")

    @staticmethod
    def links(text, change):
        return "\n".join(
            LINK.sub(lambda found: found[0] if found[1] else found[2] + change(found[3]) + found[4], line)
            if is_text
            else line
            for line, is_text in outside_code(text)
        )

    def link(self, link, path, page):
        """Where a link of a README leads on the site."""
        target, _, anchor = link.partition("#")
        inside = re.fullmatch(REPOSITORY + r"/?(?:(?:blob|tree)/main/(.*))?", target)
        if inside:
            target = inside[1] or "README.md"
        elif re.match(r"[a-z]+:", target):
            return link
        else:
            target = normpath(join(dirname(path), target)) if target else path
        file = f"{target}/README.md" if f"{target}/README.md" in self.files else target
        if anchor and file in self.readmes and (file, anchor) not in self.places:
            raise Wrong(f"{path} names {file}#{anchor}, which is not there")
        if (file, anchor) not in self.places:
            return self.to_repository(f"{target}#{anchor}" if anchor else target)
        there, part = self.places[file, anchor]
        if there == page:
            return f"#{part}" if part else f"{Path(page).name}"
        up = "../" * page.count("/")
        return f"{up}{there}" + (f"#{part}" if part else "")

    def settings(self):
        """Those of the generator, without the pages that are left out."""
        lines = (ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8").splitlines()
        named = re.compile(r'= "(\S+\.md)" \}')
        kept = [line for line in lines if not (found := named.search(line)) or found[1] in self.pages]
        lost = set(self.pages) - {found[1] for line in kept if (found := named.search(line))}
        if lost:
            raise Wrong(f"docs/zensical.toml leads to none of {', '.join(sorted(lost))}")
        return "\n".join(kept) + "\n"

    def to_repository(self, target):
        file, _, anchor = target.partition("#")
        if file in self.files:
            form = "blob"
        elif file in self.folders:
            form = "tree"
        else:
            raise Wrong(f"{file} is linked to, and not in the repository")
        return f"{REPOSITORY}/{form}/main/{file}" + (f"#{anchor}" if anchor else "")


def spaced(text):
    """With a blank line before each list, which the generator needs and GitHub does not."""
    lines = []
    for line, is_text in outside_code(text):
        begins = is_text and re.match(r"(- |\d+\. )", line)
        if begins and lines and lines[-1].strip() and not re.match(r"(- |\d+\. |  )", lines[-1]):
            lines.append("")
        lines.append(line)
    return "\n".join(lines).strip("\n")


def main(folder, programs):
    site = Site(Path(programs))
    site.settle()
    folder = Path(folder)
    for page in site.pages:
        place = folder / page
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(site.render(page), encoding="utf-8")
    shutil.copytree(PAGES / "assets", folder / "assets")
    (folder.parent / "zensical.toml").write_text(site.settings(), encoding="utf-8")
    print(f"{len(site.pages)} pages, {len(site.readmes)} files of the repository on them")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Wrong as wrong:
        sys.exit(f"docs: {wrong}")
