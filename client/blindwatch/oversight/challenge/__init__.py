"""Challenges: which results are replayed, drawn as nobody can foresee."""
