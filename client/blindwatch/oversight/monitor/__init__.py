"""A monitor: it follows a server's log, and stops where the log contradicts itself."""
