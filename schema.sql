-- The whole state of a restaurant's notification service. Version 10.
-- `pos_notif/database/file.py` makes a new file from this text and compares an existing one with it.

-- One row: where the log begins and ends.
CREATE TABLE log (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch TEXT NOT NULL,          -- random; another log, or a restored one, has another
    head_id INTEGER NOT NULL,     -- newest id ever given: kept after pruning, so that no id is given twice
    head_hash TEXT NOT NULL,
    oldest INTEGER NOT NULL,      -- oldest kept id; head_id + 1 where no event is kept
    anchor_hash TEXT NOT NULL,    -- hash of the event before `oldest`; 64 zeros before the first
    -- Counts the changes to `subscriptions`, so that another process sees that there were some.
    subscriptions_version INTEGER NOT NULL DEFAULT 0,
    -- Counts what took a session, a token or a role from somebody, for the same reason.
    accounts_version INTEGER NOT NULL DEFAULT 0,
    -- Which node of a cluster raises alarms, prunes and trims, as `<node>:<random number of its process>`, and how often
    -- that was decided. Without a cluster nobody stands here.
    leader TEXT,
    term INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The epochs before this one: a cursor of one is good up to the last id that it had here.
CREATE TABLE epochs (
    epoch TEXT PRIMARY KEY,
    last_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The nodes of the cluster, and how far each had come when it was last told.
CREATE TABLE members (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    position INTEGER NOT NULL,
    joined_ms INTEGER NOT NULL
) STRICT;

-- This file's own part in a cluster, which no other node has: no row in a log that belongs to none.
CREATE TABLE node (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    log_name TEXT NOT NULL,       -- random, of the first node: another restaurant's engine has another
    engine TEXT NOT NULL,         -- etcd or redis
    name TEXT NOT NULL,           -- as in `members`
    position INTEGER NOT NULL,    -- the newest record that stands in this file
    hash BLOB NOT NULL,           -- SHA-256 over the hash before it and that record
    base BLOB NOT NULL,           -- nonce of the newest record that opened the engine
    identity TEXT                 -- JSON: what the engine said of itself
) STRICT;

-- The newest places of this file in the cluster's order of records.
CREATE TABLE positions (
    position INTEGER PRIMARY KEY,
    hash BLOB NOT NULL
) STRICT;

-- The event log. `data` is the event as JSON with `salas` as its last member;
-- `hash` is SHA-256 over the predecessor's hash (64 hex digits), LF, and the bytes of `data`.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    ms INTEGER NOT NULL,          -- time of the append, milliseconds since 1970
    type TEXT NOT NULL,
    order_id INTEGER,
    to_kitchen INTEGER NOT NULL,
    to_waiters INTEGER NOT NULL,
    to_tills INTEGER NOT NULL,
    hash TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;

-- A room's events by id, so that a reader never scans other rooms' events. Managers read the table itself.
CREATE INDEX events_kitchen ON events (id) WHERE to_kitchen;
CREATE INDEX events_waiters ON events (id) WHERE to_waiters;
CREATE INDEX events_tills ON events (id) WHERE to_tills;
CREATE INDEX events_order ON events (order_id, id) WHERE order_id IS NOT NULL;
-- The newest set of these says which orders the pruned log goes on with.
CREATE INDEX events_prunings ON events (id) WHERE type = 'poda';
-- What has been raised already is asked of the log at each start.
CREATE INDEX events_alarms ON events (id) WHERE type IN ('sin_acuse', 'sin_pantalla', 'pantalla_recuperada');
-- For the manager's filters. The others look into `data`, in the rows that these leave.
CREATE INDEX events_time ON events (ms);
CREATE INDEX events_type ON events (type, id);

-- The orders' present state: fold(anchor, log), written in the event's transaction. A closed or cancelled order without
-- a kept event is a pruned one that has not been deleted yet.
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    first_event_id INTEGER NOT NULL,
    last_event_ms INTEGER NOT NULL,
    ready_ms INTEGER,
    kitchen_had_it INTEGER NOT NULL,
    state_assumed INTEGER NOT NULL,
    data TEXT NOT NULL            -- the `pedido` that travels
) STRICT;
CREATE INDEX orders_view ON orders (state, last_event_ms);

-- What each publisher has said last of an order's table, guest and waiter, as JSON: the same again changes nothing. What
-- it changed stands in the events, so this is no part of the fold.
CREATE TABLE order_words (
    order_id INTEGER NOT NULL,
    publisher TEXT NOT NULL,      -- as in `idempotency_keys`
    data TEXT NOT NULL,
    PRIMARY KEY (order_id, publisher)
) STRICT, WITHOUT ROWID;

-- What has been published under which idempotency key, with the digest of the body.
CREATE TABLE idempotency_keys (
    publisher TEXT NOT NULL,      -- token:<id>, user:<id> or python
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    event_ids TEXT NOT NULL,      -- JSON list: the first answer's ids
    last_event_id INTEGER NOT NULL,
    PRIMARY KEY (publisher, route, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_event ON idempotency_keys (last_event_id);

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE, -- case-folded: Ana and ana are one person
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    secret_hash BLOB NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_ms);

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL
) STRICT;

-- When a room last began a business day with a screen: without one in this day there is nothing to raise an alarm for.
CREATE TABLE screens (
    room TEXT PRIMARY KEY,
    seen_ms INTEGER NOT NULL
) STRICT;

-- The menu. A stock of NULL is not counted. Like that of orders placed here, its last id is kept in `sqlite_sequence` once
-- the log was restored, so that none is given anew that was given after the backup.
CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    category TEXT,
    price REAL NOT NULL,          -- with the tax
    stock REAL,
    minimum REAL,
    available INTEGER NOT NULL,
    pos_id INTEGER,               -- what the POS calls the dish: lines that it publishes name it so
    hidden INTEGER NOT NULL DEFAULT 0 -- kept, and not on the menu
) STRICT;
CREATE UNIQUE INDEX products_pos_id ON products (pos_id) WHERE pos_id IS NOT NULL;

-- Which client follows which order, for events after `after_id`. A client (a tab's UUID) belongs to its session or token.
CREATE TABLE subscriptions (
    session_id INTEGER REFERENCES sessions (id) ON DELETE CASCADE,
    token_id INTEGER REFERENCES tokens (id) ON DELETE CASCADE,
    client TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    after_id INTEGER NOT NULL,
    CHECK ((session_id IS NULL) <> (token_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX subscriptions_session ON subscriptions (session_id, client, order_id) WHERE session_id IS NOT NULL;
CREATE UNIQUE INDEX subscriptions_token ON subscriptions (token_id, client, order_id) WHERE token_id IS NOT NULL;

-- The key pair by which push services know this restaurant (RFC 8292), made the first time that it is asked for. Another
-- one would end every subscription, so it stays with the log; the private key leaves it for nobody.
CREATE TABLE push_keys (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    private_key BLOB NOT NULL,    -- P-256, 32 bytes
    public_key BLOB NOT NULL,     -- the point, 65 bytes
    created_ms INTEGER NOT NULL
) STRICT;

-- Which browsers are to be rung, each as long as the session lasts that has asked for it. `endpoint` is an address that
-- only its push service and this service know: who knows it and the keys may ring the phone.
CREATE TABLE push_subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    endpoint TEXT NOT NULL UNIQUE,
    p256dh BLOB NOT NULL,
    auth BLOB NOT NULL,
    client TEXT,                  -- the device's UUID, by which a renewed endpoint takes the place of its old one
    created_ms INTEGER NOT NULL,
    done_id INTEGER NOT NULL,     -- what events up to this one had to say has been sent to it, or dropped
    sent_ms INTEGER,              -- when the push service last took something
    failures INTEGER NOT NULL,    -- refusals in a row; from three on nothing is sent
    error TEXT
) STRICT;
CREATE INDEX push_subscriptions_session ON push_subscriptions (session_id);

-- The topic of each user at an ntfy server. Who knows it reads along.
CREATE TABLE ntfy_topics (
    user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    topic TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL,         -- where the user's pages are, for what a tap opens
    created_ms INTEGER NOT NULL,
    done_id INTEGER NOT NULL,
    sent_ms INTEGER,
    failures INTEGER NOT NULL,
    error TEXT
) STRICT;

-- Which users have seen which events on a page, so that their phones are not rung for them: of events above the cursor.
CREATE TABLE push_seen (
    event_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (event_id, user_id)
) STRICT, WITHOUT ROWID;

-- One row: what events up to this one had to say to phones has been sent or dropped.
CREATE TABLE push_cursor (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    event_id INTEGER NOT NULL
) STRICT;
