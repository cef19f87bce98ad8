"""Deployments on paper: drawn up, approved, shown, changed and closed by signed statements."""
