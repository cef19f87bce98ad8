"""Honest error rates of recognition: measured in floats, in integers and under encryption, with intervals."""
