"""Mutants of Terraform files, made from the parser's tree: the check must find every one of them."""

import re
from typing import NamedTuple

import hcl2
from lark import Token, Tree

from infra.terraform.check.schema import resources
from infra.terraform.check.templates import OPENING

RENAMED = "_renamed"
NEEDED = {
    "variable": {"type", "description"},
    "output": {"value", "description"},
    "validation": {"condition", "error_message"},
    "provider": {"folder_id"},
    "terraform": {"required_version", "required_providers"},
    "backend": {"key", "region", "endpoints"},
    "required_providers": {"yandex"},
}
FREE = {"labels", "metadata", "settings", "secrets", "tags", "default_transaction_isolation"}


class Mutant(NamedTuple):
    """One change of one file: the text between two positions is replaced."""

    kind: str
    path: str
    what: str
    start: int
    end: int
    text: str

    def applied(self, files):
        """Return all files with this change."""
        old = files[self.path]
        return {**files, self.path: old[: self.start] + self.text + old[self.end :]}


def mutants_of(files):
    """Yield every mutant of some files."""
    for path, text in files.items():
        if path.endswith(".tftpl"):
            yield from _template_references(path, text)
        else:
            tree = hcl2.parses_to_tree(text)
            yield from _references(path, tree)
            if path.endswith(".tf"):
                yield from _blocks(path, text, tree.children[0], [], files)


def _trees(node):
    return [child for child in node.children if isinstance(child, Tree) and child.data != "new_line_or_comment"]


def _word(node):
    text = "".join(str(token) for token in node.scan_values(lambda each: isinstance(each, Token)))
    return text.strip('"')


def _span(node):
    return node.meta.start_pos, node.meta.end_pos


def _template_references(path, text):
    for found in OPENING.finditer(text):
        name = re.compile(r"[\w, ]*?(\w+)\s*~?\}").match(text, found.end())
        if name and name[1] != "endfor":
            yield Mutant("reference", path, name[1], name.start(1), name.end(1), name[1] + RENAMED)


def _references(path, tree):
    """Yield a mutant for every segment of every reference, and for every key in brackets."""
    keys = {id(child) for key in tree.find_data("object_elem_key") for child in key.children}
    for node in tree.iter_subtrees_topdown():
        if node.data == "get_attr" or (node.data == "expr_term" and _trees(node)[0].data == "identifier"):
            name = _trees(node)[0]
            if _word(name) not in {"string", "number", "bool", "any"} and id(node) not in keys:
                yield Mutant("reference", path, _word(name), *_span(name), _word(name) + RENAMED)
        if node.data == "braces_index" and _word(node).startswith('["'):
            start, end = _span(_trees(node)[0])
            yield Mutant("reference", path, _word(node), start, end, f'"{_word(node)[2:-2]}{RENAMED}"')
        if node.data == "function_call":
            name = _trees(node)[0]
            yield Mutant("function", path, _word(name), *_span(name), _word(name) + RENAMED)


def _fields(ancestors, files, path):
    """Return the names that a block needs, and whether it is described at all."""
    top = ancestors[0]
    kind = _word(_trees(top)[0])
    if kind == "resource":
        field = resources()[_word(_trees(top)[1])]
        for block in ancestors[1:]:
            head = [_word(each) for each in _trees(block)[:-1]]
            if head[0] != "content":
                field = field.fields.get(head[-1]) if field and field.fields else None
        return {name for name, each in field.fields.items() if each.required} if field else set()
    if kind == "module":
        return _variables(files, path, top)
    return NEEDED.get(_word(_trees(ancestors[-1])[0]), set())


def _variables(files, path, call):
    source = re.search(r'source\s*=\s*"([^"]+)"', _text(files[path], call))[1]
    folder = re.sub(r"[^/]+/\.\./", "", re.sub(r"[^/]+/[^/]+/\.\./\.\./", "", f"{path.rpartition('/')[0]}/{source}"))
    text = files[f"{folder}/variables.tf"]
    blocks = re.findall(r'variable "(\w+)" \{(.*?)\n\}', text, re.DOTALL)
    return {"source"} | {name for name, body in blocks if not re.search(r"^  default\s*=", body, re.MULTILINE)}


def _text(text, node):
    return text[slice(*_span(node))]


def _blocks(path, text, body, ancestors, files):
    for node in _trees(body):
        if node.data == "attribute" and ancestors:
            yield from _attribute(path, text, node, ancestors, files)
        elif node.data == "block":
            yield from _block(path, text, node, ancestors, files)
            yield from _blocks(path, text, _trees(node)[-1], [*ancestors, node], files)


def _attribute(path, text, node, ancestors, files):
    name = _trees(node)[0]
    inside = _word(_trees(ancestors[-1])[0])
    yield Mutant("renamed", path, _word(name), *_span(name), _word(name) + RENAMED)
    yield Mutant("twice", path, _word(name), node.meta.end_pos, node.meta.end_pos, "\n" + _text(text, node) + "\n")
    if _word(name) in _fields(ancestors, files, path) or (inside == "dynamic" and _word(name) == "for_each"):
        yield Mutant("removed", path, _word(name), *_span(node), "")
    if inside not in {"locals", "variable", "output", "lifecycle"} and _word(name) not in FREE:
        yield Mutant("kind", path, _word(name), *_span(_trees(node)[-1]), "[[true]]")
        yield from _keys(path, node)


def _keys(path, node):
    """Yield mutants of the keys of an object that the provider or a variable describes."""
    value = _trees(_trees(node)[-1])
    if value and value[0].data in {"object", "for_object_expr"}:
        for element in value[0].find_data("object_elem"):
            key = _trees(element)[0]
            if re.fullmatch(r"\w+", _word(key)) and len(_word(key)) > 1 and not _below_free(element, node):
                yield Mutant("renamed", path, _word(key), *_span(key), _word(key) + RENAMED)


def _below_free(element, node):
    return any(_word(_trees(each)[0]) in FREE and element in list(each.iter_subtrees())
               for each in [node, *node.find_data("object_elem")])  # fmt: skip


def _block(path, text, node, ancestors, files):
    name = _trees(node)[0]
    label = " ".join(_word(each) for each in _trees(node)[:-1])
    yield Mutant("renamed", path, label, *_span(name), _word(name) + RENAMED)
    if not ancestors:
        yield Mutant("twice", path, label, node.meta.end_pos, node.meta.end_pos, "\n" + _text(text, node) + "\n")
        return
    needed = _fields(ancestors, files, path)
    if _word(name) in needed or label.removeprefix("dynamic ") in needed or _word(name) == "content":
        yield Mutant("removed", path, label, *_span(node), "")
    yield from _moved(path, text, node, label, ancestors)


def _moved(path, text, node, label, ancestors):
    """Yield the block one level up, and one level down in each of its neighbours."""
    own = _text(text, node)
    parent = ancestors[-1]
    gone = "" if len(ancestors) > 1 else "\n"
    inside = text[parent.meta.start_pos : node.meta.start_pos] + text[node.meta.end_pos : parent.meta.end_pos]
    yield Mutant("level", path, f"{label} up", *_span(parent), inside + gone + "\n" + own + "\n")
    for other in _trees(_trees(parent)[-1]):
        if other.data == "block" and other is not node:
            yield _into(path, text, node, other, f"{label} into {_word(_trees(other)[0])}")


def _into(path, text, node, other, what):
    """Return the mutant that moves a block into another one beside it."""
    body_end = text.rindex("}", other.meta.start_pos, other.meta.end_pos)
    moved = "\n" + _text(text, node) + "\n"
    if node.meta.start_pos < other.meta.start_pos:
        new = text[node.meta.end_pos : body_end] + moved + text[body_end : other.meta.end_pos]
        return Mutant("level", path, what, node.meta.start_pos, other.meta.end_pos, new)
    new = text[other.meta.start_pos : body_end] + moved + text[body_end : node.meta.start_pos]
    return Mutant("level", path, what, other.meta.start_pos, node.meta.end_pos, new)
