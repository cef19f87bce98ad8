"""Checks of one person in a page: grounds, one photograph, one answer, and for a minute the face of a candidate."""
