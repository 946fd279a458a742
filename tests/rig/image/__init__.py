"""Builds what the Dockerfile describes, without a daemon and without an image registry, and runs what is in it.

tools ─▶ base (debootstrap, once) ─▶ build (buildah) ─▶ an OCI layout ─▶ its root file system ─▶ container
"""
