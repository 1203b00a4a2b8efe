-- What waits, by what it belongs to: so that much for one receiver holds up no other.
CREATE INDEX queue_by_turn ON queue (kind, topic, not_before, id) WHERE state = 'waiting';
