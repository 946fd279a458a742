"""What the replicas list, read once per resync for all resources, and what that says of each of them."""
