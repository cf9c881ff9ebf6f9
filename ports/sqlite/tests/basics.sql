-- SPDX-License-Identifier: MIT
-- Everyday SQL in the shell. Each line that comes out is "NAME: ok", else the value that differs.
.mode list
CREATE TEMP TABLE checks(name TEXT, actual, expected);

CREATE TABLE author(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, born INTEGER CHECK (born > 0));
CREATE TABLE book(id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, author INTEGER REFERENCES author ON DELETE CASCADE, price REAL);
CREATE INDEX book_author ON book(author, price DESC);
PRAGMA foreign_keys = ON;
INSERT INTO author(name, born) VALUES ('Lem', 1921), ('Le Guin', 1929), ('Borges', 1899);
INSERT INTO book(title, author, price) SELECT 'Title ' || value, 1 + value % 3, value * 1.5 FROM generate_series(1, 30);

INSERT INTO checks SELECT 'select', group_concat(name, '+'), 'Borges+Le Guin+Lem' FROM (SELECT name FROM author ORDER BY name);
INSERT INTO checks SELECT 'join', count(*) || ' ' || sum(price), '10 217.5' FROM book JOIN author ON author.id = book.author WHERE author.name = 'Le Guin';
INSERT INTO checks SELECT 'group', group_concat(n), '10,10,10' FROM (SELECT count(*) n FROM book GROUP BY author HAVING n > 5);
INSERT INTO checks SELECT 'left join', count(*), 1 FROM author a LEFT JOIN book b ON b.author = a.id AND b.price > 44 WHERE b.id IS NOT NULL;
INSERT INTO checks SELECT 'subquery', title, 'Title 30' FROM book WHERE price = (SELECT max(price) FROM book);
INSERT INTO checks SELECT 'window', group_concat(r), '1,2,3' FROM (SELECT row_number() OVER (PARTITION BY author ORDER BY price) r FROM book WHERE author = 2 LIMIT 3);
WITH RECURSIVE f(a, b) AS (VALUES(0, 1) UNION ALL SELECT b, a + b FROM f WHERE b < 1000000)
	INSERT INTO checks SELECT 'recursive', max(a), 832040 FROM f;
UPDATE book SET price = price + 1 WHERE author = 1;
INSERT INTO checks SELECT 'update', changes(), 10;
DELETE FROM author WHERE name = 'Borges';
INSERT INTO checks SELECT 'cascade', count(*), 20 FROM book;
INSERT INTO author VALUES (2, 'Ursula', 1929) ON CONFLICT(id) DO UPDATE SET name = excluded.name;
INSERT INTO checks SELECT 'upsert', name, 'Ursula' FROM author WHERE id = 2;
CREATE TABLE log(what TEXT);
CREATE TRIGGER noted AFTER UPDATE ON author BEGIN INSERT INTO log VALUES (old.name || '>' || new.name); END;
UPDATE author SET name = 'Stanislaw' WHERE id = 1;
INSERT INTO checks SELECT 'trigger', what, 'Lem>Stanislaw' FROM log;
CREATE VIEW cheap AS SELECT title FROM book WHERE price < 10;
INSERT INTO checks SELECT 'view', count(*), 3 FROM cheap;

BEGIN;
DELETE FROM book;
SAVEPOINT one;
INSERT INTO book(title) VALUES ('x');
ROLLBACK TO one;
ROLLBACK;
INSERT INTO checks SELECT 'rolled back', count(*), 20 FROM book;

INSERT INTO checks SELECT 'types', typeof(1) || typeof(1.0) || typeof('1') || typeof(x'01') || typeof(NULL), 'integerrealtextblobnull';
INSERT INTO checks SELECT 'large integers', 9223372036854775807 + 0, 9223372036854775807;
INSERT INTO checks SELECT 'functions', printf('%05.2f|%s|%x', 3.14159, upper('abc'), 255) || substr('hello', -3), '03.14|ABC|ffllo';
INSERT INTO checks SELECT 'math', round(sqrt(2) * pow(2, 10) + sin(0), 6), 1448.154688;
INSERT INTO checks SELECT 'dates', date('2024-01-31', '+1 month') || strftime('%j', '2024-12-31'), '2024-03-02366';
INSERT INTO checks SELECT 'json', json_extract('{"a":[1,{"b":"x"}]}', '$.a[1].b') || json_array_length('[1,2,3]'), 'x3';
INSERT INTO checks SELECT 'like', ('RaeenOS' LIKE 'raeen%') || ('RaeenOS' GLOB 'raeen*'), '10';
INSERT INTO checks SELECT 'blobs', length(zeroblob(100000)) || hex(x'DEAD'), '100000DEAD';
CREATE VIRTUAL TABLE page USING fts5(body);
INSERT INTO page SELECT 'the quick brown fox number ' || value FROM generate_series(1, 200);
INSERT INTO checks SELECT 'full text', count(*) || ' ' || max(body), '1 the quick brown fox number 42' FROM page WHERE page MATCH 'quick AND 42';
CREATE VIRTUAL TABLE box USING rtree(id, x0, x1, y0, y1);
INSERT INTO box SELECT value, value, value + 1, 0, 1 FROM generate_series(1, 500);
INSERT INTO checks SELECT 'rtree', count(*), 11 FROM box WHERE x1 >= 100 AND x0 <= 109;
ALTER TABLE book ADD COLUMN pages INTEGER DEFAULT 7;
DROP INDEX book_author;
DROP VIEW cheap;
ALTER TABLE book DROP COLUMN price;
INSERT INTO checks SELECT 'alter', sum(pages), 140 FROM book;
VACUUM;
INSERT INTO checks SELECT 'integrity', integrity_check, 'ok' FROM pragma_integrity_check;
INSERT INTO checks SELECT 'foreign keys', count(*), 0 FROM pragma_foreign_key_check;

SELECT name || ': ' || CASE WHEN actual = expected THEN 'ok' ELSE 'is <' || ifnull(actual, 'NULL') || '>, expected <' || expected || '>' END FROM checks;
SELECT 'basics: ' || CASE WHEN count(*) = 26 THEN 'done' ELSE count(*) || ' checks' END FROM checks WHERE actual = expected;
