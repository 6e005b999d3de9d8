"""A support agent of Tarnwick, an invented shop for clean-air devices and filter plans.

No model is needed: rules choose a tool, BM25 chooses a help article. Copy it, keep the shapes, replace the parts.
"""
