"""The schema of the store and how an older one becomes the present one.

`PRAGMA user_version` holds the number of migrations that a file has seen, `application_id` says that it is ours.
"""

from __future__ import annotations

APPLICATION_ID = 0x53434754

Migration = tuple[str, ...]
"""Statements that lift a file by one version."""

_FIRST: Migration = (
    # `key` stands for the run's id in the other tables, so that no row repeats the text.
    """CREATE TABLE runs (
        key INTEGER PRIMARY KEY,
        run TEXT NOT NULL UNIQUE,
        dataset TEXT NOT NULL,
        dataset_fingerprint TEXT,
        dataset_version TEXT,
        candidate TEXT NOT NULL,
        commit_id TEXT,
        expected_items INTEGER NOT NULL,
        trials INTEGER NOT NULL,
        started_at TEXT,
        finished_at TEXT,
        scorers TEXT NOT NULL,
        metadata TEXT NOT NULL
    )""",
    # With a rowid: an output may be long, and a clustered index would carry it through its inner pages.
    """CREATE TABLE run_items (
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        item TEXT NOT NULL,
        trial INTEGER NOT NULL,
        status TEXT NOT NULL,
        error TEXT,
        output TEXT NOT NULL,
        latency_seconds REAL,
        cost_usd REAL,
        tokens_input INTEGER,
        tokens_output INTEGER,
        trace_id TEXT,
        cluster TEXT,
        slices TEXT NOT NULL,
        PRIMARY KEY (run, item, trial)
    )""",
    """CREATE TABLE attempts (
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        item TEXT NOT NULL,
        trial INTEGER NOT NULL,
        number INTEGER NOT NULL,
        status TEXT NOT NULL,
        error TEXT,
        latency_seconds REAL NOT NULL,
        PRIMARY KEY (run, item, trial, number)
    ) WITHOUT ROWID""",
    # `value` is JSON text, so that true, 1 and 1.0 stay what they are.
    """CREATE TABLE scores (
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        item TEXT NOT NULL,
        trial INTEGER NOT NULL,
        score TEXT NOT NULL,
        value TEXT NOT NULL,
        status TEXT NOT NULL,
        comment TEXT,
        source TEXT NOT NULL,
        PRIMARY KEY (run, item, trial, score)
    ) WITHOUT ROWID""",
    """CREATE TABLE dataset_items (
        fingerprint TEXT NOT NULL,
        item TEXT NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (fingerprint, item)
    )""",
)

# What the item of the dataset held, and when its last call began (Unix seconds).
_SECOND: Migration = (
    "ALTER TABLE run_items ADD COLUMN content TEXT",
    "ALTER TABLE run_items ADD COLUMN started_at REAL",
)

# What became of run items and scores at a service, and what is kept only to be sent there.
_THIRD: Migration = (
    "CREATE TABLE targets (key INTEGER PRIMARY KEY, target TEXT NOT NULL UNIQUE)",
    """CREATE TABLE deliveries (
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        target INTEGER NOT NULL REFERENCES targets (key),
        item TEXT NOT NULL,
        trial INTEGER NOT NULL,
        score TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        PRIMARY KEY (run, target, item, trial, score)
    ) WITHOUT ROWID""",
    """CREATE TABLE outbox (
        key INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        target TEXT NOT NULL,
        payload BLOB NOT NULL,
        count INTEGER NOT NULL,
        reason TEXT
    )""",
    """CREATE TABLE run_scores (
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        id TEXT NOT NULL,
        trial INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (run, id)
    ) WITHOUT ROWID""",
    "CREATE INDEX outbox_of_run ON outbox (run)",
)

# What judges replied. `key` is a hash of all that can change the reply, `run` the run that paid for it.
_FOURTH: Migration = (
    """CREATE TABLE judge_replies (
        key TEXT PRIMARY KEY,
        score TEXT NOT NULL,
        judge TEXT NOT NULL,
        model TEXT NOT NULL,
        series TEXT NOT NULL,
        trial INTEGER NOT NULL,
        vote INTEGER NOT NULL,
        value TEXT NOT NULL,
        reasoning TEXT,
        error TEXT,
        calls INTEGER NOT NULL,
        tokens_input INTEGER,
        tokens_output INTEGER,
        cost_usd REAL,
        run TEXT,
        made_at REAL NOT NULL
    )""",
    "CREATE INDEX judge_replies_of_run ON judge_replies (run)",
)

# What judges took of each trial of a run, with replies that were never final, and answers that nobody has scored yet.
_FIFTH: Migration = (
    """CREATE TABLE judge_usage (
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        trial INTEGER NOT NULL,
        score TEXT NOT NULL,
        replies INTEGER NOT NULL,
        from_cache INTEGER NOT NULL,
        calls INTEGER NOT NULL,
        cost_usd REAL,
        PRIMARY KEY (run, trial, score)
    ) WITHOUT ROWID""",
    """INSERT INTO judge_usage
        SELECT runs.key, trial, score, count(*), 0, total(calls), sum(cost_usd)
        FROM judge_replies JOIN runs USING (run) GROUP BY runs.key, trial, score""",
    """CREATE TABLE unscored_answers (
        run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
        item TEXT NOT NULL,
        trial INTEGER NOT NULL,
        answer TEXT NOT NULL,
        PRIMARY KEY (run, item, trial)
    ) WITHOUT ROWID""",
)

MIGRATIONS: tuple[Migration, ...] = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH)
