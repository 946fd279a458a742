"""Herder: a Kubernetes operator for the lifecycle of what an inference gateway serves."""

__version__ = "0.1.0"
