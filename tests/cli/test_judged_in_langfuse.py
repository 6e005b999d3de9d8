"""A judge's calls in Langfuse: evaluator observations under the run item that they judge, with tokens and cost."""

from __future__ import annotations

from pathlib import Path

from scoregate.langfuse import ids
from tests.cli.judged import KEY, judged_project
from tests.cli.project import Project
from tests.langfuse_server.server import LangfuseServer
from tests.model_server.answers import judged
from tests.model_server.server import ModelServer


def test_every_call_of_a_judge_stands_under_its_run_item(tmp_path: Path) -> None:
    with (
        LangfuseServer() as langfuse,
        ModelServer(script=lambda request: judged(8, "To the point.")) as model,
    ):
        made = judged_project(tmp_path / "project", model, number=3)
        project = Project(made.folder, {**made.environment, **langfuse.environment})
        done = project.run()
        assert "delivered 3 of 3 items, 3 of 3 scores" in done.err, done.err
        roots = langfuse.state.kept_items(ids.experiment_id(done.started, 0))
        calls = [row for row in langfuse.state.spans if row.parent_id in roots]
        assert [(row.name, row.type) for row in calls] == [("judge relevance", "EVALUATOR")] * 3
        assert {row.model for row in calls} == {"stand-in"}
        assert all(row.usage["input"] > 0 and row.cost["total"] > 0 for row in calls)
        assert KEY not in done.err + done.out


def test_a_bad_reply_and_its_repair_are_two_calls(tmp_path: Path) -> None:
    replies = iter(["no JSON at all"])
    with (
        LangfuseServer() as langfuse,
        ModelServer(script=lambda request: next(replies, None) or judged(8, "Fine.")) as model,
    ):
        made = judged_project(tmp_path / "project", model, number=1)
        project = Project(made.folder, {**made.environment, **langfuse.environment})
        done = project.run()
        roots = langfuse.state.kept_items(ids.experiment_id(done.started, 0))
        levels = sorted(row.level for row in langfuse.state.spans if row.parent_id in roots)
        assert levels == ["DEFAULT", "ERROR"]
