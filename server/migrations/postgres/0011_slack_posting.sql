-- Since when a message is on its way to Slack of which nobody knows yet whether it has arrived.
ALTER TABLE slack_messages ADD COLUMN posting BIGINT;
