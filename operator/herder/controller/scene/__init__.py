"""One resource with all that it refers to, and what the replicas' lists say of it: values, and pure functions."""
