"""The reference of the Python names, from the objects: every public name, its signature and its docstring."""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from textwrap import dedent
from typing import is_typeddict

import scoregate
from scoregate.gate_run.run import RunOptions
from scoregate.records import RuleResult

HEAD = """\
# Python

Made by `make docs` from the docstrings. What is named here is public: a change of it stands in the
[changelog](../../CHANGELOG.md). Every other module, class and function may change without a word.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """Names of one module that belong together, and what is said before them."""

    title: str
    module: str
    names: tuple[str, ...]
    text: str = ""


SECTIONS = (
    Section(
        "Run a gate",
        "scoregate",
        ("run", "run_async", "check", "RunOutcome", "Listener", "Announcement"),
        """\
```python
import scoregate

outcome = scoregate.run("gates/agent.toml")                 # await scoregate.run_async(…) where a loop runs already
outcome.verdict.outcome, outcome.exit_code

verdict = scoregate.check("gates/agent.toml", candidate="results.jsonl")
verdict.regressed_items
```

Nothing is printed or asked, and nothing exits; a `Listener` hears what the command line shows.
""",
    ),
    Section(
        "Compare two runs",
        "scoregate",
        ("compare", "Rule", "Gate", "read_gate", "Verdict"),
        """\
```python
import scoregate

verdict = scoregate.compare("baseline.jsonl", "candidate.jsonl", {"correct": scoregate.Rule(max_drop=0.05)})
verdict.outcome, verdict.exit_code, verdict.reason
verdict.regressed_items                 # ids of the items that got worse
verdict.to_frame()                      # one row a rule
```

`baseline` and `candidate` may also be pandas DataFrames in long form: `item`, `trial`, `score`, `value` (null =
missing), and optionally `cluster`. The same input gives the same verdict, to the byte.
""",
    ),
    Section(
        "Runs and their files",
        "scoregate",
        ("read_results", "write_results", "Run", "RunHeader", "RunItem", "Score", "Tokens"),
    ),
    Section(
        "Datasets and score contracts",
        "scoregate",
        ("read_dataset", "Dataset", "DatasetItem", "read_catalog", "Catalog", "Contract"),
    ),
    Section(
        "In an experiment's file",
        "scoregate",
        ("Answer", "TransientError", "CandidateError", "scorer", "not_applicable"),
        "What a [task](candidates.md#a-python-function) returns and raises, and what is said of an\n"
        "[evaluator](scorers.md#evaluators).\n",
    ),
    Section("Errors", "scoregate", ("ScoregateError", "ConfigError", "BaselineError", "RunInterrupted")),
    Section("Version", "scoregate", ("__version__",)),
    Section(
        "In a script of Langfuse",
        "scoregate.langfuse",
        ("enforce",),
        "How to use it: [Langfuse](../how-to/langfuse.md#run-a-gate-inside-a-script).\n",
    ),
    Section(
        "Scorers of other packages",
        "scoregate.scorers.adapters",
        ("from_autoevals", "from_deepeval", "from_openevals", "from_pydantic_evals", "from_ragas"),
        "How to use them: [scorers of other packages](../how-to/other-scorers.md).\n",
    ),
    Section(
        "The parts of a judge",
        "scoregate.scorers.judge",
        (
            "build_eval_score_schema", "build_eval_messages", "validate_llm_response", "build_execution_metadata",
            "get_environment_from_variables", "build_score_event", "output_schema", "response_format",
            "read_completion", "ValidReply", "InvalidReply", "ReplyData", "ChatMessage", "ExtractedVariable",
            "Fault", "JsonSchema",
        ),
        """\
Pure functions, for judges of your own:

```python
from scoregate.scorers.judge import build_eval_score_schema, validate_llm_response

schema = build_eval_score_schema({"score": "Relevance score from 0 to 10", "reasoning": "Explanation of the score"})
reply = validate_llm_response(response='{"score": "8", "reasoning": "…"}', schema=schema)
reply.success, reply.error              # False, and what is wrong; it never raises
```

`read_completion` reads a whole completion of an OpenAI-compatible endpoint in the same way, and `build_score_event`
makes the event that Langfuse's own judges write.
""",
    ),
)  # fmt: skip
PARTS: dict[str, tuple[str, type]] = {
    "run": (
        "What `overrides` may hold, the options of [`scoregate run`](commands.md#scoregate-run)",
        RunOptions,
    ),
    "Verdict": ("One `RuleResult` of `.rules`", RuleResult),
}
"""Public name -> what its entry shows as well: a class that users meet and never make or import."""
MODULES = tuple(dict.fromkeys(section.module for section in SECTIONS))


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([HEAD, *(_section(section) for section in SECTIONS)])


def _section(section: Section) -> str:
    blocks = [f"## {section.title}\n"]
    if section.module != scoregate.__name__:
        blocks.append(f"`from {section.module} import …`\n")
    if section.text:
        blocks.append(section.text)
    module = import_module(section.module)
    blocks += [_entry(section.module, name, getattr(module, name)) for name in section.names]
    return "\n".join(blocks)


def _entry(module: str, name: str, value: object) -> str:
    blocks = [f"### {module}.{name}\n"]
    if inspect.isclass(value):
        blocks += [_code(_class(name, value)), _text(value), *_members(value)]
    elif inspect.isfunction(value):
        blocks += [_code(_call(name, value)), _text(value)]
    elif isinstance(value, str):
        blocks.append("The version of the package.\n")
    else:
        blocks += [_code(f"{name} = {_plain(value)}")]
    if name in PARTS:
        title, part = PARTS[name]
        blocks += [f"{title}:\n", _code(_class(part.__name__, part)), _text(part), *_members(part)]
    return "\n".join(blocks)


def _class(name: str, kind: type) -> str:
    if issubclass(kind, Exception):
        bases = ", ".join(base.__name__ for base in kind.__bases__)
        made = f"\n\n{_call(name, kind)}" if inspect.isfunction(vars(kind).get("__init__")) else ""
        return f"class {name}({bases}){made}"
    if issubclass(kind, enum.Enum):
        return "\n".join(
            [f"class {name}(Enum)", *(f"    {one.name} = {_plain(repr(one.value))}" for one in kind)]
        )
    if dataclasses.is_dataclass(kind):
        return _call(name, kind)
    if is_typeddict(kind):
        fields = [
            f"    {_quoted(ast.unparse(line))}" for line in _body(kind) if isinstance(line, ast.AnnAssign)
        ]
        return "\n".join([f"class {name}(TypedDict)", *fields])
    if getattr(kind, "_is_protocol", False):
        return f"class {name}(Protocol)"
    return f"class {name}"


def _call(name: str, function: object) -> str:
    """`name(parameters) -> result`, in one line where it fits."""
    signature = inspect.signature(function)  # type: ignore[arg-type]
    shown, star = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            shown.append("*")
            star = True
        shown.append(_parameter(parameter))
    result = "" if inspect.isclass(function) else f" -> {_annotation(signature.return_annotation)}"
    name = f"async {name}" if inspect.iscoroutinefunction(function) else name
    line = f"{name}({', '.join(shown)}){result}"
    if len(line) <= 100:
        return line
    return "\n".join([f"{name}(", *(f"    {one}," for one in shown), f"){result}"])


def _parameter(parameter: inspect.Parameter) -> str:
    text = f"{parameter}".partition(":")[0].partition("=")[0]
    if parameter.annotation is not parameter.empty:
        text = f"{text}: {_annotation(parameter.annotation)}"
    if parameter.default is parameter.empty:
        return text
    default = repr(parameter.default)
    return f"{text} = {'…' if default.startswith('<') else default.replace(chr(39), chr(34))}"


def _annotation(annotation: object) -> str:
    return _quoted(annotation if isinstance(annotation, str) else _plain(annotation))


def _quoted(text: str) -> str:
    return text.replace("'", '"')


def _plain(value: object) -> str:
    """A type without the modules of its parts."""
    text = value.__name__ if inspect.isclass(value) and not hasattr(value, "__args__") else str(value)
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])", "", _quoted(text))


def _members(kind: type) -> Iterator[str]:
    """Fields that the class explains, and the methods and properties that it has of its own, one a line."""
    found = [f"- `.{name}`: {text}" for name, text in _explained_fields(kind)]
    for name, member in vars(kind).items():
        function = member.fget if isinstance(member, property) else member
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        call = name if isinstance(member, property) else re.sub(r"\(self(, )?", "(", _call(name, function))
        found.append(f"- `.{' '.join(call.split())}`: {_first_paragraph(function)}")
    if found:
        yield "\n".join(found) + "\n"


def _explained_fields(kind: type) -> Iterator[tuple[str, str]]:
    """Fields with a docstring below them, which Python itself does not keep."""
    if not dataclasses.is_dataclass(kind) and not is_typeddict(kind):
        return
    for field, below in pairwise(_body(kind)):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            yield ast.unparse(field.target), " ".join(str(below.value.value).split())


def _body(kind: type) -> list[ast.stmt]:
    """The lines of a class as they are written, which are the same in every version of Python."""
    body: list[ast.stmt] = ast.parse(dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
    return body


def _first_paragraph(function: object) -> str:
    return " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())


def _text(value: object) -> str:
    """A docstring as Markdown; its examples become code."""
    text = inspect.getdoc(value) or ""
    example = re.compile(r"(?:^(?:>>>|\.\.\.) .*\n?)+", re.MULTILINE)

    def code(match: re.Match[str]) -> str:
        return _code(re.sub(r"^(?:>>>|\.\.\.) ", "", match[0], flags=re.MULTILINE).rstrip())

    return example.sub(code, text).rstrip() + "\n"


def _code(text: str) -> str:
    return f"```python\n{text}\n```\n"
