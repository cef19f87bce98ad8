"""Ranked scores for retrospective search: every score reaches the key holder, so this is a use of its own.

Nothing in this package holds or accepts a secret key. See the threat model for what the operator learns.
"""
