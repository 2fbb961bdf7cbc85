"""The messages in a module's source: what it gives to errors, problems and printing functions.

Code marks little. A message is an argument of one of CALLS, or what a name in such an argument
stands for in the same module; an f-string becomes a pattern with named placeholders, which
`worker.translation.message` finds again in the finished text.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Set
from functools import lru_cache

from worker.translation import PLACEHOLDER, make_plural

CALLS = {
    *(
        "Rejected",
        "Refusal",
        "Exhausted",
        "Retryable",
        "NewsdropError",
        "UsageError",
        "NotThere",
        "AlreadyThere",
    ),
    *(
        "WrongValue",
        "ConfigError",
        "StoreUnavailable",
        "StoreRefused",
        "StoreFull",
        "SpoolUnavailable",
        "Busy",
    ),
    *(
        "Outcome",
        "FetchFailed",
        "Blocked",
        "ChildError",
        "_NoPage",
        "_BadRuleError",
        "HTTPException",
    ),
    *("Problem", "Finding", "problem", "fail", "warn", "ok", "note"),
    *("print_note", "print_text", "print_fields", "make_table", "print_result"),
    *("Check", "confirm", "translate", "mark", "gettext"),
}
"""Functions and classes whose arguments people read."""

WORDS = {"make_table", "mark", "gettext"}
"""Those whose arguments may be single words; elsewhere these are names, styles and kinds."""

FORMS = {"mark", "gettext"}
"""Those that look a text up as it is in the source, before it has its values."""

_SENTENCE = re.compile(r"[^\W\d_]{2}.* | .*[^\W\d_]{2}")
_RESULTS = (ast.Return, ast.Yield, ast.YieldFrom)
_WORD = re.compile(r"[^\W\d_]")


def noun_forms(one: str, many: str | None = None) -> tuple[str, str]:
    return f"{{count}} {one}", f"{{count}} {many or make_plural(one)}"


def forms_in(tree: ast.Module) -> set[str]:
    """The texts that code looks up before it fills in their values."""
    marked = (_literals(call) for call in _named_calls(tree, FORMS | {"map"}))
    texts = {it.value for literals in marked for it in literals if isinstance(it, ast.Constant)}
    return {text for text in texts if PLACEHOLDER.search(text)}


def messages_in(
    tree: ast.Module, calls: Set[str] = CALLS
) -> Iterator[tuple[int, str | tuple[str, str]]]:
    """A module's messages: in the arguments of `calls`, and in what the names there stand for."""
    assigned = _assignments(tree)
    todo = [argument for call in _named_calls(tree, calls) for argument in _arguments(call)]
    done: set[ast.expr] = set()
    while todo:
        expression = todo.pop()
        if expression in done:
            continue
        done.add(expression)
        for name in _names(expression):
            todo += assigned.get(name, [])
        yield from _texts(expression)
    for call in _named_calls(tree, (WORDS | {"map"}) if calls is CALLS else WORDS & calls):
        for word in filter(None, map(pattern, _literals(call))):
            if _WORD.search(PLACEHOLDER.sub("", word)):
                yield call.lineno, word
    for call in _named_calls(tree, {"print_fields"}):
        rows = call.args[0].elts if isinstance(call.args[0], ast.Tuple) else []
        names = (pattern(row.elts[0]) for row in rows if isinstance(row, ast.Tuple))
        yield from ((call.lineno, name) for name in names if name)
    for call in _named_calls(tree, {"Check", "_warn_of"}):
        if (name := pattern(call.args[0])) and not PLACEHOLDER.search(name):
            yield call.lineno, name
    for call in _named_calls(tree, {"count_noun"}):
        words = [
            it.value
            for it in call.args[1:]
            if isinstance(it, ast.Constant) and isinstance(it.value, str)
        ]
        if words:
            yield call.lineno, noun_forms(*words)


@lru_cache(maxsize=4)
def _nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes, walked once for all that look at one module."""
    return tuple(ast.walk(tree))


def _assignments(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """What each name of the module stands for: values of variables, results of functions."""
    found: dict[str, list[ast.expr]] = defaultdict(list)
    for node in _nodes(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[target.id].append(node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and isinstance(node.target, ast.Name):
            found[node.target.id] += [node.value] if node.value else []
        elif isinstance(node, ast.FunctionDef):
            results = (it for it in ast.walk(node) if isinstance(it, _RESULTS))
            found[node.name] += [it.value for it in results if it.value]
    return found


def _literals(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a marking function; also of `map(mark, (…))`."""
    if _call_name(call) != "map":
        yield from call.args
    elif isinstance(call.args[0], ast.Name) and call.args[0].id == "mark":
        yield from call.args[1].elts if isinstance(call.args[1], ast.Tuple) else ()


def _named_calls(tree: ast.AST, names: Set[str]) -> Iterator[ast.Call]:
    for node in _nodes(tree):
        if isinstance(node, ast.Call) and _call_name(node) in names:
            yield node


def _arguments(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (
        it.value for it in call.keywords if it.arg not in ("refused", "style", "right", "flexible")
    )


def _call_name(call: ast.Call) -> str:
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _names(expression: ast.expr) -> Iterator[str]:
    """The names whose values are part of the message: not the arguments of other calls."""
    if isinstance(expression, ast.Name):
        yield expression.id
    elif isinstance(expression, ast.Call):
        yield _call_name(expression)
        if isinstance(expression.func, ast.Attribute) and expression.func.attr in (
            "join",
            "format",
        ):
            yield from (name for it in expression.args for name in _names(it))
    else:
        for child in ast.iter_child_nodes(expression):
            if isinstance(child, ast.FormattedValue | ast.expr):
                yield from _names(child)


def _texts(expression: ast.expr) -> Iterator[tuple[int, str]]:
    """The strings and patterns of an expression, without those in the arguments of other calls."""
    if isinstance(expression, ast.Constant | ast.JoinedStr | ast.BinOp):
        text = pattern(expression)
        for line in (text or "").split("\n"):
            if _SENTENCE.search(PLACEHOLDER.sub("§", line)):
                yield expression.lineno, line
        if isinstance(expression, ast.JoinedStr):
            for value in expression.values:
                if isinstance(value, ast.FormattedValue):
                    yield from _texts(value.value)
    elif isinstance(expression, ast.Call):
        if _call_name(expression) in ("join", "append", "Text", "assemble", "_sentence", *CALLS):
            for argument in expression.args:
                yield from _texts(argument)
    elif not isinstance(expression, ast.Name | ast.Attribute | ast.Compare | ast.Subscript):
        for child in ast.iter_child_nodes(expression):
            if isinstance(child, ast.expr) and child is not getattr(expression, "test", None):
                yield from _texts(child)


def pattern(expression: ast.expr) -> str | None:
    """A string as a msgid: each value a placeholder, named for what it is made of."""
    if isinstance(expression, ast.Constant):
        return expression.value if isinstance(expression.value, str) else None
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Add):
        sides = pattern(expression.left), pattern(expression.right)
        return None if None in sides else "".join(map(str, sides))
    if not isinstance(expression, ast.JoinedStr):
        names = [it for it in ast.walk(expression) if isinstance(it, ast.Name)]
        return (
            f"{{{names[-1].id}}}" if names and isinstance(expression, ast.Call | ast.Name) else None
        )
    used: list[str] = []
    parts = []
    for value in expression.values:
        if isinstance(value, ast.Constant):
            parts.append(str(value.value))
            continue
        assert isinstance(value, ast.FormattedValue)
        name = base = _placeholder(value.value)
        number = 2
        while name in used:
            name, number = f"{base}{number}", number + 1
        used.append(name)
        parts.append(f"{{{name}}}")
    return "".join(parts)


def _placeholder(expression: ast.expr) -> str:
    """`printable(error.path)` → `path`."""
    if isinstance(expression, ast.Call):
        if _call_name(expression) == "count_noun" and len(expression.args) > 1:
            noun = expression.args[1]
            if isinstance(noun, ast.Constant):
                return re.sub(r"\W", "_", make_plural(str(noun.value)))
        inner = [it for it in expression.args if not isinstance(it, ast.Constant)]
        return _placeholder(inner[0]) if inner else _call_name(expression).strip("_").lower()
    if isinstance(expression, ast.Attribute):
        return expression.attr.strip("_")
    if isinstance(expression, ast.Name):
        return expression.id.strip("_").lower()
    names = [it for it in ast.walk(expression) if isinstance(it, ast.Name | ast.Attribute)]
    return _placeholder(names[0]) if names else "value"
