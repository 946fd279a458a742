"""Who of several operators acts: one at a time holds a coordination.k8s.io Lease, and only for as long as that is sure.

election   pure: what a contender has seen of the Lease, and when it may be taken
ending     pure: what proves that its holder has ended, so that it need not be waited out
mandate    leave to change things: it ends by itself, well before the Lease can be another's
lease      the Lease on the API server
view       the Lease as one contender sees it
witness    who looks whether its holder has ended
elector    the loop that takes it, keeps it and gives it back
candidate  this process as one who contends for it, or who has no rivals
settings   how it is to be held
standby    what is known while another leads

A holder's mandate is counted from before its last renewal was sent; a contender waits the Lease's whole time from when
it saw that renewal. Both count by their own monotonic clock, and neither reads what the other's clock wrote. So at most
one mandate is valid at a time, as long as no clock runs lease / renew deadline times as fast as another (1.5 by
default).
What was sent under a mandate has the difference of the two (5 s by default) to arrive; what a process had sent that is
known to be dead was thrown away with it.
"""
