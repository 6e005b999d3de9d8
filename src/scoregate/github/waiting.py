"""How long a request to GitHub waits for a rate limit. Imported with PyGithub, where a request is made."""

from __future__ import annotations

from typing import Any

from github import GithubRetry
from github.GithubException import RateLimitExceededExceedsMaxWait


class BoundedRetry(GithubRetry):
    """PyGithub's own, which waits as long as `Retry-After` says; here no longer than for any other rate limit."""

    def get_retry_after(self, response: Any) -> float | None:
        """Seconds. Raises RateLimitExceededExceedsMaxWait where they are too many: sooner it must not be asked."""
        asked = super().get_retry_after(response)
        if asked is not None and self.max_rate_limit_wait is not None and asked > self.max_rate_limit_wait:
            raise RateLimitExceededExceedsMaxWait(
                response.status,
                {"message": f"it asks to wait {asked:.0f} s"},
                dict(response.headers),
                wait=asked,
            )
        return asked
