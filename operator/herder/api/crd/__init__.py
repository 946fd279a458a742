"""CustomResourceDefinitions, rendered from the models: `catalog` says of which, `structural` how they are rewritten.

`render` is pure; `files` compares and writes what lies in crds/.
"""
