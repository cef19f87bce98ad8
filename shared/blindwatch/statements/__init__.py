"""Signed statements: who may sign them, what they say, and what makes them hold."""
