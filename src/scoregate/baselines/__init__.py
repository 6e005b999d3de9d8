"""What a candidate is compared with: a baseline or an anchor, found by its name, and how a run becomes one."""
