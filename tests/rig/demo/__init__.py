"""What herder is for, shown on real parts in about a minute: `make demo`, or `python -m rig.demo`.

scene    what there is to see at one moment: the resources' status, and what each replica itself lists
screen   shows it: a live table on a terminal, plain lines anywhere else
stage    shows scenes until what is expected has come true
acts     the story
"""
