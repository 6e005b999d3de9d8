"""How far a judge can be trusted: its agreement with people, what a gate demands of it, and values corrected for it."""
