"""What GitHub's answers look like: each with all that its description calls required, so that it can be held to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

JSON = dict[str, Any]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def user(api: str, login: str, kind: str = "User", number: int = 1) -> JSON:
    own = f"{api}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": f"U_{number}",
        "avatar_url": f"{api}/avatars/{number}",
        "gravatar_id": "",
        "url": own,
        "html_url": f"{api}/{login}",
        "followers_url": f"{own}/followers",
        "following_url": f"{own}/following{{/other_user}}",
        "gists_url": f"{own}/gists{{/gist_id}}",
        "starred_url": f"{own}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{own}/subscriptions",
        "organizations_url": f"{own}/orgs",
        "repos_url": f"{own}/repos",
        "events_url": f"{own}/events{{/privacy}}",
        "received_events_url": f"{own}/received_events",
        "type": kind,
        "site_admin": False,
    }


_BELOW_A_REPOSITORY = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
    "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks",
    "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones", "notifications",
    "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams", "trees",
)  # fmt: skip


def repository(api: str, name: str, number: int) -> JSON:
    owner, _, short = name.partition("/")
    own = f"{api}/repos/{name}"
    return {
        "id": number,
        "node_id": f"R_{number}",
        "name": short,
        "full_name": name,
        "license": None,
        "forks": 0,
        "owner": user(api, owner),
        "private": False,
        "html_url": f"{api}/{name}",
        "description": None,
        "fork": False,
        "url": own,
        **{f"{part}_url": f"{own}/{part}" for part in _BELOW_A_REPOSITORY},
        "clone_url": f"{own}.git",
        "git_url": f"{own}.git",
        "ssh_url": f"{own}.git",
        "svn_url": own,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "forks_count": 0,
        "stargazers_count": 0,
        "watchers_count": 0,
        "size": 1,
        "default_branch": "main",
        "open_issues_count": 0,
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": False,
        "archived": False,
        "disabled": False,
        "pushed_at": now(),
        "created_at": now(),
        "updated_at": now(),
        "open_issues": 0,
        "watchers": 0,
    }


def comment(api: str, name: str, pull: int, number: int, body: str, author: JSON, trusted: bool) -> JSON:
    return {
        "id": number,
        "node_id": f"IC_{number}",
        "url": f"{api}/repos/{name}/issues/comments/{number}",
        "html_url": f"{api}/{name}/pull/{pull}#issuecomment-{number}",
        "body": body,
        "user": author,
        "created_at": now(),
        "updated_at": now(),
        "issue_url": f"{api}/repos/{name}/issues/{pull}",
        "author_association": "COLLABORATOR" if trusted else "NONE",
    }


def pull_request(
    api: str, name: str, number: int, head: str, *, of: str, of_number: int, state: str = "open"
) -> JSON:
    own = f"{api}/repos/{name}/pulls/{number}"
    issue = f"{api}/repos/{name}/issues/{number}"
    html = f"{api}/{name}/pull/{number}"
    links = {
        "comments": f"{issue}/comments",
        "commits": f"{own}/commits",
        "statuses": f"{api}/repos/{name}/statuses/{head}",
        "html": html,
        "issue": issue,
        "review_comments": f"{own}/comments",
        "review_comment": f"{own}/comments/{{number}}",
        "self": own,
    }
    return {
        "url": own,
        "id": number,
        "node_id": f"PR_{number}",
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": issue,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "number": number,
        "state": state,
        "locked": False,
        "title": "A shorter prompt",
        "user": user(api, "octocat"),
        "body": None,
        "labels": [],
        "milestone": None,
        "created_at": now(),
        "updated_at": now(),
        "closed_at": None,
        "merged_at": None,
        "merge_commit_sha": None,
        "assignee": None,
        "head": _side(api, of, of_number, "change", head),
        "base": _side(api, name, 1, "main", "0" * 40),
        "_links": {key: {"href": href} for key, href in links.items()},
        "author_association": "CONTRIBUTOR",
        "auto_merge": None,
    }


def _side(api: str, name: str, number: int, ref: str, sha: str) -> JSON:
    owner = name.partition("/")[0]
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "repo": repository(api, name, number),
        "user": user(api, owner),
    }


def check_run(api: str, name: str, number: int, asked: JSON, annotations: int) -> JSON:
    own = f"{api}/repos/{name}/check-runs/{number}"
    output = asked.get("output") or {}
    return {
        "id": number,
        "head_sha": asked["head_sha"],
        "node_id": f"CR_{number}",
        "external_id": asked.get("external_id"),
        "url": own,
        "html_url": f"{api}/{name}/runs/{number}",
        "details_url": asked.get("details_url"),
        "status": asked.get("status", "queued"),
        "conclusion": asked.get("conclusion"),
        "started_at": now(),
        "completed_at": now() if asked.get("conclusion") else None,
        "output": {
            "title": output.get("title"),
            "summary": output.get("summary"),
            "text": output.get("text"),
            "annotations_count": annotations,
            "annotations_url": f"{own}/annotations",
        },
        "name": asked["name"],
        "check_suite": {"id": 1},
        "app": None,
        "pull_requests": [],
    }


def problem(message: str, **more: Any) -> JSON:
    return {"message": message, "documentation_url": "https://docs.github.com/rest", **more}


def invalid(message: str, *, field: str, resource: str) -> JSON:
    error = {"resource": resource, "field": field, "code": "unprocessable", "message": message}
    return problem("Validation Failed", errors=[error], status="422")
