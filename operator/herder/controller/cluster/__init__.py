"""The Kubernetes API: raw calls, what may go wrong in them, credentials, Secrets by name."""
