"""Find the kind of an expression's value, and report every name in it that does not exist."""

from collections.abc import Callable
from typing import Final

from infra.terraform.check.access import apply_index, apply_name, apply_splat
from infra.terraform.check.functions import result_of
from infra.terraform.check.kinds import (
    ANY,
    BOOL,
    NUMBER,
    STRING,
    Kind,
    common,
    element_of,
    list_of,
    map_of,
    object_of,
)
from infra.terraform.check.operators import argument_problems, check_branches, check_operands
from infra.terraform.check.scope import Scope
from infra.terraform.check.syntax import Node, SyntaxProblem, parse_expression
from infra.terraform.check.templates import parts_of

OPERATORS_OF_NUMBERS: Final = "+-*/%"
COMPUTED: Final = "("
BINARY: Final = "binary_op"


def infer(node: Node, scope: Scope) -> Kind:
    """Return the kind of an expression's value."""
    rule = _RULES.get(node.data)
    if rule is None:
        for child in node.nodes:
            infer(child, scope)
        return ANY
    return rule(node, scope)


def _term(node: Node, scope: Scope) -> Kind:
    return infer(node.nodes[0], scope)


def _identifier(node: Node, scope: Scope) -> Kind:
    found = scope.kind_of(node.word)
    if found is None:
        scope.report(node.line, f"{node.word} is not declared")
        return ANY
    return found


def _number(node: Node, _: Scope) -> Kind:
    return Kind("number", text=node.word)


def _literal(node: Node, _: Scope) -> Kind:
    return ANY if node.word == "null" else Kind("bool", text=node.word)


def _string(node: Node, scope: Scope) -> Kind:
    parts = node.nodes
    if len(parts) == 1 and parts[0].nodes and parts[0].nodes[0].data == "interpolation":
        return infer(parts[0].nodes[0].nodes[0], scope)
    if not any(part.nodes for part in parts):
        return Kind("string", text=node.word)
    for part in parts:
        scope = _inside(part.nodes, scope)
    return STRING


def _inside(found: tuple[Node, ...], scope: Scope) -> Scope:
    """Check one part of a string, and return the scope of what follows: a loop binds names up to its end."""
    for node in found:
        if node.data == "template_for_start":
            *names, over = node.nodes
            return scope.with_names(_bindings([name.word for name in names], infer(over, scope)))
        for child in node.nodes:
            infer(child, scope)
    return scope


def _heredoc(node: Node, scope: Scope) -> Kind:
    infer_template(node.word, scope, node.line)
    return STRING


def infer_template(text: str, scope: Scope, first: int) -> None:
    """Check every expression of a template that begins at line `first` of the scope's file."""
    scopes = [scope]
    for part in parts_of(text):
        if part.kind == "end":
            scopes = scopes[:-1] or [scope]
        if part.expression:
            kind = _of_text(part.expression, scopes[-1], first + part.line)
            if part.kind == "for":
                scopes.append(scopes[-1].with_names(_bindings(list(part.names), kind)))


def _of_text(expression: str, scope: Scope, line: int) -> Kind:
    try:
        return infer(parse_expression(expression), scope)
    except SyntaxProblem as error:
        scope.report(line, str(error))
        return ANY


def _tuple(node: Node, scope: Scope) -> Kind:
    items = tuple(infer(child, scope) for child in node.nodes)
    return Kind("list", common(list(items)), items=items)


def _object(node: Node, scope: Scope) -> Kind:
    fields: dict[str, Kind] = {}
    others = []
    for element in node.nodes:
        key, value = element.nodes
        name = literal_key(key)
        kind = infer(value, scope)
        if name is None:
            infer(key.nodes[0], scope)
            others.append(kind)
        elif name in fields:
            scope.report(element.line, f"{name} is given twice")
        else:
            fields[name] = kind
    return map_of(common([*others, *fields.values()])) if others else object_of(fields)


def literal_key(key: Node) -> str | None:
    """Return the text of an object's key; None if it is computed."""
    inner = key.nodes[0]
    if inner.parts[0] == COMPUTED:
        return None
    if inner.data != "expr_term":
        return inner.word
    (term,) = inner.nodes
    plain = term.data in {"identifier", "keyword", "literal_value", "int_lit"}
    return term.word if plain or (term.data == "string" and not any(part.nodes for part in term.nodes)) else None


def _call(node: Node, scope: Scope) -> Kind:
    name, *rest = node.nodes
    given = [child for each in rest for child in each.nodes]
    kinds = [infer(child, scope) for child in given]
    for text in argument_problems(name.word, kinds):
        scope.report(node.line, text)
    result = result_of(name.word, kinds)
    if result is None:
        scope.report(node.line, f"there is no function {name.word}")
        return ANY
    if name.word == "templatefile":
        _template_file(node, given, kinds, scope)
    return result


def _template_file(node: Node, given: list[Node], kinds: list[Kind], scope: Scope) -> None:
    path = scope.folder + given[0].nodes[0].word.removeprefix("${path.module}")
    if path not in scope.files:
        scope.report(node.line, f"there is no file {path}")
        return
    text = scope.files[path]
    infer_template(text, scope.alone_with(kinds[1].fields, path), 1)
    for name in kinds[1].fields:
        if name not in text:
            scope.report(node.line, f"{path} does not use {name}")


def _name(node: Node, scope: Scope) -> Kind:
    base, access = node.nodes
    return apply_name(infer(base, scope), access.nodes[0].word, lambda text: scope.report(node.line, text))


def _index(node: Node, scope: Scope) -> Kind:
    base, access = node.nodes
    index = Kind("number") if access.data == "short_index" else infer(access.nodes[0], scope)
    return apply_index(infer(base, scope), index, lambda text: scope.report(node.line, text))


def _splat(node: Node, scope: Scope) -> Kind:
    base, rest = node.nodes

    def report(text: str) -> None:
        scope.report(node.line, text)

    kind = apply_splat(infer(base, scope), report)
    for access in rest.nodes:
        if access.data == "get_attr":
            kind = apply_name(kind, access.nodes[0].word, report)
        elif access.data == "braces_index":
            kind = apply_index(kind, infer(access.nodes[0], scope), report)
        else:
            kind = apply_index(kind, Kind("number"), report)
    return list_of(kind)


def _bindings(names: list[str], over: Kind, element: Kind | None = None) -> dict[str, Kind]:
    """Return the kinds of a loop's names: the element, with its position or key before it if there are two names."""
    key = NUMBER if over.name in {"list", "set"} else STRING
    kinds = [key, element or element_of(over)]
    return dict(zip(names, kinds[-len(names) :], strict=True))


def _loop(node: Node, scope: Scope) -> tuple[Scope, Kind, list[Node]]:
    intro, *rest = node.nodes
    *names, over = intro.nodes
    kind = infer(over, scope)
    return scope.with_names(_bindings([name.word for name in names], kind)), kind, rest


def _list_loop(node: Node, scope: Scope) -> Kind:
    inner, over, rest = _loop(node, scope)
    kinds = [infer(child, inner) for child in rest]
    names = [name.word for name in node.nodes[0].nodes[:-1]]
    for item in over.items:  # Spelled-out items are tried one by one, because they may be keys of something.
        infer(rest[0], scope.with_names(_bindings(names, over, item)))
    return list_of(kinds[0])


def _map_loop(node: Node, scope: Scope) -> Kind:
    inner, over, rest = _loop(node, scope)
    key, value, *condition = rest
    for child in (key, *condition):
        infer(child, inner)
    kind = infer(value, inner)
    first = node.nodes[0].nodes[0].word
    if over.name == "object" and key.word == first and not condition:
        return _each_field(node.nodes[0].nodes, value, over, scope)
    return map_of(kind)


def _each_field(intro: tuple[Node, ...], value: Node, over: Kind, scope: Scope) -> Kind:
    """Return the kind of a loop that keeps the keys of an object."""
    names = [name.word for name in intro[:-1]]
    kept = {
        name: infer(value, scope.with_names(dict(zip(names, [STRING, kind][-len(names) :], strict=True))))
        for name, kind in over.fields.items()
    }
    return object_of(kept, over.what)


def _conditional(node: Node, scope: Scope) -> Kind:
    condition, *branches = node.nodes
    kinds = [infer(branch, scope) for branch in branches]
    check_branches(infer(condition, scope), kinds, lambda text: scope.report(node.line, text))
    return common(kinds)


def _operation(node: Node, scope: Scope) -> Kind:
    left, right = node.nodes
    operator, operand = right.nodes
    kinds = [infer(left, scope), infer(operand, scope)]
    # The parser knows no precedence, so the operands of a chain of operators are not what they seem.
    if BINARY not in {left.data, operand.data}:
        check_operands(operator.word, kinds, lambda text: scope.report(node.line, text))
    return NUMBER if operator.word in OPERATORS_OF_NUMBERS else BOOL


def _unary(node: Node, scope: Scope) -> Kind:
    infer(node.nodes[0], scope)
    return BOOL if node.parts[0] == "!" else NUMBER


_RULES: Final[dict[str, Callable[[Node, Scope], Kind]]] = {
    "expr_term": _term,
    "identifier": _identifier,
    "int_lit": _number,
    "float_lit": _number,
    "literal_value": _literal,
    "string": _string,
    "heredoc_template": _heredoc,
    "heredoc_template_trim": _heredoc,
    "tuple": _tuple,
    "object": _object,
    "function_call": _call,
    "get_attr_expr_term": _name,
    "index_expr_term": _index,
    "attr_splat_expr_term": _splat,
    "full_splat_expr_term": _splat,
    "for_tuple_expr": _list_loop,
    "for_object_expr": _map_loop,
    "conditional": _conditional,
    BINARY: _operation,
    "unary_op": _unary,
}
