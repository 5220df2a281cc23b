-- Messages that several requests share are rendered by rows of a kind of their own.

-- An instance of version 0.1.0 renders one request, and would do so over a message that others share. It claims only the
-- kinds that it knows, so it leaves these rows to newer instances. It also writes rows itself, for example when an approval
-- expires, hence the trigger: whichever version writes the row, its kind says whether the message may be shared.
CREATE FUNCTION name_prompt_kind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM prompt_messages m WHERE m.approval_id = NEW.approval_id AND m.is_shared) THEN
        NEW.kind := 'shared_prompt';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER outbox_names_shared_prompts BEFORE INSERT ON outbox
    FOR EACH ROW WHEN (NEW.kind = 'prompt') EXECUTE FUNCTION name_prompt_kind();
