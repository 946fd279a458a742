"""One resource at a time: look at the whole truth, decide purely what to do, and do it."""
