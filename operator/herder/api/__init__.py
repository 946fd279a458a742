"""The resources as users write them: what a manifest may say, what a status shows, and the CRDs rendered from both.

`meta` names the group and its kinds; `gateway`, `worker`, `wasm`, `mcp` and `tokenizer` hold each kind's spec and
status, `served`, `status`, `fields`, `labels` and `paths` what several share; `conditions` how conditions are written,
`reasons` what they mean; `base` how a mapping from the API server becomes a frozen model; `crd` what renders crds/.
Nothing here talks to anything: no I/O but the files of `crd`.
"""
