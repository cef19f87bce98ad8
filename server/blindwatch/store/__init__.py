"""What the match server keeps on disk: deployments, watchlists and waiting results. Never a probe."""
