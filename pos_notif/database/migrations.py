"""The way from each version of the schema to the next."""

from __future__ import annotations

from collections.abc import Mapping

# To version N, from N - 1, as SQL. A file of an older version is brought up step by step, each in a transaction.
MIGRATIONS: Mapping[int, str] = {
    2: """
        ALTER TABLE log ADD COLUMN subscriptions_version INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE subscriptions (
            session_id INTEGER REFERENCES sessions (id) ON DELETE CASCADE,
            token_id INTEGER REFERENCES tokens (id) ON DELETE CASCADE,
            client TEXT NOT NULL,
            order_id INTEGER NOT NULL,
            after_id INTEGER NOT NULL,
            CHECK ((session_id IS NULL) <> (token_id IS NULL))
        ) STRICT;
        CREATE UNIQUE INDEX subscriptions_session ON subscriptions (session_id, client, order_id)
            WHERE session_id IS NOT NULL;
        CREATE UNIQUE INDEX subscriptions_token ON subscriptions (token_id, client, order_id)
            WHERE token_id IS NOT NULL;
    """,
    3: """
        CREATE TABLE products (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            category TEXT,
            price REAL NOT NULL,
            stock REAL,
            minimum REAL,
            available INTEGER NOT NULL
        ) STRICT;
    """,
    4: """
        CREATE INDEX events_prunings ON events (id) WHERE type = 'poda';
        CREATE INDEX events_alarms ON events (id) WHERE type IN ('sin_acuse', 'sin_pantalla', 'pantalla_recuperada');
        CREATE TABLE screens (
            room TEXT PRIMARY KEY,
            seen_ms INTEGER NOT NULL
        ) STRICT;
    """,
    5: """
        CREATE INDEX events_time ON events (ms);
        CREATE INDEX events_type ON events (type, id);
    """,
    6: """
        CREATE TABLE order_words (
            order_id INTEGER NOT NULL,
            publisher TEXT NOT NULL,
            data TEXT NOT NULL,
            PRIMARY KEY (order_id, publisher)
        ) STRICT, WITHOUT ROWID;
    """,
    7: """
        ALTER TABLE products ADD COLUMN pos_id INTEGER;
        ALTER TABLE products ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
        CREATE UNIQUE INDEX products_pos_id ON products (pos_id) WHERE pos_id IS NOT NULL;
    """,
    8: """
        ALTER TABLE log ADD COLUMN accounts_version INTEGER NOT NULL DEFAULT 0;
    """,
    9: """
        ALTER TABLE log ADD COLUMN leader TEXT;
        ALTER TABLE log ADD COLUMN term INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE epochs (
            epoch TEXT PRIMARY KEY,
            last_id INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE members (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            position INTEGER NOT NULL,
            joined_ms INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE node (
            only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
            log_name TEXT NOT NULL,
            engine TEXT NOT NULL,
            name TEXT NOT NULL,
            position INTEGER NOT NULL,
            hash BLOB NOT NULL,
            base BLOB NOT NULL,
            identity TEXT
        ) STRICT;
        CREATE TABLE positions (
            position INTEGER PRIMARY KEY,
            hash BLOB NOT NULL
        ) STRICT;
    """,
    10: """
        CREATE TABLE push_keys (
            only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
            private_key BLOB NOT NULL,
            public_key BLOB NOT NULL,
            created_ms INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE push_subscriptions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            endpoint TEXT NOT NULL UNIQUE,
            p256dh BLOB NOT NULL,
            auth BLOB NOT NULL,
            client TEXT,
            created_ms INTEGER NOT NULL,
            done_id INTEGER NOT NULL,
            sent_ms INTEGER,
            failures INTEGER NOT NULL,
            error TEXT
        ) STRICT;
        CREATE INDEX push_subscriptions_session ON push_subscriptions (session_id);
        CREATE TABLE ntfy_topics (
            user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
            topic TEXT NOT NULL UNIQUE,
            origin TEXT NOT NULL,
            created_ms INTEGER NOT NULL,
            done_id INTEGER NOT NULL,
            sent_ms INTEGER,
            failures INTEGER NOT NULL,
            error TEXT
        ) STRICT;
        CREATE TABLE push_seen (
            event_id INTEGER NOT NULL,
            user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            PRIMARY KEY (event_id, user_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE push_cursor (
            only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
            event_id INTEGER NOT NULL
        ) STRICT;
    """,
}
