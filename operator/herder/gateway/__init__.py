"""One gateway replica's HTTP API, typed, and nothing else: no Kubernetes, no workflow, no second replica.

replica      what callers use: all of the following on one address
workers      the registry of workers, with the gateway's traps handled
tokenizers   the registry of tokenizers, likewise
wasm         the registry of WebAssembly modules, likewise
offers       the models that it offers to clients
types        what a replica says
spec         what it is told
fingerprint  what it was told last, in a form that a status can hold
errors       how a call can fail; the type decides whether to try again
answers      from status codes to errors, the only place that reads one
calls        address, key, slots and deadlines of every request
silence      a replica that hangs is asked by one call at a time
shared_read, turns, removals   the three small mechanisms that workers is made of
"""
