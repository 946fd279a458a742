"""What is put right beside the runs: entries given back, swept, marked as left on purpose; and how long it took."""
