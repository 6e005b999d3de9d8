"""Running a candidate against a dataset: the engine, and the candidates that it calls."""
