"""The process beside the server's in which a local model lives. Here, and nowhere else, torch is imported."""
