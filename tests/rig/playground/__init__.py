"""The world that samples/ speaks of, run for a person: a control plane, gateway replicas, workers, the operator.

`World` is all of it in one process's hands (the demo has one for a minute); `python -m rig.playground up` leaves one
running in the background until `down`.
"""
