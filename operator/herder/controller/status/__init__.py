"""What `.status` says and how it gets there: pure projections and claims, and the one writer of them."""
