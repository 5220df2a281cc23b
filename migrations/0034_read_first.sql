-- No program records a person's approval of a request that they must read first and have not opened, the previous version
-- included, which knows nothing of it.
CREATE FUNCTION refuse_unread_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM actions a WHERE a.id = NEW.action_id AND a.must_read_at IS NOT NULL)
        AND NOT EXISTS (SELECT FROM details_opened d WHERE d.approval_id = NEW.id AND d.user_id = NEW.decided_user) THEN
        RAISE EXCEPTION 'The approval % is refused: the request must be read first, and % has not opened it', NEW.id,
            NEW.decided_user;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_read_first BEFORE UPDATE OF status ON approvals
    FOR EACH ROW WHEN (OLD.status = 'pending' AND NEW.status = 'approved' AND NEW.decided_by = 'user')
    EXECUTE FUNCTION refuse_unread_approval();
