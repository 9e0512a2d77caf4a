-- Whose entries are: until now a row for each, most of what the fate of a message wrote beside itself. Now a unit says it of
-- all of its entries, and the index finds them as it finds those of a chat: by 'owner ' and a key's id.
-- Of a unit: [[owner or null, entries in a row], …]; null: none of its entries has one.
ALTER TABLE units ADD COLUMN owners TEXT;

-- By which blocks that have none of an owner's are passed over.
CREATE INDEX entry_index_by_owner ON entry_index (key, block) WHERE key >= 'owner ' AND key < 'owner!';

-- The block that is being filled is indexed from its units when the journal is opened; the others have their rows.
CREATE TEMP VIEW owned AS
  SELECT (slot << 40) + seq AS id, owner, ((slot << 40) + max(next_seq - 1, 1)) >> 12 AS filling
  FROM head JOIN owned_entries ON owned_entries.bot = head.bot;
INSERT INTO entry_index (block, key, places)
  SELECT id >> 12, 'owner ' || owner, unhex(group_concat(printf('%02x%02x', id & 255, (id >> 8) & 15), '' ORDER BY id))
  FROM owned WHERE id >> 12 < filling GROUP BY id >> 12, owner;
CREATE TEMP TABLE latest (id INTEGER PRIMARY KEY, owner TEXT NOT NULL);
INSERT INTO latest SELECT id, owner FROM owned WHERE id >> 12 >= filling;
UPDATE units SET owners = (
    SELECT json_group_array(json_array(owner, 1) ORDER BY key)
    FROM json_each(heads) LEFT JOIN latest ON latest.id = units.id + key / 3
    WHERE key % 3 = 0
  )
  WHERE id IN (SELECT (SELECT max(unit.id) FROM units AS unit WHERE unit.id <= latest.id) FROM latest);
DROP TABLE latest;
DROP VIEW owned;
DROP TABLE owned_entries;
