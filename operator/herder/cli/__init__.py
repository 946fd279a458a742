"""The command line, and the one place where everything is wired together.

`herder run` is the operator; `herder crds` and `herder graph` show what it is made of. Every flag can be set as an
environment variable HERDER_<FLAG>.
"""
