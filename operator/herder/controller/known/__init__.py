"""What is known of the resources: the newest version of each, what one says, and which are to be looked at."""
