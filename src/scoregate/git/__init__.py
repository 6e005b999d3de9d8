"""What git knows of a project: commit and version, people, revisions, their worktrees and environments."""
