-- The commit that a message shows to those who are to decide. Those who wait are asked anew, with buttons that
-- say which commit it was.
ALTER TABLE slack_messages ADD COLUMN scm_sha TEXT;
UPDATE slack_messages SET wanted = wanted + 1 WHERE kind = 'approval' AND open = 1;
