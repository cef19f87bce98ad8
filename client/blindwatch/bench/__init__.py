"""Measurements: what the engine costs in time and bytes, beside others in the same run, every answer checked."""
