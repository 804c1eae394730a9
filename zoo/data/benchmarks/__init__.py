"""Benchmarks of many tasks: GLUE, SuperGLUE and CLUE, each a table of tasks in JSON, and their data."""
