"""Canaries: test faces to walk past a camera, and to look for afterwards."""
