"""The main job, end to end, on photographs: every role as a process of its own, and a report at the end."""
