"""What the pages of checks and of ranked search share: one holder of the key, one thing at a time, and an end."""
