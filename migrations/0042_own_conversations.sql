-- A request with a key that is bound to one user is made in a conversation of that user's own, whatever other keys of the
-- backend use the same id. Its row in `conversations`, and the grants for it, have the id `USER` + U+001F + `ID`
-- (and those of the backend U+001F + `ID`, if `ID` contains U+001F itself);
-- `approvals.conversation_id` stays as the caller wrote it, so that lists find it.

-- A new column with a constant: no row is rewritten. An instance of version 0.1.0 takes no bound key, and finds no open
-- conversation for such an approval: it gives no conversation grant then.
ALTER TABLE approvals ADD COLUMN own_conversation boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN approvals.own_conversation IS 'asked for with a key bound to the user, in a conversation of their own';
COMMENT ON COLUMN conversations.id IS 'the caller''s id; USER + U+001F + the caller''s id, if it is a user''s own';
