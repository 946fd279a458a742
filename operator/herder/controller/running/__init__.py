"""The runs: from a scene to a workflow at work, how many at once, and how one goes on after a restart."""
