"""A real control plane: kube-apiserver, kube-controller-manager, etcd and kubectl, and helm beside them.

`ensure` gives the programs, `ControlPlane` starts and ends them, `Cluster` is what users of a running one see.
"""
