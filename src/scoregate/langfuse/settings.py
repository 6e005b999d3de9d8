"""Which Langfuse project is meant: keys, address and environment, from the process's environment or a `.env`."""

from __future__ import annotations

import os
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from scoregate.errors import ConfigError
from scoregate.files.env_file import ENV_FILE, read_env_file

_CLOUD_URL = "https://cloud.langfuse.com"
"""Where Langfuse is if nothing says otherwise."""
_RUNS = "sdk-experiment"
"""Where runs go unless something else is said, as those of the SDK's own runner do: the interface hides it among live
traffic, and evaluators of live traces leave it out."""
_LIVE = "default"
"""Where the server puts what is sent without an environment."""
PUBLIC_KEY, SECRET_KEY = "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"
BASE_URLS = ("LANGFUSE_BASE_URL", "LANGFUSE_HOST")
ENVIRONMENT = "LANGFUSE_TRACING_ENVIRONMENT"
_ENVIRONMENT = re.compile(r"(?!langfuse)[a-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Settings:
    """A project's keys and address. Its text form does not hold the secret key."""

    public_key: str
    secret_key: str = field(repr=False)
    base_url: str = _CLOUD_URL
    """Without a slash at its end."""
    environment: str | None = None
    """What LANGFUSE_TRACING_ENVIRONMENT says; None where it says nothing."""

    @property
    def run_environment(self) -> str:
        """Where run items go, their scores, and what the candidate traces below them."""
        return self.environment or _RUNS

    @property
    def live_environment(self) -> str:
        """Where a score goes whose trace is not known to be in another one."""
        return self.environment or _LIVE

    @property
    def target(self) -> str:
        """The project as the store names it, without a secret."""
        return f"{self.base_url} {self.public_key}"

    def redacted(self, text: str) -> str:
        """`text` without the secret key and the header made of it, should a server or a library have put it there."""
        pair = f"{self.public_key}:{self.secret_key}".encode()
        header, safe = b64encode(pair).decode(), urlsafe_b64encode(pair).decode()
        for secret in (
            self.secret_key,
            header,
            safe,
            quote(header, safe=""),
            header.rstrip("="),
            safe.rstrip("="),
        ):
            text = text.replace(secret, "<secret key>")
        return text


def find_settings(root: Path, environ: Mapping[str, str] = os.environ) -> Settings | None:
    """The settings of the process, or of `.env` in the project's root where the process sets no key.

    Keys and address come from one place: a file in a repository must not say where the process's secret goes. None
    where there are no keys at all. Raises ConfigError where there is only one of the two, no address, or an
    environment that the server would put elsewhere.
    """
    values: Mapping[str, str] = {name: value for name, value in environ.items() if value.strip()}
    file = root / ENV_FILE
    if not any(name in values for name in (PUBLIC_KEY, SECRET_KEY)) and file.is_file():
        values = {**values, **read_env_file(file)}
    public, secret = values.get(PUBLIC_KEY, "").strip(), values.get(SECRET_KEY, "").strip()
    if not public and not secret:
        return None
    if not public or not secret:
        there, absent = (PUBLIC_KEY, SECRET_KEY) if public else (SECRET_KEY, PUBLIC_KEY)
        raise ConfigError(
            f"{there} is set and {absent} is not", hint="Langfuse needs both; or unset both to run without it"
        )
    if public.startswith("sk-lf-") or secret.startswith("pk-lf-"):
        raise ConfigError(
            f"{PUBLIC_KEY} and {SECRET_KEY} are the wrong way round", hint="the public one begins with pk-lf-"
        )
    name = next((name for name in BASE_URLS if values.get(name, "").strip()), None)
    url = values[name].strip() if name else _CLOUD_URL
    environment = values.get(ENVIRONMENT, "").strip() or None
    if environment is not None:
        check_environment(environment)
    return Settings(public, secret, _checked_url(url, name), environment)


def require_settings(root: Path, what_for: str) -> Settings:
    """The same where it cannot be done without. Raises ConfigError."""
    found = find_settings(root)
    if found is None:
        raise ConfigError(
            f"{what_for} needs Langfuse, and there are no keys",
            hint=f"set {PUBLIC_KEY}, {SECRET_KEY} and {BASE_URLS[0]}, in the environment or in {ENV_FILE}",
        )
    return found


def _checked_url(url: str, name: str | None) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ConfigError(f"{name} is no web address: '{url}'", hint=f"such as {_CLOUD_URL}")
    if parts.username or parts.password:
        raise ConfigError(
            f"{name} holds a user or a password", hint="the keys go into variables of their own"
        )
    return url.rstrip("/")


def check_environment(environment: str) -> None:
    """Refuse an environment that the server would put elsewhere without a word. Raises ConfigError."""
    if not _ENVIRONMENT.fullmatch(environment):
        raise ConfigError(
            f"'{environment}' is no environment of Langfuse, which would put it into another one",
            hint="LANGFUSE_TRACING_ENVIRONMENT takes up to 40 of a-z, 0-9, - and _, not beginning with 'langfuse'",
        )
