"""Statistics of the gate: arrays in, numbers out. Imports numpy and scipy only, and nothing of ours.

Throughout, scores are oriented so that larger is better; G clusters, k trials, H hypotheses. The exchangeable
unit is one run of one cluster: all items of the cluster in one trial (an item without a cluster is its own).
"""
