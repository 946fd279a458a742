"""How what is known is kept up: by kopf's watch, and by lists of what there is, now and then.

handlers   what kopf calls: an event is handed on, and nothing else
watching   kopf itself, begun and stopped
relist     whole collections: before the first decision, and for deletions that the watch has lost
freshness  how old what is known of each kind is
"""
