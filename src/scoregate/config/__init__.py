"""Configuration files: TOML with the line of every key, and tables whose getters raise with file:line."""
