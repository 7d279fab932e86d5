"""Many trainings, driven from a journal on disk."""
