"""How fast the engine is, beside its ancestor and others, in one run on one machine.

`python -m bench` measures and writes docs/engine-bench.md and docs/engine-bench.png. Each figure comes from a process
of its own; herder and a peer run in turn, and what counts is the median of the ratios of such pairs: the machine's mood
changes from minute to minute, but hardly within a pair. A peer whose tools are not there is left out and named.

| file | idea |
|---|---|
| shape | the workflow that everybody runs |
| herder_burst, herder_wait, floor, langgraph_burst, wfaas/ | what is timed: programs that print a line of JSON |
| peers | builds what is not Python, and an environment for the rest, in a cache outside the checkout |
| measure | runs the programs in turn |
| report, plot | a table and a picture of the outcome |
"""
