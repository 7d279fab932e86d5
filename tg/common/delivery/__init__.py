"""From a task to a run and back: packages, execution, and the places to run."""
