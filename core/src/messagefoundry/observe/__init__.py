"""What is seen of an engine at work: its log."""
