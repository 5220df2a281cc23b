-- How a request for an action is shown, and what its arguments must look like: parts of the immutable description.

-- New columns without defaults: nothing is rewritten, and the previous version of the program goes on reading and writing
-- the columns that it knows. A description that it writes has none of these.
ALTER TABLE action_versions
    -- A template such as 'Send mail to {to}'. NULL: the names of integration and action.
    ADD COLUMN title        text,
    -- An array of {"pointer", "label", "format"}, in the order in which they are shown. json, which keeps the text, so
    -- that two descriptions are compared without reading them.
    ADD COLUMN fields       json,
    -- Any of 'destructive', 'money', 'external'; empty if the action is declared to have none of these risks. NULL: what
    -- read_only and destructive say, which is all that version 0.1.0 knew, and nothing if both are false. The column
    -- destructive still says whether this contains 'destructive', for the previous version and for actions.destructive.
    ADD COLUMN risk         text[],
    -- A JSON Schema, at most 64 KiB.
    ADD COLUMN input_schema json;
