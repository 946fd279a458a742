"""What starts the real parts that tests and the demo run on: a control plane, gateway replicas, workers, the operator.

Whatever is started here dies with the process that started it, however that one ends (see watchdog).
"""
