"""From two runs and a gate to a verdict: table, pairing, comparability, rules, decision. Pure, no I/O."""
