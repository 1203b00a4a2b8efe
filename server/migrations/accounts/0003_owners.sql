-- The person, in the account's database, that the key belongs to.
ALTER TABLE keys ADD COLUMN owner TEXT;
