-- Where the service finds out whether Postgres takes writes again after it refused one for want of room. It inserts here
-- and rolls back, so the table stays empty. What is inserted is stored as it is: compressed, it would need no room.
CREATE TABLE write_probes (padding text NOT NULL);
ALTER TABLE write_probes ALTER COLUMN padding SET STORAGE EXTERNAL;
