"""How pages are made that are files: one style sheet, one frame, everything escaped, nothing loaded from anywhere."""
