"""Homomorphic matching: presets, the scheme interface and its back ends, and public evaluation.

Nothing in this package holds or accepts a secret key.
"""
