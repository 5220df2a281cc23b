-- What waits for one endpoint must cost those nothing who wait for another, however much it is: workers look from
-- backend to backend, and at each for what is due.
CREATE INDEX outbox_waiting ON outbox (backend_id, due_at, seq)
    WHERE kind = 'webhook' AND done_at IS NULL AND dead_at IS NULL;
-- The few that somebody had sent again: they are tried even while their endpoint is stopped.
CREATE INDEX outbox_by_hand ON outbox (due_at)
    WHERE by_hand AND done_at IS NULL AND dead_at IS NULL;
