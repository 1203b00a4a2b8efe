"""The pages that are made from what the programs and the core say of themselves, so that no setting,
kind of error or flag is missing on them, and none is there that is gone.
"""

import os
import re
import subprocess
import tomllib


def doc(lines):
    """The text of a Rust comment, for people who do not write Rust."""
    text = " ".join(line.strip().removeprefix("///").strip() for line in lines.strip().splitlines())
    text = re.sub(r"\[`(?:\w+::)*(\w+)`\](\([^)]*\))?", lambda found: f"`{found[1]}`", text)
    return text.replace("|", "\\|")


def source(root, path):
    return (root / "src" / path).read_text(encoding="utf-8")


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


# Every field of an event.

ROW = re.compile(r"((?:^ +///.*\n)+) +(\w+): (\w+) => \"(\w+)\"(?: from (\w+))?,", re.M)


def event_fields(root):
    """Name -> (about, variable, events, whether a CI system tells it), in the order of the source."""
    text = source(root, "model/event.rs")
    fields = {}
    for event in ("Build", "Deployment"):
        body = text[text.index(f"{event}Event {{") :]
        body = body[: body.index("\n    flags {")]
        for about, name, _kind, _wire, fact in ROW.findall(body):
            known = fields.setdefault(name, [doc(about), [], bool(fact)])
            known[1].append(event.lower())
            known[2] |= bool(fact)
    if len(fields) < 15:
        raise SystemExit("docs: the fields of src/model/event.rs cannot be read any more")
    return fields


def fields(root, _programs):
    rows = [
        (f"`VERSIONER_{name.upper()}`", about, " and ".join(events), "yes" if fact else "no")
        for name, (about, events, fact) in event_fields(root).items()
    ]
    return table(("variable", "meaning", "of a", "detected"), rows)


def check_settings(root):
    """Every setting of the core is in the table of the README that this site shows."""
    text = source(root, "input/settings/mod.rs")
    listed = re.search(r"const SETTINGS: &\[&str\] = &\[(.*?)\];", text, re.S)
    names = re.findall(r'"(\w+)"', listed[1]) if listed else []
    readme = (root / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"`VERSIONER_(\w+)`", readme[readme.index("## Settings") :]))
    lost = [name for name in names if name.upper() not in shown]
    if not names or lost:
        raise SystemExit(f"docs: README.md, Settings, lacks {', '.join(lost) or 'everything'}")


# Every kind of error and of warning.

KIND = re.compile(r"((?:^ +///.*\n)+) +\w+ = \d+, \"(\w+)\", (\w+);", re.M)
WARNING = re.compile(r"((?:^ +///.*\n)+) +\w+ = \"(\w+)\";", re.M)
POLICY = re.compile(r"&\[((?:\"\w+\",? ?)+)\],\s+(?:kind: )?Kind::(\w+)")
CODES = {"Error": ("1", "error"), "ApiError": ("4", "api-error"), "Rejected": ("5", "rejected")}


def codes_of_service(root):
    """Kind -> what the service calls it."""
    text = source(root, "model/policy.rs")
    found = {}
    for codes, kind in POLICY.findall(text.replace("],\n    kind: ", "], kind: ")):
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
        found.setdefault(name, []).extend(re.findall(r"\w+", codes))
    return found


def advised(root, what, names):
    """What to do about each, from docs/advice.toml, which has them all and no other."""
    advice = tomllib.loads((root / "docs" / "advice.toml").read_text(encoding="utf-8"))[what]
    if set(advice) != set(names):
        lacks, has = sorted(set(names) - set(advice)), sorted(set(advice) - set(names))
        raise SystemExit(f"docs/advice.toml, {what}: lacks {lacks}, has {has} that there is not")
    return advice


def errors(root, _programs):
    kinds = [
        (name, doc(about), code)
        for about, name, code in KIND.findall(source(root, "model/kind.rs"))
        if code != "Ok"
    ]
    advice = advised(root, "errors", [name for name, _, _ in kinds])
    called = codes_of_service(root)
    parts = []
    for code, (number, _) in CODES.items():
        parts.append(f"## Exit code {number}")
        for name, about, of in kinds:
            if of != code:
                continue
            words = ", ".join(f"`{word}`" for word in called.get(name, []))
            words = f" The service says {words}." if words else ""
            parts.append(f"### `{name}` {{ #{name} }}\n\n{about}{words}\n\n{advice[name]}")
    return "\n\n".join(parts)


def warnings(root, _programs):
    kinds = [(name, doc(about)) for about, name in WARNING.findall(source(root, "model/kind.rs"))]
    advice = advised(root, "warnings", [name for name, _ in kinds])
    return "\n\n".join(
        f"### `{name}` {{ #warning-{name} }}\n\n{about}\n\n{advice[name]}" for name, about in kinds
    )


# Every command, as its program explains it.

OPTION = re.compile(r"^ {2,8}(?=-|<)((?:-\w, )?\S+(?: \[?<[^>]+>\]?(?:\.\.\.)?)?(?: <[^>]+>)?)(?:  +(.*))?$")


def said(program, words):
    return subprocess.run(
        [program, *words, "--help"], check=True, capture_output=True, text=True, env={}
    ).stdout


def sections(text):
    """Heading -> lines; what stands before the first one is under the empty heading."""
    parts, at = {"": []}, ""
    for line in text.splitlines():
        heading = re.match(r"([A-Z][^:]*):$", line)
        usage = re.match(r"Usage: (.*)", line)
        if heading or usage:
            at = heading[1] if heading else "Usage"
            parts[at] = [usage[1]] if usage else []
        else:
            parts[at].append(line)
    return parts


def listed(lines):
    """Options or arguments with what they mean."""
    items = []
    for line in lines:
        option = OPTION.match(line)
        if option:
            items.append([option[1], option[2] or ""])
        elif items and line.strip():
            items[-1][1] = f"{items[-1][1]} {line.strip()}".strip()
    return items


def meaning(text):
    before, values, after = text.partition(" Possible values: - ")
    if values:
        words, bracket, rest = after.partition(" [")
        named = [re.sub(r"(\w+): (.*)", r"`\1` (\2)", word) for word in words.split(" - ")]
        text = f"{before}. One of {', '.join(named)}.{' [' if bracket else ''}{rest}"
    text = re.sub(r"\[env: (\w+)(=\w+)?=?\]", lambda found: f"Variable `{found[1]}{found[2] or ''}`.", text)
    text = re.sub(r"\[default: ([^]]*)\]", r"Default: \1.", text)
    text = re.sub(r"\[possible values: ([^]]*)\]", r"One of \1.", text)
    text = re.sub(r"(\w|\)) (Variable|Default|One of)\b", r"\1. \2", text)
    return re.sub(r"([<>*_$])", r"\\\1", text) if "`" not in text else re.sub(r"<", "&lt;", text)


def commands(program, common):
    """A section for each command, those below it included."""
    parts = []

    def visit(words):
        text = sections(said(program, words))
        name = " ".join([program.name, *words])
        usage = "\n".join(line.strip() for line in text["Usage"] if line.strip())
        below = [line.split()[0] for line in text.get("Commands", []) if re.match(r"  \w", line)]
        below = [word for word in below if word != "help"]
        if not below or not words:
            lines = [f"## `{name}`", " ".join(" ".join(text[""]).split()), f"```text\n{usage}\n```"]
            for heading in ("Arguments", "Options", *([] if words else [common])):
                items = [
                    item
                    for item in listed(text.get(heading, []))
                    if not re.search(r"--(help|version)\b(?! <)", item[0])
                ]
                lines += [f"- `{option}`: {meaning(what)}" for option, what in items]
            parts.append("\n\n".join(lines[:3]) + "\n\n" + "\n".join(lines[3:]))
        for word in below:
            visit([*words, word])

    visit([])
    return "\n\n".join(parts)


def command(_root, programs):
    return commands(programs / "versioner", "Common options")


def server_command(_root, programs):
    return commands(programs / "versioner-server", "Common options")


def senders(_root, programs):
    """What is to be done at each sender of a source, as the server itself says it."""
    words = [programs / "versioner-server", "sources", "guide"]
    return subprocess.run(words, check=True, capture_output=True, text=True, env={}).stdout


def header(root, _programs):
    return f"```c\n{(root / 'include' / 'versioner.h').read_text(encoding='utf-8')}```"


def settings(root, programs):
    check_settings(root)
    return fields(root, programs)


# What each language says of itself: made beside the site by scripts/docs.sh, for as many as it is told.

LANGUAGES = {
    "rust": ("Rust", "README.md", "rustdoc", "rust/versioner/index.html"),
    "c": ("C, C++", "include/versioner.h", "the header", "header.html"),
    "go": ("Go", "bindings/go", "go doc", "go.txt"),
    "ruby": ("Ruby", "bindings/ruby", "YARD", "ruby/index.html"),
    "java": ("Java, Groovy", "bindings/java", "Javadoc", "java/index.html"),
    "python": ("Python", "python", "pdoc", "python/versioner.html"),
    "node": ("Node", "bindings/javascript", "TypeDoc", "node/index.html"),
}


def languages(root, _programs):
    made = {"c", *os.environ.get("DOCS_REFERENCES", "").split()}
    rows = []
    for name, (language, place, tool, page) in LANGUAGES.items():
        if not (root / place).exists():
            continue
        link = f'<a href="{page}">{tool}</a>' if name in made else f"{tool}: `make docs REFERENCES={name}`"
        rows.append((language, link))
    return table(("language", "every name in it"), rows)


# What a page shows all of.
SHOWN = {"header": "include/versioner.h"}

GENERATED = {
    "fields": settings,
    "errors": errors,
    "warnings": warnings,
    "command": command,
    "server-command": server_command,
    "senders": senders,
    "header": header,
    "languages": languages,
}
