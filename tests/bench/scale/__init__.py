"""How herder scales, beside the same work posted to the same gateway replicas by hand, in one run on one machine.

`python -m bench.scale` measures and writes docs/scale.md. The workers are mocks, and all real parts share the machine:
control plane, three replicas, workers, operator. So what counts is the ratio of two figures of one round.

| file | idea |
|---|---|
| world | the real parts, and what there is to see of them |
| raw | posting, as a script would |
| declaring | the same by resources, and a replica that lost everything |
| report | a page of the outcome |
"""
