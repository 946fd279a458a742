-- Has herder look after it again.
obj.spec.suspend = false
return obj
