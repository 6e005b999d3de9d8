"""A gate run from its start to its verdict: put together, called, scored, decided, delivered."""
