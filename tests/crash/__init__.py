"""What is left by a process that is killed at the worst moment."""
