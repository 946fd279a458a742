-- Has herder change nothing on its replicas, and say in its status what it would.
obj.spec.mode = "Observe"
return obj
