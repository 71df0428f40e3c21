-- Refuses a database that an older set of these files made and that lacks a table or a column. The
-- set was written anew once, before any release; see "A database that is there already" in
-- README.md. A database that has everything is left as it is.
CREATE TABLE rolecall_tables (
  complete INTEGER,
  CONSTRAINT "this database is older than 0011_delivery_notes, see migrations/README.md"
    CHECK (complete = 1)
);

INSERT INTO rolecall_tables (complete)
SELECT count(*) FROM sqlite_master
WHERE type = 'table' AND name = 'deliveries' AND instr(sql, 'note TEXT') > 0;

DROP TABLE rolecall_tables;
