-- Has herder repair every difference again.
obj.spec.mode = "Enforce"
return obj
