-- Since when an endpoint has answered nothing but failures. After five days its deliveries wait, until it is resumed
-- by hand or a delivery that somebody sent again gets through.
ALTER TABLE backends ADD COLUMN webhook_failing_since timestamptz;

ALTER TABLE outbox
    -- Somebody had it sent again: it is tried even while the endpoint is stopped.
    ADD COLUMN by_hand boolean NOT NULL DEFAULT false,
    -- Attempts made before that: the pauses begin anew, the attempts are counted on.
    ADD COLUMN attempts_before integer NOT NULL DEFAULT 0;
