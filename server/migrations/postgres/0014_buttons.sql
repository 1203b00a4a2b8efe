-- Where what deploys is: an address for each environment of a product, and the variables in them. A row
-- without a product has the variables of the account.
CREATE TABLE buttons (
    product_id TEXT NOT NULL PRIMARY KEY,
    definition TEXT NOT NULL
);
