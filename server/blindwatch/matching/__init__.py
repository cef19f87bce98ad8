"""The match server: it takes encrypted probes, scores them in worker processes and keeps what is released."""
