"""`scoregate …` in processes forked from one that has imported everything: real, without a second of imports."""
