"""The domain: what it takes to bring a worker onto a gateway's replicas and off them again.

Each workflow's package draws its DAG at the top; its steps are small classes over one data object. Nothing here knows
Kubernetes. What a replica is to be told next is decided by pure tables (converge, removal.retire), so that every step
may be repeated at any time and by another process: it looks before it acts.

registration   worker-registration          removal     worker-removal          update  worker-update
move           worker-move
plan, owner    what is declared, by whom     entry, facts  what is known of it
converge, compare   the next move            refusals    why there is none
advance, driving    carrying it out          convergence what a run works on
ports, lookup       what is asked of the world, and how
fanout              the same on every replica at once
probing, grpc_probing, discovery, answers   asking workers themselves
routable            what the replicas offer to clients
errors, step        why an attempt failed, and whether to try again
"""
