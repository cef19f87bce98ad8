"""What is written into transparency logs: one kind of record for every event that somebody has to answer for."""
