"""The front-end modules in `warpviz/static`, sorted by their imports and joined into one text.

A module has its imports at the left margin, as `import { a, b } from "../base/x.js";`, and exports
a declaration by the word `export` before it; a view's entry also has an `export default`. The
modules of one text share one scope: a name is declared once in all of them, private ones included.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from posixpath import dirname, join, normpath

SHEETS = (
    "base/theme.css",
    "frame/frame.css",
    "frame/controls.css",
    "cloud/view.css",
    "text/view.css",
    "persistence/view.css",
    "river/river.css",
    "run/view.css",
    "gate/view.css",
    "council/view.css",
)
DEFAULTS = "DEFAULTS"  # in the joined text: what each entry exports by default, by module name
IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]*)";\n', re.MULTILINE)
DECLARATION = re.compile(
    r"^(export )?(?:async function|function|class|const|let|var) ([\w$]+)", re.MULTILINE
)
UNREAD = re.compile(r"^(?:(?:import|export)\b|(?:const|let|var) [\[{]).*", re.MULTILINE)
ACCEPTED = 'import { a, b } from "./x.js"; and declarations of one name, with or without export'


@dataclass(frozen=True, slots=True)
class Module:
    """One file: what it imports (by module), declares and exports, and its text without both."""

    imports: Mapping[str, set[str]]
    declared: tuple[str, ...]
    exported: frozenset[str]
    body: str


def source(name: str) -> str:
    """Return the text of one file in `warpviz/static`."""
    return (resources.files("warpviz") / "static" / name).read_text(encoding="utf-8")


@cache
def sheet() -> str:
    """Return the style sheet of every view."""
    return "\n".join(source(name) for name in SHEETS)


def module(entry: str) -> str:
    """Return the ES module of one view: its entry and everything that the entry imports."""
    return f'{joined(entry)}export default {DEFAULTS}["{entry}"];\n'


def page(entries: Mapping[str, str]) -> str:
    """Return the script of a page of many views; `entries` are modules by kind of view."""
    kinds = ", ".join(f'"{kind}": {DEFAULTS}["{entry}"]' for kind, entry in entries.items())
    return f"{joined('frame/page.js', *entries.values())}startPage({{ {kinds} }});\n"


@cache
def joined(*names: str) -> str:
    """Return modules and everything they import as one script, each after its own imports.

    Raises:
        ValueError: modules import each other in a circle, a name is declared twice or imported
            from a module that does not export it, or an import or export is written otherwise
            than this module reads it.
    """
    modules: dict[str, Module] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name not in modules:
            modules[name] = _parse(name)
            waiting += modules[name].imports
    try:
        order = tuple(TopologicalSorter({n: m.imports for n, m in modules.items()}).static_order())
    except CycleError as error:
        msg = f"modules import each other: {' <- '.join(error.args[1])}"
        raise ValueError(msg) from error
    _check(modules)
    bodies = [f"// warpviz/static/{name}\n{modules[name].body}" for name in order]
    return "\n".join([f"const {DEFAULTS} = {{}};\n", *bodies, ""])


def _parse(name: str) -> Module:
    text = source(name)
    imports: dict[str, set[str]] = {}
    for names, path in IMPORT.findall(text):
        found = imports.setdefault(normpath(join(dirname(name), path)), set())
        found.update(filter(None, re.split(r"[\s,]+", names)))
    declarations = DECLARATION.findall(text)
    body = IMPORT.sub("", text).replace("\nexport default ", f'\n{DEFAULTS}["{name}"] = ')
    body = DECLARATION.sub(lambda found: found[0].removeprefix("export "), body)
    if unread := UNREAD.search(body):
        msg = f'{name}: cannot read "{unread[0]}"; accepted: {ACCEPTED}'
        raise ValueError(msg)
    exported = frozenset(declared for word, declared in declarations if word)
    return Module(imports, tuple(declared for _, declared in declarations), exported, body)


def _check(modules: Mapping[str, Module]) -> None:
    """Raise a ValueError if a name is declared twice, or imported from where it is not exported."""
    owners: dict[str, str] = {DEFAULTS: "static.py"}
    for name, found in modules.items():
        for declared in found.declared:
            if declared in owners:
                msg = f'{name}: "{declared}" is declared in {owners[declared]} too; rename one'
                raise ValueError(msg)
            owners[declared] = name
        for path, names in found.imports.items():
            if missing := names - modules[path].exported:
                msg = f"{name}: {path} does not export {', '.join(sorted(missing))}"
                raise ValueError(msg)
