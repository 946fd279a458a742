"""The command line, and the one place where everything is wired together.

`herder run` is the operator, and each of its flags can be set as an environment variable HERDER_<FLAG>; `herder crds`,
`herder graph` and `herder workflows` show what it is made of, and `herder reasons` what it says.
"""
