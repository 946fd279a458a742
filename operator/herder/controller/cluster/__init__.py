"""The Kubernetes API: raw calls, watching and relisting, Secrets by name, Events, the finalizer."""
