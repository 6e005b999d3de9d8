"""Judges: scores that need a model's judgment, with their replies, their cost and their evidence."""
